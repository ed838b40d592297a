"""Answers as they were when a study's nights began."""
