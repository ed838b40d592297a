"""A report document (plain data, report.json) -> one static HTML page with drawings of its own.

The interface: `page.render_page` for results, `data.render_data` for data and mixes, `quality.render_quality` for
translations. `answer` puts findings into words by rule, `tables` and `figures` choose what is shown, `plots` draws.
Nothing here computes a statistic: every number shown is in the document already.
"""
