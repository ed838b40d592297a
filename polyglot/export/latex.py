r"""The tables of a paper, in LaTeX with booktabs: means by language and contrasts, each with its interval.

A file begins with the packages that it needs; `\input` it where the table belongs. Numbers are those of the report.
"""

from collections.abc import Iterator, Mapping, Sequence

from polyglot.export.findings import contrast_names
from polyglot.kinds.aggregate import ArmScore, ContrastResult, Estimate
from polyglot.kinds.cells import Family
from polyglot.kinds.metrics import BY_NAME, MISSING, Metric
from polyglot.kinds.report import Report

_SPECIAL = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
            **{char: f"\\{char}" for char in "&%$#_{}"}}  # fmt: skip
_MOST_LANGUAGES = 6  # beside each other, before a table is set smaller


def latex_tables(report: Report) -> Mapping[str, str]:
    """The text of each file by its name."""
    metric = BY_NAME[report.metric]
    files = {"scores.tex": _text(report, "booktabs", _scores(report, metric))}
    if report.contrasts:
        files["contrasts.tex"] = _text(report, "booktabs,longtable", _contrasts(report, metric))
    return files


def escaped(text: str) -> str:
    """Text as LaTeX prints it."""
    return "".join(_SPECIAL.get(char, char) for char in text).replace("\u2212", "$-$").replace("\u2013", "--")


def _text(report: Report, packages: str, lines: Iterator[str]) -> str:
    head = f"% study {report.study}, by polyglot; needs \\usepackage{{{packages}}}"
    return "\n".join([head, *lines]) + "\n"


def _scores(report: Report, metric: Metric) -> Iterator[str]:
    """A table a model and data set: a row a mix, a column a language, the cross-lingual mean last."""
    languages = report.method.languages
    size = r"\scriptsize" if len(languages) > _MOST_LANGUAGES else r"\small"
    rows = {(row.arm_key, row.language): row for row in report.arms}
    tuned: list[tuple[str, str | None] | None] = []
    tuned += dict.fromkeys(row.trained_on for row in report.arms if row.dataset is not None)
    for group in tuned or [None]:
        keys = dict.fromkeys(
            row.arm_key
            for row in report.arms
            if group is None or row.trained_on == group or row.dataset is None and row.model in (group[0], row.arm)
        )
        yield from (r"\begin{table}", r"\centering", size, r"\setlength{\tabcolsep}{3pt}")
        yield rf"\begin{{tabular}}{{l{'r' * (len(languages) + 1)}}}"
        yield r"\toprule"
        yield " & ".join(["Mix", *languages, "all"]) + r" \\"
        yield r"\midrule"
        for key in keys:
            cells = [_mean(rows.get((key, name)), metric) for name in (*languages, "all")]
            yield " & ".join([escaped(key.arm), *cells]) + r" \\"
        yield from (r"\bottomrule", r"\end{tabular}")
        of = f" ({group[0]} on {group[1]})" if group else ""
        yield rf"\caption{{{_caption(report, f'{metric.title}, of the study {report.study}{of}')}}}"
        yield rf"\label{{tab:{'/'.join(part for part in (report.study, *(group or ())) if part)}-scores}}"
        yield r"\end{table}"


def _caption(report: Report, what: str) -> str:
    method = report.method
    level = f"{100 * method.level:g}% intervals over {method.questions} questions and all training seeds"
    return escaped(f"{what[:1].upper()}{what[1:]}, with {level}.")


def _mean(row: ArmScore | None, metric: Metric) -> str:
    """A mean over its interval, in two lines of one cell."""
    found = None if row is None else metric.of(row)
    if found is None or found.value is None:
        return "--"
    return rf"{metric.bare(found.value)} {{\tiny [{escaped(metric.interval(found))}]}}"


def _contrasts(report: Report, metric: Metric) -> Iterator[str]:
    """One table of all contrasts, by family."""
    adjusted = any(_p(row, metric) for row in report.contrasts)
    columns = ["Contrast", "Difference", "Interval", *(["$p$ (Holm)"] if adjusted else []), "Seeds"]
    families = dict[Family, list[tuple[str, ContrastResult]]]()  # each once, in the order of their first contrasts
    for name, row in zip(contrast_names(report.contrasts), report.contrasts, strict=True):
        families.setdefault(row.family, []).append((name, row))
    yield r"{\small"
    yield rf"\begin{{longtable}}{{l{'r' * (len(columns) - 1)}}}"
    caption = _caption(report, f"contrasts of the study {report.study} in {metric.unit}")
    yield rf"\caption{{{caption}}} \label{{tab:{report.study}-contrasts}} \\"
    yield r"\toprule"
    head = " & ".join(columns) + r" \\"
    yield from (head, r"\midrule", r"\endfirsthead", r"\toprule", head)
    yield from (r"\midrule", r"\endhead", r"\bottomrule", r"\endfoot")
    for number, (family, rows) in enumerate(families.items()):
        if number:
            yield r"\addlinespace"
        yield rf"\multicolumn{{{len(columns)}}}{{l}}{{\emph{{{escaped(str(family))}}}}} \\"
        for name, row in rows:
            yield _contrast(name, row, metric, adjusted=adjusted)
    yield from (r"\end{longtable}", "}")


def _contrast(name: str, row: ContrastResult, metric: Metric, *, adjusted: bool) -> str:
    found = metric.of(row)
    cells = [escaped(name), _signed(found.value, metric), _limits(found, metric)]
    cells += [_p(row, metric) or "--"] if adjusted else []
    return " & ".join([*cells, str(row.seeds)]) + r" \\"


def _p(row: ContrastResult, metric: Metric) -> str:
    """The p-value: of the primary contrast its own, of others adjusted within their family; "" without one."""
    p = metric.of(row).p_holm
    return "" if p is None else f"{p:.4f}"


def _signed(value: float | None, metric: Metric) -> str:
    text = metric.signed(value)
    return "--" if text == MISSING else escaped(text)


def _limits(found: Estimate, metric: Metric) -> str:
    limits: Sequence[float | None] = (found.low, found.high)
    if None in limits:
        return "--"
    return f"[{', '.join(_signed(value, metric) for value in limits)}]"
