"""A report document (plain data, report.json) -> one static HTML page with drawings of its own.

`page.render_page` is the whole interface. `answer` puts findings into words by rule, `tables` and `figures` choose
what is shown, `plots` draws. Nothing here computes a statistic: every number shown is in the document already.
"""
