"""The judge's own noise beside that of questions, seeds and answers: a sentence for the summary, rows for its card."""

from collections.abc import Iterator, Mapping, Sequence

from jobs.report.numbers import listed, share, with_limits
from polyglot.kinds.measured import Measured
from polyglot.kinds.metrics import MISSING
from polyglot.kinds.reliability import JudgeNoise, JudgeReliability
from polyglot.kinds.report import Report

COLUMNS = ("Questions", "Seeds", "Answers", "Judge", "Error", "3 verdicts", "2 x questions", "2 x seeds")
TITLES: Mapping[str, str] = {
    "mean": "Where the noise of a mix's mean comes from",
    "difference": "Where the noise of the difference of two mixes comes from",
}
TEXTS: Mapping[str, str] = {
    "mean": "Shares of the variance of a mean score, averaged over mixes, those of several seeds where there are any. "
    "Questions: others would have been asked. Seeds: others would have been trained with. Answers: what one seed "
    "says to one question beyond both. Judge: what it would say otherwise of the same answers, by the retest, "
    "whose limits alone those of the share are; it asked about the answers of one model. Error: the standard "
    "error in points, and what it would be with three verdicts on each answer, twice the questions, twice the "
    "seeds.",
    "difference": "The same of the difference of two mixes, averaged over all pairs: what is hard for both cancels.",
}


def noise_sentence(report: Report) -> str:
    """What the study's judge adds to the noise, over all languages; "" where there is no card that tells."""
    judges = report.reliability.judges if report.reliability else ()
    found = {row.of: row for judge in judges[:1] for row in judge.noise or () if row.language == _widest(judge)}
    if "mean" not in found:
        return ""
    rows = [row for row in (found["mean"], found.get("difference")) if row is not None]
    deviation = next((one.deviation for one in judges[0].retests if one.language == _widest(judges[0])), None)
    if deviation is None or deviation.value is None or found["mean"].share.value is None:
        return _unknown(rows[-1])
    clauses = [f"{_percent(row.share)} of the variance of {_named(row)}" for row in rows]
    return (
        f"Asked again, the judge's scores of one answer scatter by {with_limits(deviation)} points (SD): "
        f"{listed(clauses)}. {_bought(rows[-1])}"
    )


def noise_rows(judge: JudgeReliability, of: str) -> Sequence[tuple[str, tuple[tuple[str, str], ...]]]:
    """A row for each language, of means or of differences: (value, limits) of each column."""
    return [(row.language, tuple(_fields(row))) for row in judge.noise or () if row.of == of]


def _fields(row: JudgeNoise) -> Iterator[tuple[str, str]]:
    own = row.parts
    whole = own.questions + (own.seeds or 0.0) + (own.answers or 0.0) + (own.judge or 0.0)
    known = [part for part in (own.seeds, own.answers) if part is not None]
    yield share(own.questions, whole), "" if known else "with answers"
    for part in (own.seeds, own.answers):
        hidden = part is own.answers and part is not None and own.judge is None
        yield MISSING if part is None else share(part, whole), "with the judge" if hidden else ""
    yield (MISSING, "not asked again") if row.share.value is None else (share(row.share.value, 1), _limits(row.share))
    for error in (row.error.now, row.error.three_verdicts, row.error.twice_questions, row.error.twice_seeds):
        yield _points(error), ""


def _widest(judge: JudgeReliability) -> str:
    """All languages together; of one, that."""
    return judge.noise[0].language if judge.noise else ""


def _named(row: JudgeNoise) -> str:
    where = "over all languages" if row.language == "all" else f"in {row.language}"
    return f"one mix's mean {where}" if row.of == "mean" else "the difference of two mixes"


def _unknown(row: JudgeNoise) -> str:
    """Nothing was judged twice: how much the judge's noise can be at most."""
    text = "No answer was judged twice (judge.retest), so the judge's own noise is not told from that of answers"
    if row.at_most is None:
        return text + "."
    return f"{text}: both together are {share(row.at_most, 1)} of the variance of {_named(row)}."


def _bought(row: JudgeNoise) -> str:
    """What more of each would do."""
    more = (
        ("three verdicts on each answer", row.error.three_verdicts),
        ("twice the questions", row.error.twice_questions),
        ("twice the seeds", row.error.twice_seeds),
    )
    would = listed([f"{_points(error)} with {what}" for what, error in more if error is not None])
    return f"The standard error of {_named(row)} is {_points(row.error.now)} points; it would be {would}."


def _percent(found: Measured) -> str:
    limits = _limits(found)
    return share(found.value or 0.0, 1) + (f" ({limits})" if limits else "")


def _limits(found: Measured) -> str:
    return "" if found.low is None or found.high is None else f"{share(found.low, 1)} to {share(found.high, 1)}"


def _points(value: float | None) -> str:
    return MISSING if value is None else f"{value:.3f}"
