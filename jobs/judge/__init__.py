"""Grading by a chat model: prompts, targets, verdicts, and the built-in judge."""
