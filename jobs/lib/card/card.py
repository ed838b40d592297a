"""A data card: what is in each language, how parallel the languages are, and the defects found by code.

The card is made from the files that were written, not from what was meant to be written: each language is read once,
beside the same ids of the pivot language (English where the data have it, else the first), in memory that grows with
the ids and not with the text. Where rows are many, languages are described side by side, each in a process, as many at
once as the stage has processors; the card is the same.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from jobs.lib import processes
from jobs.lib.card import one_language
from jobs.lib.card.defects import EVERY_DETECTOR, rule
from jobs.lib.card.language_defects import LanguageDefects
from jobs.lib.card.near_duplicates import RULE
from jobs.lib.context import Context
from jobs.lib.rows.by_id import id_key
from jobs.lib.rows.content import AMBIGUOUS, listed
from jobs.lib.text.personal import RULES as PERSONAL_RULES
from polyglot.core.records import read_lines
from polyglot.core.stage import Resources
from polyglot.kinds.data_card import Defect, LanguageCard, Parallel, Rules
from polyglot.kinds.rows import Form, Rejection

_FEWEST_ROWS = 20_000  # for which processes are worth their start, two seconds of a processor each
_PROCESS_BYTES, _ROW_BYTES = 256 * 2**20, 4500  # of each, and for each of its rows: near duplicates above all


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """What is said of the rows of a folder."""

    pivot: str
    languages: dict[str, LanguageCard]
    rules: Rules
    parallel: Parallel
    defects: dict[str, Defect]


def describe_files(counts: Mapping[str, LanguageCard], folder: Path, kind: type[Form], context: Context) -> Described:
    """Describe the rows of `folder`, which are of class `kind`; `counts` has each language's own entries, in order.

    `rejected.jsonl` lies beside `folder`.
    """
    names = tuple(counts)
    pivot = "EN" if "EN" in names else names[0]
    languages = {
        name: one_language.Rows(language=name, pivot=pivot, folder=folder, kind=kind, counts=counts[name])
        for name in names
    }
    at_once = _at_once(counts, context.resources)
    found = processes.each(one_language.describe, languages, at_once=at_once, check=context.raise_if_stopping)
    rejected = rejected_ids(folder.parent / "rejected.jsonl", names)
    return Described(
        pivot=pivot,
        languages={name: entry.card for name, entry in found.items()},
        rules=Rules(near_duplicates=RULE, ambiguous_instructions=AMBIGUOUS, personal=dict(PERSONAL_RULES)),
        parallel=parallelism({name: entry.ids for name, entry in found.items()}, rejected),
        defects=defects({name: entry.findings for name, entry in found.items()}),
    )


def _at_once(counts: Mapping[str, LanguageCard], resources: Resources) -> int:
    """How many languages are described at the same time: as processors and memory allow, one where rows are few."""
    if sum(entry.accepted for entry in counts.values()) < _FEWEST_ROWS:
        return 1
    one = _PROCESS_BYTES + _ROW_BYTES * max(entry.accepted for entry in counts.values())
    return max(1, min(len(counts), resources.cpus, resources.memory_bytes // one))


def defects(found: Mapping[str, LanguageDefects]) -> dict[str, Defect]:
    """Return, per defect that could occur, the rule and each language's findings."""
    table: dict[str, Defect] = {}
    for name in EVERY_DETECTOR:
        languages = {language: findings.found(name) for language, findings in found.items()}
        if any(entry.of for entry in languages.values()):
            table[name] = Defect(rule=rule(name), languages=languages)
    if any(findings.judged for findings in found.values()):
        languages = {language: findings.other_language() for language, findings in found.items()}
        table["other-language"] = Defect(rule=rule("other-language"), languages=languages)
    return table


def rejected_ids(path: Path, languages: Iterable[str]) -> dict[str, set[str]]:
    """Return the ids of rejected records, where they had one."""
    ids: dict[str, set[str]] = {language: set() for language in languages}
    for row in read_lines(path, Rejection):
        if row.id is not None:
            ids[row.language].add(id_key(row.id))
    return ids


def parallelism(accepted: Mapping[str, list[str]], rejected: Mapping[str, set[str]]) -> Parallel:
    """Return how many ids the source has in any language, how many are accepted in all, and what each language lacks.

    A language lacks an id because its source does not have it (absent) or because its record was rejected.
    """
    sets = {language: set(ids) for language, ids in accepted.items()}
    every: set[str] = set().union(*sets.values(), *rejected.values())
    return Parallel(
        ids=len(every),
        in_all=len(set.intersection(*sets.values())),
        same_order=len({tuple(ids) for ids in accepted.values()}) == 1,
        absent={language: listed(every - ids - rejected[language]) for language, ids in sets.items()},
        rejected={language: listed(rejected[language] - ids) for language, ids in sets.items()},
    )
