"""`polyglot judgments`: what files of FastChat's and AlpacaEval's forms say, without a study.

The statistics are the jobs', which the controller does not import: they run in a process of their own.
"""

import importlib.util
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from polyglot.cli.options import Output, OutputForm
from polyglot.cli.output import print_table, say
from polyglot.core.errors import BadInput, Exit, PolyglotError
from polyglot.exchange.summary import (
    Counted,
    Figure,
    OrderRow,
    PairRow,
    ScoreAgreement,
    ScoreRow,
    StrengthTable,
    Summary,
    VoteAgreement,
)

_MOST_TOLD = 5  # rows of a file that are told one by one
_WHOLE = 0  # the turn of a whole conversation
_Part = tuple[tuple[str, ...], list[tuple[str, ...]]]  # a header and its rows


class _Refused(BadInput):
    """Files that cannot be read: a line for each fault."""

    def __init__(self, lines: str) -> None:
        Exception.__init__(self, lines)


def command(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE…",
            help="Judgments (…_single.jsonl, …_pair.jsonl), votes, AlpacaEval's annotations; gzipped or not.",
        ),
    ],
    people: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATTERN",
            help="Judges whose names fit are people, counted together as `human`; without it expert* are, and author* "
            "are `author`, as FastChat has it.",
        ),
    ] = None,
    output: OutputForm = Output.TABLE,
) -> None:
    """Say what files of judgments and votes come to: means, win rates, order, failures, and who agrees with whom.

    Counts are those of FastChat's show_result and compute_agreement; limits are 95 % over questions. Give files of one
    language together.
    """
    document = _summary(files, people or ())
    if output is Output.JSON:
        print(document.decode())
        return
    _print(msgspec.json.decode(document, type=Summary))


def _summary(files: Sequence[Path], people: Sequence[str]) -> bytes:
    """The summary as JSON. Raises BadInput for files of no known form, with a line for each fault."""
    for library in ("numpy", "jobs"):
        if importlib.util.find_spec(library) is None:
            remedy = "Install polyglot-lab[worker]"
            raise BadInput(f"the statistics need {library}, which is not installed", where="judgments", remedy=remedy)
    options = [text for pattern in people for text in ("--people", pattern)]
    named = ["--", *map(str, files)]
    done = subprocess.run([sys.executable, "-P", "-m", "jobs.judgments", *options, *named], capture_output=True)
    said = done.stderr.decode(errors="replace").strip()
    if done.returncode == Exit.USAGE:
        raise _Refused(said)
    if done.returncode:
        raise PolyglotError(f"the statistics failed: {said.splitlines()[-1] if said else f'exit {done.returncode}'}")
    return done.stdout.strip()


def _print(found: Summary) -> None:
    for file in found.files:
        say(f"{file.name}: {file.rows} {file.form}, {file.repeats} there twice, {file.failures} failed")
        for line in file.told[:_MOST_TOLD]:
            say(f"  {line}")
        if len(file.told) > _MOST_TOLD:
            say(f"  {len(file.told) - _MOST_TOLD} more; all are in `-o json`")
    for line in found.told:
        say(line)
    by_file = (
        _scores(found.scores),
        _pairs(found.pairs),
        _orders(found.orders),
        _strengths(found.strengths),
        _first_slots(found.strengths),
    )
    for header, rows in (*map(_with_files, by_file), _votes(found.votes), _score_agreement(found.score_agreement)):
        if rows:
            print_table(header, rows)
            print()


def _with_files(part: _Part) -> _Part:
    """A table whose last column is the file: without it where there is one."""
    header, rows = part
    return part if len({row[-1] for row in rows}) > 1 else (header[:-1], [row[:-1] for row in rows])


def _scores(rows: Sequence[ScoreRow]) -> _Part:
    """A row a model, best first, the mean of each turn in a column; all models last."""
    turns = sorted({row.turn for row in rows if row.turn is not None})
    means = [f"turn {turn}" if turn else "conversation" for turn in turns]
    header = (
        "scores by",
        "model",
        *(means if len(turns) > 1 else ()),
        "mean",
        "95 %",
        "ratings",
        "failed",
        "twice",
        "file",
    )
    found = {(row.file, row.judge, row.model, row.turn): row for row in rows}
    whole = [row for row in rows if row.turn is None]
    order = dict.fromkeys((row.file, row.judge) for row in whole)
    shown: list[tuple[str, ...]] = []
    for file, judge in order:
        mine = [row for row in whole if (row.file, row.judge) == (file, judge)]
        for row in sorted(mine, key=lambda row: (not row.model, -(row.mean.value or 0.0))):
            by_turn = [found.get((file, judge, row.model, turn)) for turn in turns] if len(turns) > 1 else []
            cells = [_number(one.mean.value, 2) if one else "" for one in by_turn]
            counts = (str(row.scores), str(row.failed), str(row.repeats), file)
            name = row.model or "all models"
            shown.append((judge, name, *cells, _number(row.mean.value, 2), _limits(row.mean, 1, 2), *counts))
    return header, shown


def _pairs(rows: Sequence[PairRow]) -> _Part:
    """A row a model, best first."""
    header = ("pairs by", "model", "win", "loss", "tie", "win rate", "adjusted", "95 %", "failed", "twice", "file")
    order = {key: number for number, key in enumerate(dict.fromkeys((row.file, row.judge) for row in rows))}
    shown: list[tuple[str, ...]] = [
        (
            row.judge,
            row.model,
            str(row.wins),
            str(row.losses),
            str(row.ties),
            _number(100 * row.wins / row.rate.of if row.rate.of else None, 2, "%"),
            *_percent(row.rate.share),
            str(row.failed),
            str(row.repeats),
            row.file,
        )
        for row in sorted(rows, key=lambda row: (order[row.file, row.judge], -(row.rate.share.value or 0.0)))
    ]
    return header, shown


def _orders(rows: Sequence[OrderRow]) -> _Part:
    header = (
        "order by",
        "pairs",
        "inconsistent",
        "of",
        "share",
        "95 %",
        "first slot",
        "95 %",
        "failed verdicts",
        "twice",
        "file",
    )
    return header, [
        (
            row.judge,
            str(row.pairs),
            *(_counts(row.inconsistent) if row.inconsistent else ("?", "", "?", "")),
            *(_percent(row.first.share) if row.first else ("?", "")),
            str(row.failed),
            str(row.repeats),
            row.file,
        )
        for row in rows
    ]


def _strengths(tables: Sequence[StrengthTable]) -> _Part:
    """A row a model, best first."""
    header = ("strengths by", "ties", "model", "log-odds", "95 %", "tie groups", "games", "failed", "file")
    return header, [
        (
            table.judge,
            _ties(table.ties),
            row.model,
            _beyond(row.strength),
            _limits(row.strength, 1, 3),
            row.letters or "not ranked",
            str(row.games),
            str(row.failed),
            table.file,
        )
        for table in tables
        for row in table.models
    ]


def _first_slots(tables: Sequence[StrengthTable]) -> _Part:
    header = ("first slot by", "ties", "log-odds", "95 %", "file")
    return header, [
        (table.judge, _ties(table.ties), _beyond(table.first_slot), _limits(table.first_slot, 1, 3), table.file)
        for table in tables
        if table.first_slot
    ]


def _ties(kept: bool) -> str:
    return "kept" if kept else "left out"


def _beyond(found: Figure) -> str:
    """A number; of what has none that it is beyond its one limit."""
    if found.value is None and (found.low is None) != (found.high is None):
        return f"above {found.low:.3f}" if found.low is not None else f"below {found.high:.3f}"
    return _number(found.value, 3)


def _votes(rows: Sequence[VoteAgreement]) -> _Part:
    header = (
        "agreement", "turn", "ties", "agree", "of", "share", "95 %", "kappa", "95 %", "alpha ordinal", "95 %",
        "alpha nominal", "95 %",
    )  # fmt: skip
    return header, [
        (
            f"{row.first} with {'each other' if row.first == row.second else row.second}",
            "all" if row.turn is None else str(row.turn) if row.turn != _WHOLE else "conversation",
            _ties(row.ties),
            *_counts(row.agree),
            *_points(row.kappa),
            *_points(row.alpha_ordinal),
            *_points(row.alpha_nominal),
        )
        for row in rows
    ]


def _score_agreement(rows: Sequence[ScoreAgreement]) -> _Part:
    header = (
        "scores of both", "answers", "first mean", "second mean", "difference", "95 %", "equal", "of", "share", "95 %",
        "kappa quadratic", "95 %", "alpha interval", "95 %",
    )  # fmt: skip
    return header, [
        (
            f"{row.first} and {row.second}",
            str(row.items),
            _number(row.first_mean, 4),
            _number(row.second_mean, 4),
            _number(row.difference.value, 4),
            _limits(row.difference, 1, 4),
            *_counts(row.equal),
            *_points(row.kappa_quadratic),
            *_points(row.alpha_interval),
        )
        for row in rows
    ]


def _counts(found: Counted) -> Iterator[str]:
    yield f"{found.hits:g}"
    yield str(found.of)
    yield from _percent(found.share)


def _percent(found: Figure) -> tuple[str, str]:
    return _number(None if found.value is None else 100 * found.value, 2, "%"), _limits(found, 100, 1)


def _points(found: Figure) -> tuple[str, str]:
    return _number(found.value, 3), _limits(found, 1, 3)


def _number(value: float | None, digits: int, unit: str = "") -> str:
    return "?" if value is None else f"{value:.{digits}f}{unit}"


def _limits(found: Figure, factor: float, digits: int) -> str:
    if found.low is None or found.high is None:
        return ""
    return f"{factor * found.low:.{digits}f} to {factor * found.high:.{digits}f}"
