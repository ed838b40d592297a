"""Verdicts on pairs of answers, in both orders."""
