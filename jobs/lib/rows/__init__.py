"""Rows of data sets and benchmarks: their forms, by id, in order, and what of them a benchmark knows."""
