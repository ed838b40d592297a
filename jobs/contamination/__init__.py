"""The benchmark's texts in the rows of a data set."""
