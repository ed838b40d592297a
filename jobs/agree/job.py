"""The agree stage: human ratings of translations against each other, and the automatic metrics against them.

Reads `quality:<name>` of every check, and ratings as `polyglot sheet import` writes them; writes `agreement.json`.
Ratings of turns that no quality stage here has are refused: they were made of another study's translations.
"""

from jobs.agree.agreement import Unit, agreement
from jobs.lib.context import Context
from polyglot.core.errors import Permanent
from polyglot.core.records import to_json
from polyglot.kinds.agree import AgreeParams, Rating, read_ratings
from polyglot.kinds.quality import TurnQuality

CATEGORIES = ("accuracy", "fluency", "terminology", "style", "locale", "markup", "other")


def run(context: Context) -> None:
    """Read, compare, write."""
    params = AgreeParams.of(context.stage)
    records: dict[Unit, TurnQuality] = {}
    for name in params.checks:
        for record in context.inputs[f"quality:{name}"].lines("rows.jsonl", TurnQuality):
            records[name, record.id, record.turn] = record
    ratings: list[Rating] = []
    for file in params.ratings:
        for number, rating in read_ratings(context.blob(file.sha256), file.name):
            if (rating.check, rating.id, rating.turn) not in records:
                raise Permanent(
                    f"{file.name}, line {number}: got {rating.check} {rating.id}:{rating.turn}; expected "
                    "a turn of this study's translations. Export a new sheet"
                )
            ratings.append(rating)
    if not ratings:
        raise Permanent("ratings: the files are empty. Import sheets first")
    found = agreement(ratings, records, CATEGORIES)
    (context.out / "agreement.json").write_bytes(to_json(found) + b"\n")
    context.metrics.update(raters=found.raters, ratings=found.ratings)
