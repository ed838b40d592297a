"""The agree stage: human ratings of translations against each other, and the automatic metrics against them.

Reads `quality:<name>` of every check, and ratings as `polyglot sheet import` writes them; writes `agreement.json`.
Ratings of turns that no quality stage here has are refused: they were made of another study's translations.
"""

import msgspec

from jobs.agree.agreement import Unit, agreement
from jobs.lib.context import Context
from polyglot.core.errors import Permanent
from polyglot.core.records import to_json
from polyglot.kinds.agree import AgreeParams, Rating
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
        # not splitlines: a rater's comment may hold U+2028, which ends no line of JSON Lines
        for number, line in enumerate(context.blob(file.sha256).read_text(encoding="utf-8").split("\n"), 1):
            if not line.strip():
                continue
            rating = _rating(line, f"{file.name}:{number}")
            if (rating.check, rating.id, rating.turn) not in records:
                raise Permanent(
                    f"{file.name}:{number}: got {rating.check} {rating.id}:{rating.turn}; expected "
                    "a turn of this study's translations. Export a new sheet"
                )
            ratings.append(rating)
    if not ratings:
        raise Permanent("ratings: the files are empty. Import sheets first")
    found = agreement(ratings, records, CATEGORIES)
    (context.out / "agreement.json").write_bytes(to_json(found) + b"\n")
    context.metrics.update(raters=found.raters, ratings=found.ratings)


def _rating(line: str, where: str) -> Rating:
    try:
        return msgspec.json.decode(line, type=Rating)
    except msgspec.DecodeError as error:
        raise Permanent(f"{where}: not a rating ({error}). Ratings are what `polyglot sheet import` writes") from None
