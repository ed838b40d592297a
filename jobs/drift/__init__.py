"""What changed since the nights before: the judge, the model, or what serves it."""
