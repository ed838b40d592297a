"""polyglot: an experiment factory for multilingual instruction tuning (the controller)."""

__version__ = "0.1.0"
