"""One verdict out of those of several judges."""
