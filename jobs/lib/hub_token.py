"""The token of the Hugging Face hub: its client reads it from HF_TOKEN or from the file that HF_TOKEN_PATH names."""

REMEDY = "Set HF_TOKEN_PATH to a file with a token that may read it, or HF_TOKEN (`hub-secret` in a cluster's profile)"
REFUSALS = frozenset({401, 403})  # the hub says 401 of what is not there, too
