"""Reference answers made natively in each language: what is asked, of whom, and what a reply is worth."""
