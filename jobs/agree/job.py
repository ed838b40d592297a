"""The agree stage: human ratings of translations against each other, and the automatic metrics against them.

Reads `quality:<name>` of every check, and ratings as `polyglot sheet import` writes them; writes `agreement.json`.
Ratings of turns that no quality stage here has are refused: they were made of another study's translations.
"""

import json
from typing import Any

from jobs.agree.agreement import Unit, agreement
from jobs.lib.context import Context
from jobs.lib.rows.by_id import documents
from polyglot.core.canonical import canonical
from polyglot.core.errors import Permanent
from polyglot.kinds.agree import AgreeParams

CATEGORIES = ("accuracy", "fluency", "terminology", "style", "locale", "markup", "other")


def run(context: Context) -> None:
    """Read, compare, write."""
    params: AgreeParams = AgreeParams.of(context.stage)
    records: dict[Unit, dict[str, Any]] = {}
    for name in params.checks:
        for record in documents(context.inputs[f"quality:{name}"].path("rows.jsonl")):
            records[name, record["id"], record["turn"]] = record
    ratings: list[dict[str, Any]] = []
    for file in params.ratings:
        # not splitlines: a rater's comment may hold U+2028, which ends no line of JSON Lines
        for number, line in enumerate(context.blob(file.sha256).read_text(encoding="utf-8").split("\n"), 1):
            if not line.strip():
                continue
            rating = _rating(line, f"{file.name}:{number}")
            if (rating["check"], rating["id"], rating["turn"]) not in records:
                raise Permanent(
                    f"{file.name}:{number}: got {rating['check']} {rating['id']}:{rating['turn']}; expected "
                    "a turn of this study's translations. Export a new sheet"
                )
            ratings.append(rating)
    if not ratings:
        raise Permanent("ratings: the files are empty. Import sheets first")
    found = agreement(ratings, records, CATEGORIES)
    (context.out / "agreement.json").write_bytes(canonical(found) + b"\n")
    context.metrics.update(raters=found["raters"], ratings=found["ratings"])


def _rating(line: str, where: str) -> dict[str, Any]:
    try:
        rating: dict[str, Any] = json.loads(line)
        for name in ("rater", "check", "id", "turn", "penalty", "faults", "score"):
            rating[name]
    except (ValueError, KeyError, TypeError) as error:
        raise Permanent(f"{where}: not a rating ({error}). Ratings are what `polyglot sheet import` writes") from None
    return rating
