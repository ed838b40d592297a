"""Words that every room shares: languages, canonical JSON, stages and their keys, units, errors."""
