"""Score tables and contrasts over the cells of a study, each number with its limits.

Reads `verdicts:<cell>`, `answers:<cell>` and `questions`; writes scores.json, scores.csv, contrasts.json,
contrasts.csv, gains.json, gains.csv, thresholds.json, mixtures.json and defects.jsonl (docs/design/formats.md).
Promises: equal verdicts and answers give equal bytes, whatever their order, the number of threads or the machine;
numbers are rounded to four places. The statistics are described in docs/statistics.md, what is found in answers in
docs/report.md.
"""

from collections.abc import Iterator, Mapping

import msgspec
from msgspec.structs import replace

from jobs.aggregate.arms import cell_order
from jobs.aggregate.defects import find_defects
from jobs.aggregate.gains import gains
from jobs.aggregate.mixtures import mixtures
from jobs.aggregate.reading import rows_by_language
from jobs.aggregate.tables import contrast_results, other_questions, prepare, score_tables
from jobs.aggregate.thresholds import thresholds
from jobs.lib.context import Context, Input, of_role
from jobs.lib.stats.files import write_json
from jobs.lib.stats.grid import Questions, read_grid
from jobs.lib.stats.resampling import counts
from polyglot.core.csv_file import write_csv
from polyglot.core.errors import Permanent
from polyglot.core.records import UNSET, write_lines
from polyglot.core.units import show_first
from polyglot.kinds.aggregate import AggregateParams, ContrastResult, Scores
from polyglot.kinds.answer import USUAL_ENGINE, AnswerCard
from polyglot.kinds.cells import Contrast
from polyglot.kinds.gains import Gain
from polyglot.kinds.judge import Verdict
from polyglot.kinds.rows import Question


def run(context: Context) -> None:
    """Read verdicts and answers, write the tables."""
    params = AggregateParams.of(context.stage)
    languages = params.languages
    cells = tuple(sorted(params.cells, key=lambda cell: cell_order(cell, languages)))
    _check_engines(of_role(context.inputs, "answers"))
    asked = rows_by_language(context.inputs["questions"], "questions", Question, languages)
    verdicts = {
        cell: rows_by_language(source, "verdicts", Verdict, languages)
        for cell, source in of_role(context.inputs, "verdicts").items()
    }
    grid = read_grid(
        Questions.read(row for rows in asked.values() for row in rows),
        languages,
        [cell.cell for cell in cells],
        lambda cell, language: verdicts[cell].get(language),
    )
    found = find_defects(cells, context.inputs, languages)
    wrong = tuple(identity for identity in grid.questions.ids if identity in params.wrong_references)
    both = (grid, grid.without(wrong))
    shown, other = reversed(both) if params.leave_out_wrong else both
    if not shown.questions.ids:
        raise Permanent("every question of the benchmark is among `wrong-references`: none is left")
    tables = prepare(params, cells, shown, found.counts)
    scores = score_tables(tables)
    if wrong and other.questions.ids:
        scores = replace(scores, other_questions=other_questions(wrong, prepare(params, cells, other, found.counts)))
    contrasts = contrast_results(tables)
    write_json(context.out / "scores.json", msgspec.to_builtins(scores))
    write_csv(context.out / "scores.csv", _score_rows(scores))
    write_json(context.out / "contrasts.json", msgspec.to_builtins(contrasts))
    write_csv(context.out / "contrasts.csv", map(_flat, contrasts), first=Contrast.__struct_fields__)
    gained = gains(tables)
    write_json(context.out / "gains.json", msgspec.to_builtins(gained))
    write_csv(context.out / "gains.csv", map(msgspec.to_builtins, gained), first=Gain.__struct_fields__)
    write_json(context.out / "thresholds.json", msgspec.to_builtins(thresholds(tables)))
    write_json(context.out / "mixtures.json", msgspec.to_builtins(mixtures(tables)))
    write_lines(context.out / "defects.jsonl", found.turns)
    every, failed = counts(grid)
    context.metrics.update(
        cells=len(cells), verdicts=int(every.sum()), failed=int(failed.sum()), contrasts=len(contrasts)
    )


def _check_engines(answers: Mapping[str, Input]) -> None:
    """Refuse cells that were answered by several engines: what differs between them may be the engines' doing."""
    cells: dict[str, list[str]] = {}
    for cell, source in answers.items():
        card = source.read("card.json", AnswerCard) if "card.json" in source.names() else None
        if card is not None and card.endpoint is UNSET:
            name = USUAL_ENGINE if card.engine is UNSET else card.engine.partition(" ")[0]
            cells.setdefault(name, []).append(cell)
    if len(cells) < 2:
        return
    least = min(cells, key=lambda name: len(cells[name]))
    others = " and ".join(f"{name} ({len(found)} cells)" for name, found in cells.items() if name != least)
    raise Permanent(
        f"a study's cells are answered by one engine: got {show_first(cells[least], 3)} by {least}, "
        f"the others by {others}. Withdraw the answers of the one with `polyglot retract`, and submit with the other "
        "as `settings.answer.engine`"
    )


def _flat(row: ContrastResult) -> Mapping[str, object]:
    """A row of contrasts.csv: arms by their names."""
    sides = (("treatment", row.treatment), ("control", row.control))
    named = {side: [row.named(key) for key in keys] for side, keys in sides}
    return {name: value for name, value in (msgspec.to_builtins(row) | named).items() if name != "aa"}


def _score_rows(scores: Scores) -> Iterator[Mapping[str, object]]:
    """The rows of scores.csv, the table that each is of in front."""
    for table, rows in (("cell", scores.cells), ("arm", scores.arms)):
        for row in rows:
            yield {"table": table, **msgspec.to_builtins(row)}
