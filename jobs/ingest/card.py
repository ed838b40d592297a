"""The card of an ingest: the counts of its records beside what jobs.lib.card finds in the rows, or in judge prompts."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jobs.ingest.normalise import Normaliser
from jobs.ingest.prompt_defects import RULES as PROMPT_RULES
from jobs.ingest.prompt_defects import prompt_defects
from jobs.lib.card.card import describe_files
from jobs.lib.context import Context
from polyglot.kinds.ingest import IngestParams


def describe(params: IngestParams, tallies: Mapping[str, Normaliser], folder: Path, context: Context) -> dict[str, Any]:
    """Return card.json of an ingest whose files lie in `folder`."""
    about = {
        "what": params.what,
        "source": {"kind": params.source, "format": params.format, "hub": params.hub, "revision": params.revision},
        "licence": params.licence or None,
    }
    counts = {language: _counts(params, tallies[language]) for language in params.languages}
    return about | describe_files(counts, folder, context)


def describe_prompts(params: IngestParams, prompts: Mapping[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """Return card.json of the judge prompts of each language; where a defect is, is said by the prompt's name."""
    pivot = "EN" if "EN" in prompts else params.languages[0]
    found = prompt_defects(prompts, pivot)

    def entry(name: str, language: str) -> dict[str, Any]:
        mine = [row for row in found if row["defect"] == name and row["language"] == language]
        where, details = ([row[part] for row in mine] for part in ("prompt", "detail"))
        return {"count": len(mine), "where": where, "details": details}

    return {
        "what": params.what,
        "source": {"kind": params.source, "format": params.format, "hub": None, "revision": None},
        "licence": None,
        "pivot": pivot,
        "languages": {language: {"records": len(rows), "accepted": len(rows)} for language, rows in prompts.items()},
        "defects": {
            name: {"rule": rule, "languages": {language: entry(name, language) for language in prompts}}
            for name, rule in PROMPT_RULES.items()
        },
    }


def _counts(params: IngestParams, tally: Normaliser) -> dict[str, Any]:
    counts: dict[str, Any] = {
        "records": tally.records,
        "accepted": tally.accepted,
        "rejected": tally.reasons.total(),
        "reasons": dict(sorted(tally.reasons.items())),
        "notes": dict(sorted(tally.notes.items())),
        "turns": {str(turns): rows for turns, rows in sorted(tally.turns.items())},
    }
    if params.what == "dataset":
        counts |= {"with_input": tally.with_input, "positional_ids": tally.positional_ids}
    if params.what == "questions":
        counts["reference_field"] = {"present": tally.reference_fields, "filled": tally.reference_filled}
    return counts
