"""Making the built-in base model: its tokenizer, its text as token blocks, and its training."""
