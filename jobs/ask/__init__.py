"""The answers of a model behind an endpoint."""
