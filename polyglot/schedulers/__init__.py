"""Where attempts run: what a scheduler says to the engine, and one folder for each scheduler."""
