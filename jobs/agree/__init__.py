"""How far people who rate translations agree with each other, and metrics with them."""
