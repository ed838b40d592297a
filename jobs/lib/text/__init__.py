"""Texts: their words, lengths, personal data, and the parts that translation must leave alone."""
