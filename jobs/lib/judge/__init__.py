"""Grading by a chat model: prompts, calls, verdicts, the record of every call, and the built-in judge."""
