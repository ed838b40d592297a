"""Score tables and contrasts over the cells of a study, each number with its limits.

Reads `verdicts:<cell>`, `answers:<cell>` and `questions`; writes scores.json, scores.csv, contrasts.json and
contrasts.csv (docs/design/formats.md). Promises: equal verdicts give equal bytes, whatever their order, the number of
threads or the machine; numbers are rounded to four places. The statistics are described in docs/statistics.md.
"""

import json
from collections.abc import Sequence
from typing import Any

from jobs.aggregate.arms import cell_order
from jobs.aggregate.tables import contrast_rows, prepare, score_tables
from jobs.lib.context import Context, Input
from jobs.lib.stats.files import tagged, write_csv, write_json
from jobs.lib.stats.grid import Questions, read_grid
from jobs.lib.stats.resampling import counts
from polyglot.core.errors import Permanent
from polyglot.kinds.aggregate import AggregateParams, Contrast


def run(context: Context) -> None:
    """Read the verdicts, write the four tables."""
    params = AggregateParams.of(context.stage)
    questions = read_questions(context.inputs["questions"], params.languages)
    cells = tuple(sorted(params.cells, key=lambda cell: cell_order(cell, params.languages)))
    verdicts, cut = {}, {}
    for cell in cells:
        verdicts[cell.cell] = _by_language(context.inputs[f"verdicts:{cell.cell}"], "verdicts", params.languages)
        answers = context.inputs.get(f"answers:{cell.cell}")
        for language, records in (_by_language(answers, "answers", params.languages) if answers else {}).items():
            turns = [turn for record in records for turn in record["turns"]]
            cut[cell.cell, language] = (sum(turn["finish"] == "length" for turn in turns), len(turns))
    tables = prepare(params, cells, read_grid(questions, params.languages, verdicts), cut)
    scores = score_tables(tables)
    contrasts = contrast_rows(tables)
    write_json(context.out / "scores.json", scores)
    write_csv(context.out / "scores.csv", [*tagged("cell", scores["cells"]), *tagged("arm", scores["arms"])])
    write_json(context.out / "contrasts.json", contrasts)
    write_csv(context.out / "contrasts.csv", contrasts, first=tuple(Contrast.model_fields))
    every, failed = counts(tables.grid)
    context.metrics.update(
        cells=len(cells), verdicts=int(every.sum()), failed=int(failed.sum()), contrasts=len(contrasts)
    )


def read_questions(source: Input, languages: Sequence[str]) -> Questions:
    """Read the questions of every language of the benchmark."""
    return Questions.read(row for rows in _by_language(source, "questions", languages).values() for row in rows)


def _by_language(source: Input, folder: str, languages: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """Records of `<folder>/<LANG>.jsonl` for each language that the artifact has."""
    names = set(source.names())
    found = {}
    for language in languages:
        name = f"{folder}/{language}.jsonl"
        if name not in names:
            continue
        with source.path(name).open(encoding="utf-8") as lines:
            found[language] = [json.loads(line) for line in lines if line.strip()]
    if not found:
        raise Permanent(f"artifact {source.key[:12]} has no {folder}/<LANG>.jsonl for any of {', '.join(languages)}")
    return found
