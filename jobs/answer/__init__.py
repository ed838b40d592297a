"""Two-turn answers of a model to a benchmark's questions."""
