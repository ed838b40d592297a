"""Data cards: what code can tell of the rows of a data set, and the defects that it finds in them."""
