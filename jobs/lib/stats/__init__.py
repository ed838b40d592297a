"""Statistics of score tables: one resampling of questions for everything, and seeds on top of it.

`grid` holds the verdicts as arrays, `resampling` draws questions, `interval` turns draws into limits, `arms` and
`contrasts` say what is averaged. The reasons, and the coverage that was measured, are in docs/statistics.md.
"""
