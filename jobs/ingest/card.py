"""The card of an ingest: the counts of its records beside what jobs.lib.card finds in the rows, or in judge prompts."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from jobs.ingest.normalise import Normaliser
from jobs.ingest.prompt_defects import RULES as PROMPT_RULES
from jobs.ingest.prompt_defects import prompt_defects
from jobs.lib.card.card import describe_files
from jobs.lib.context import Context
from polyglot.core.errors import Permanent
from polyglot.core.records import UNSET
from polyglot.kinds.data_card import DataCard, Defect, Filled, Found, LanguageCard, Source
from polyglot.kinds.ingest import IngestParams
from polyglot.kinds.rows import FORMS

FEWEST_TURNS = 20  # that must have been judged before files are refused for their language
MOST_OFF_LANGUAGE = 0.5  # of them


def describe(params: IngestParams, tallies: Mapping[str, Normaliser], folder: Path, context: Context) -> DataCard:
    """Return the card of an ingest whose files lie in `folder`."""
    counts = {language: _counts(params, tallies[language]) for language in params.languages}
    found = describe_files(counts, folder, FORMS[params.what], context)
    return DataCard(
        what=params.what,
        source=_source(params),
        licence=params.licence or None,
        pivot=found.pivot,
        languages=found.languages,
        defects=found.defects,
        rules=found.rules,
        parallel=found.parallel,
    )


def describe_prompts(params: IngestParams, prompts: Mapping[str, Sequence[Mapping[str, object]]]) -> DataCard:
    """Return the card of the judge prompts of each language; where a defect is, is said by the prompt's name."""
    pivot = "EN" if "EN" in prompts else params.languages[0]
    found = prompt_defects(prompts, pivot)

    def entry(name: str, language: str) -> Found:
        mine = [row for row in found if row.defect == name and row.language == language]
        where, details = tuple(row.prompt for row in mine), tuple(row.detail for row in mine)
        return Found(count=len(mine), where=where, details=details)

    return DataCard(
        what=params.what,
        source=Source(kind=params.source, format=params.format, hub=None, revision=None),
        licence=None,
        pivot=pivot,
        languages={language: LanguageCard(records=len(rows), accepted=len(rows)) for language, rows in prompts.items()},
        defects={
            name: Defect(rule=rule, languages={language: entry(name, language) for language in prompts})
            for name, rule in PROMPT_RULES.items()
        },
    )


def _source(params: IngestParams) -> Source:
    return Source(kind=params.source, format=params.format, hub=params.hub, revision=params.revision)


def _counts(params: IngestParams, tally: Normaliser) -> LanguageCard:
    dataset, questions = params.what == "dataset", params.what == "questions"
    return LanguageCard(
        records=tally.records,
        accepted=tally.accepted,
        rejected=tally.reasons.total(),
        reasons=dict(sorted(tally.reasons.items())),
        notes=dict(sorted(tally.notes.items())),
        turns={str(turns): rows for turns, rows in sorted(tally.turns.items())},
        with_input=tally.with_input if dataset else UNSET,
        positional_ids=tally.positional_ids if dataset else UNSET,
        reference_field=Filled(present=tally.reference_fields, filled=tally.reference_filled) if questions else UNSET,
    )


def refuse_exchanged(card: DataCard) -> None:
    """Raise Permanent for the first language that most of its turns are not in.

    Single turns in another language are findings of the card. A whole language of them is none: somebody exchanged two
    files, or downloaded one of them twice.
    """
    judged = card.defects["other-language"].languages if "other-language" in card.defects else {}
    wrong = {
        language: found
        for language, found in judged.items()
        if found.of and found.of >= FEWEST_TURNS and found.count > MOST_OFF_LANGUAGE * found.of
    }
    for language, found in wrong.items():
        likeliest = _likeliest(card, language)
        exchanged = likeliest in wrong and _likeliest(card, likeliest) == language
        remedy = f"The files of {language} and {likeliest} look exchanged" if exchanged else "Check the files of it"
        raise Permanent(
            f"{language}: {found.count} of {found.of} turns are in another language, most of them in {likeliest}; "
            f"expected {language}. {remedy}"
        )


def _likeliest(card: DataCard, language: str) -> str:
    """The language that most turns were identified as, the claimed one aside."""
    identified = card.languages[language].identified or {}
    others = {found: turns for found, turns in identified.items() if found != language}
    return max(others, key=lambda found: (others[found], found))
