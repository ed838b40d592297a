"""The job of the kind imported."""
