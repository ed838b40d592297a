"""The judge: who rated, failed verdicts by reason and language, tokens, answers cut at the limit."""

from collections import Counter
from typing import NamedTuple

from jobs.report.numbers import View, share, whole
from polyglot.kinds.report import JudgedLanguage, Report


class Row(NamedTuple):
    """One language."""

    language: str
    verdicts: str
    failed: str
    failed_share: str
    cut_share: str
    stopped_share: str
    prompt_tokens: str
    completion_tokens: str


class Judge(NamedTuple):
    """Totals over all cells."""

    models: tuple[str, ...]
    reasons: tuple[tuple[str, int], ...]
    fallbacks: tuple[tuple[str, int], ...]
    conflicting: int
    rows: tuple[Row, ...]


def show(report: Report, view: View) -> Judge | None:
    """Return what the section shows; None where no verdicts are among the inputs."""
    reasons: Counter[str] = Counter()
    fallbacks: Counter[str] = Counter()
    for judged in report.judges:
        reasons.update(judged.reasons)
        fallbacks.update(judged.fallbacks)
    rows = tuple(
        _row(report, language, counted)
        for language in report.method.languages
        if (counted := [judged.languages[language] for judged in report.judges if language in judged.languages])
    )
    if not rows:
        return None
    return Judge(
        models=tuple(
            sorted({f"{judged.model} ({judged.endpoint or 'endpoint not recorded'})" for judged in report.judges})
        ),
        reasons=_by_count(reasons),
        fallbacks=_by_count(fallbacks),
        conflicting=sum(judged.conflicting for judged in report.judges),
        rows=rows,
    )


def _row(report: Report, language: str, counted: list[JudgedLanguage]) -> Row:
    verdicts, failed = sum(row.verdicts for row in counted), sum(row.failed for row in counted)
    cut = [row.cut_turns for row in report.cells if row.is_whole and row.language == language]
    return Row(
        language=language,
        verdicts=whole(verdicts),
        failed=whole(failed),
        failed_share=share(failed, verdicts),
        cut_share=share(sum(part for part, _ in cut), sum(turns for _, turns in cut)),
        stopped_share=_stopped(report, language),
        prompt_tokens=whole(sum(row.prompt_tokens for row in counted)),
        completion_tokens=whole(sum(row.completion_tokens for row in counted)),
    )


def _stopped(report: Report, language: str) -> str:
    """The share of answers that ended before a stop string; a dash where none is on record."""
    rows = [row for row in report.cells if row.is_whole and row.language == language]
    stopped = sum(row.stopped or 0 for row in rows)
    return share(stopped, sum(row.cut_turns[1] for row in rows)) if stopped else "–"


def _by_count(counted: Counter[str]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(counted.items(), key=lambda item: (-item[1], item[0])))
