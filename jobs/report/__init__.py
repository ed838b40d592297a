"""What was committed -> one document (report.json) -> one static HTML page with drawings of its own.

`load_artifacts` and `load_quality` read a stage's inputs; `page` and `quality` draw. A page of results or data is made
of `sections`, each of which chooses what it shows of the document, as `caveats` does; `plots` has the drawings. Nothing
here computes a statistic but `quality_comparison`: every other number is in the document already.
"""
