"""What a study will need before it runs, what it needed beside that, and what cannot fit where it is meant to run."""
