"""The card of a study's judges: how far their verdicts can be trusted, and the results of pairs."""
