"""Distributions as boxes on a shared axis."""

from collections.abc import Mapping

from markupsafe import Markup

from jobs.report.plots.scale import Scale


def draw_spread(scale: Scale, marks: Mapping[str, float], title: str) -> Markup:
    """A box: "p05" to "p95" as a line, "p25" to "p75" as a box, the "median" as a mark."""
    at = {key: scale.at(value) for key, value in marks.items()}
    rules = Markup("").join(
        Markup('<line class="rule" x1="{0}%" x2="{0}%" y1="0" y2="22"/>').format(scale.at(tick)) for tick in scale.ticks
    )
    return Markup(
        '<svg class="plot spread" role="img" width="100%" height="22"><title>{title}</title>{rules}'
        '<line class="whisker" x1="{p05}%" x2="{p95}%" y1="11" y2="11"/>'
        '<rect class="box" x="{p25}%" width="{wide}%" y="5" height="12" rx="1.5"/>'
        '<line class="mark" x1="{median}%" x2="{median}%" y1="3" y2="19"/></svg>'
    ).format(title=title, rules=rules, wide=max(0.3, round(at["p75"] - at["p25"], 2)), **at)
