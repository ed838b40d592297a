"""Where stages run: one engine loop over a plan, and the backends that carry attempts out."""
