"""Translation of rows, questions and references by any engine, with everything that is no prose kept as it is."""
