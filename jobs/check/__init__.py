"""What the small stages of a study show of it, before its costly ones start: a file for each thing looked at."""
