"""Where stages run: one engine loop over a plan; schedulers carry the attempts out."""
