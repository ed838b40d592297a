"""Strengths of models from pairwise verdicts: Bradley and Terry (1952), ties by Davidson (1970), a first slot.

`games` are verdicts as arrays, `davidson` fits the model to many resamples at once, `fit` gives points and draws of one
language, `length` the same at equal lengths of the answers, `field` joins languages and training seeds, `letters`
makes tie groups of what is not told apart. The reasons, and what the intervals cover, are in docs/statistics.md.
"""
