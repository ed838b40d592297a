"""Which stages a study consists of, and why: pure functions without clock, I/O, environment or randomness."""
