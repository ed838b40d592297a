"""How far verdicts can be trusted: order, repeats, languages, lengths, and the benchmark's own rule."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from jobs.report.judge_noise import COLUMNS, TEXTS, TITLES, noise_rows
from jobs.report.numbers import View, share, whole
from jobs.report.sections.pairs import limits, percent
from polyglot.kinds.cells import STUDYS_JUDGE
from polyglot.kinds.imported import FROM_FILES
from polyglot.kinds.measured import Measured
from polyglot.kinds.metrics import MISSING
from polyglot.kinds.reliability import (
    SUSPICIOUS,
    JudgeAgreement,
    JudgeReliability,
    LanguageAgreement,
    PairReliability,
    PeopleAgreement,
    RetestReliability,
    SingleReliability,
    Suspicious,
)
from polyglot.kinds.report import Report


class Figure(NamedTuple):
    """A figure and its limits, for a field of a table."""

    value: str
    limits: str


class Table(NamedTuple):
    """Rows of figures by language; `text` says what they are."""

    title: str
    text: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Figure, ...]], ...]


class Card(NamedTuple):
    """One judge."""

    name: str
    tables: tuple[Table, ...]


class Cards(NamedTuple):
    """All judges."""

    cards: tuple[Card, ...]
    between: tuple[Table, ...]  # of a panel
    warnings: tuple[str, ...]
    suspicious: tuple[tuple[str, str, str, str, str, str], ...]


def show(report: Report, view: View) -> Cards | None:
    """Return what the section shows; None where there is no card."""
    found = report.reliability
    if found is None:
        return None
    return Cards(
        cards=tuple(_card(judge, found.people or ()) for judge in found.judges if judge.endpoint != FROM_FILES)
        + tuple(
            Card(name=f"{judge.model}, not judged here: read from files", tables=tables)
            for judge in found.judges
            if judge.endpoint == FROM_FILES and (tables := tuple(_tables(judge)))
        ),
        between=tuple(_between(found.between or ())),
        warnings=found.warnings,
        suspicious=tuple(_suspicious(row) for row in found.suspicious),
    )


def _card(judge: JudgeReliability, people: Sequence[PeopleAgreement]) -> Card:
    """A judge, and people beside it."""
    said = f"{judge.model} ({judge.endpoint})"
    name = (
        said
        if not judge.name
        else "The study's judge, " + said
        if judge.name == STUDYS_JUDGE
        else f"{judge.name}, {said}"
    )
    beside = [row for row in people if row.judge == judge.name]
    return Card(name=name, tables=(*_tables(judge), *_people(beside)))


def _between(rows: Sequence[JudgeAgreement]) -> Iterator[Table]:
    whats = {
        "scores": "Scores, in whole points; kappa has quadratic weights.",
        "pairs": "Pairs; ties of all kinds are one.",
    }
    for what, said in whats.items():
        own = [row for row in rows if row.what == what]
        if own:
            yield Table(
                f"Between judges: {what}",
                f"{said} On the items that all of them gave a verdict on. Alpha is Krippendorff's, ordinal.",
                ("Items", "Equal", "Kappa", "Alpha"),
                tuple((f"{', '.join(row.judges)}: {row.language}", tuple(_across(row))) for row in own),
            )


def _tables(judge: JudgeReliability) -> Iterator[Table]:
    if judge.singles:
        yield Table(
            "Single grading",
            "Read otherwise: replies from which the benchmark's own rule, the first number in brackets, takes another "
            "score or none. Per doubling: points that go with an answer of twice the length, among answers to the same "
            "question; a longer answer may also be a better one.",
            ("Parsed", "Read otherwise", "Mean", "Per doubling", "In another language", "On wrong references"),
            tuple((row.language, tuple(_single(row))) for row in judge.singles),
        )
    if judge.pairs:
        yield Table(
            "Pairs",
            "Inconsistent: pairs whose two orders contradict each other. First slot: of the verdicts that name a "
            "winner, those for the answer that stood first; half would be fair. Longer: likewise for longer answers.",
            ("Parsed", "Read otherwise", "Inconsistent", "First slot", "Ties", "Both bad", "Longer won"),
            tuple((row.language, tuple(_pair(row))) for row in judge.pairs),
        )
    if judge.retests:
        times = judge.retests[0].times
        yield Table(
            "The same asked again",
            f"Each was asked {times} times. Flips: the chance that two of them give different scores.",
            ("Answers", "Flips", "Deviation, points"),
            tuple((row.language, tuple(_retest(row))) for row in judge.retests),
        )
    for of, title in TITLES.items():
        if noise := noise_rows(judge, of):
            rows = tuple((name, tuple(Figure(*one) for one in fields)) for name, fields in noise)
            yield Table(title, TEXTS[of], COLUMNS, rows)
    if judge.across_languages:
        yield Table(
            "Between languages",
            "Scores of one model's answers to the same question in two languages. The answers differ as well as the "
            "judge's language. Kappa has quadratic weights, alpha is Krippendorff's, ordinal.",
            ("Answers", "Equal", "Kappa", "Alpha"),
            tuple((f"{row.first} and {row.second}", tuple(_across(row))) for row in judge.across_languages),
        )


def _people(rows: Sequence[PeopleAgreement]) -> Iterator[Table]:
    if not rows:
        return
    yield Table(
        "People beside the judge",
        "Two people: how often two people's votes on the same item agree; the judge: how often its verdict agrees with "
        "a person's vote. The difference is the judge's less the people's, on the items that both have. Ties of all "
        "kinds are one. Of chance-corrected figures the people's come first: AC2 (Gwet) and alpha (Krippendorff) with "
        "ordinal weights, and kappa, which falls when one answer wins nearly always. A vote on a whole conversation "
        "meets the sum of the judge's verdicts on its turns.",
        ("Votes", "Items", "Two people", "The judge", "Difference", "AC2", "Alpha", "Kappa"),
        tuple((_named(row), tuple(_beside(row))) for row in rows),
    )


def _named(row: PeopleAgreement) -> str:
    by = {"pairs": "its verdicts on pairs", "scores": "its scores", None: "no verdict"}[row.judged]
    return f"{row.language}, {row.what}; {by}"


def _beside(row: PeopleAgreement) -> Iterator[Figure]:
    yield Figure(whole(row.votes), f"{whole(row.people)} people, {whole(row.native)} votes by native speakers")
    yield Figure(whole(row.items), f"{whole(row.shared)} by two or more, {whole(row.judged_items)} judged")
    for found in (row.people_agree, row.judge_agrees):
        yield Figure(percent(found), limits(found))
    yield _signed_share(row.difference)
    for people, judge in (
        (row.people_ac2, row.judge_ac2),
        (row.people_alpha, row.judge_alpha),
        (row.people_kappa, row.judge_kappa),
    ):
        values = f"{_points(people.value)} and {_points(judge.value)}"
        yield Figure(values, " and ".join(text for one in (people, judge) if (text := limits(one, 1.0, 2))))


def _signed_share(found: Measured) -> Figure:
    """In points of a hundred."""
    if found.value is None or found.low is None or found.high is None:
        return Figure(MISSING, "")
    low, value, high = (f"{100 * one:+.1f}".replace("-", "\u2212") for one in (found.low, found.value, found.high))
    return Figure(value, f"{low} to {high}")


def _single(row: SingleReliability) -> Iterator[Figure]:
    yield Figure(share(row.parsed, row.planned), f"{whole(row.parsed)} of {whole(row.planned)}")
    yield Figure(whole(row.published_differs), "")
    yield Figure(_points(row.mean), "")
    yield _signed(row.per_doubling)
    yield _against(row.other_language_mean, row.other_language, "others", row.own_language_mean)
    yield _against(row.wrong_references_mean, row.wrong_references, "mean without", row.mean_without_wrong)


def _pair(row: PairReliability) -> Iterator[Figure]:
    yield Figure(share(row.parsed, row.planned), f"{whole(row.parsed)} of {whole(row.planned)}")
    yield Figure(whole(row.published_differs), "")
    for found in (row.inconsistent, row.first_slot, row.ties, row.both_bad, row.longer_won):
        yield Figure(percent(found), limits(found))


def _retest(row: RetestReliability) -> Iterator[Figure]:
    yield Figure(whole(row.items), "")
    yield Figure(percent(row.flips), limits(row.flips))
    yield Figure(_points(row.deviation.value), limits(row.deviation, 1.0, 2))


def _across(row: LanguageAgreement | JudgeAgreement) -> Iterator[Figure]:
    yield Figure(whole(row.items), "")
    yield Figure(percent(row.equal), limits(row.equal))
    for found in (row.kappa, row.alpha):
        yield Figure(_points(found.value), limits(found, 1.0, 2))


def _points(value: float | None) -> str:
    return MISSING if value is None else f"{value:.2f}".replace("-", "\u2212")


def _signed(found: Measured) -> Figure:
    if found.value is None or found.low is None or found.high is None:
        return Figure(MISSING, "")
    low, value, high = (f"{one:+.2f}".replace("-", "\u2212") for one in (found.low, found.value, found.high))
    return Figure(value, f"{low} to {high}")


def _against(mean: float | None, number: int, other: str, others: float | None) -> Figure:
    """A mean over some answers, and what it is beside."""
    if not number:
        return Figure("none", "")
    return Figure(_points(mean), f"{whole(number)}; {other} {_points(others)}")


def _suspicious(row: Suspicious) -> tuple[str, str, str, str, str, str]:
    return row.cell, row.language, SUSPICIOUS[row.what], whole(row.turns), _points(row.mean), _points(row.others_mean)
