"""Asking for verdicts and reading them: what single and pairwise judging share."""
