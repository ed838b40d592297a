"""Statistics of score tables: one resampling of questions for everything, and seeds on top of it.

`grid` holds the verdicts as arrays, `resampling` draws questions, `interval` turns draws into limits, `arms` and
`contrasts` say what is averaged. Of a judge itself: `clusters` (shares and other figures over questions), `pairwise`,
`votes`, `agreement`, `retest`, `length` (over `regression`) and `strengths`, all over plain arrays. The reasons, and
the coverage that was measured, are in docs/statistics.md.
"""
