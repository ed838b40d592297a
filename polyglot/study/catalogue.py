"""Published models, data sets and benchmarks by name: `published: NAME` in a study stands for a pinned source.

The entries are data: catalogue.yaml beside this file, and a file of that name beside the study, whose entries add to it
and replace those of the same name. An entry is put in before the study is validated, so that a study with a name and
one with its source written out have the same keys.
"""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field, JsonValue, ValidationError

from polyglot.core.section import Count, Name, Place, Positive, Problem, Section, tuple_of
from polyglot.study.problems import bad_file, invalid_file
from polyglot.study.yaml_file import Value, YamlFile, read_yaml

FILE = "catalogue.yaml"
_BUILT_IN = Path(__file__).with_name(FILE)
_KEY = "published"


class Amounts(Section):
    """How much one language of a published set has."""

    rows: Count
    """Rows, or questions, of one file."""
    characters: Positive
    """Of a row, all turns together, on average."""


class Entry(Section):
    """One published thing."""

    title: str = Field(min_length=1, max_length=200)
    url: str = Field(min_length=1, max_length=500)
    """Where people read about it."""
    licence: str = Field(min_length=1, max_length=200)
    gated: bool = False
    """Whether its terms have to be accepted, and a token sent."""
    notes: Annotated[tuple[str, ...], BeforeValidator(tuple_of)] = ()
    """Known defects, and what else a user should know."""
    shape: Mapping[str, JsonValue] | None = None
    """Of a model: what its config.json says of its size, in its words, so that costs are known without a network."""
    amounts: Amounts | None = None
    """Of data and benchmarks."""
    source: Mapping[str, JsonValue] = Field(min_length=1)
    """What would stand in a study file in its place."""


class CatalogueFile(Section):
    """A file of entries."""

    models: Mapping[Name, Entry] = Field(default_factory=dict)
    datasets: Mapping[Name, Entry] = Field(default_factory=dict)
    benchmarks: Mapping[Name, Entry] = Field(default_factory=dict)


PARTS = ("models", "datasets", "benchmarks")
# Sections of a study that have several sources by name, and whose entries these are
SECTIONS = {"models": "models", "datasets": "datasets", "baselines": "models"}
Catalogue = Mapping[str, Mapping[str, Entry]]  # part -> name -> entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """An entry that a study names, and where."""

    place: Place  # such as ("datasets", "lima")
    name: str
    entry: Entry

    @property
    def where(self) -> str:
        """Its place, as a user reads it."""
        return ".".join(map(str, self.place))

    @property
    def licensed(self) -> str:
        """What it is, and under which terms."""
        gated = ", gated" if self.entry.gated else ""
        return f"{self.entry.title} ({self.entry.licence}{gated})"

    def __str__(self) -> str:
        remedy = ("its terms have to be accepted, and HF_TOKEN_PATH be set",) if self.entry.gated else ()
        return "; ".join((f"{self.where}: {self.licensed}", *remedy, *self.entry.notes))


def load_catalogue(folder: Path) -> Catalogue:
    """The built-in entries and those of a catalogue.yaml in `folder`. Raises BadInput for a file that is none."""
    own = folder / FILE
    files = [_read(_BUILT_IN)] + ([_entries(own)] if own.is_file() else [])
    return {part: {name: entry for file in files for name, entry in getattr(file, part).items()} for part in PARTS}


def fill_in(file: YamlFile, folder: Path) -> tuple[YamlFile, tuple[Used, ...]]:
    """Return a study file with the sources of the entries that it names, and these entries.

    What the study says beside `published` replaces what the entry says. Raises BadInput for names of no entry.
    """
    named = list(_named(file.value))
    if not named:
        return file, ()
    catalogue, value = load_catalogue(folder), dict(file.value)
    problems, used = [], []
    for part, place, name in named:
        entry = catalogue[part].get(name)
        if entry is None:
            problems.append(_unknown(name, catalogue[part], (*place, _KEY)))
            continue
        used.append(Used(place=place, name=name, entry=entry))
        section, *rest = place
        given = _at(file.value, place)
        filled = {**entry.source, **{key: item for key, item in given.items() if key != _KEY}}
        value[str(section)] = {**_mapping(value[str(section)]), str(rest[0]): filled} if rest else filled
    if problems:
        raise bad_file(file, problems)
    return replace(file, value=value), tuple(used)


def _named(value: Mapping[str, Value]) -> Iterator[tuple[str, Place, str]]:
    """(part, place, name) of everything that a study takes from the catalogue."""
    for key, part in SECTIONS.items():
        for own, section in _mapping(value.get(key)).items():
            if isinstance(name := _mapping(section).get(_KEY), str):
                yield part, (key, own), name
    if isinstance(name := _mapping(value.get("benchmark")).get(_KEY), str):
        yield "benchmarks", ("benchmark",), name


def _at(value: Mapping[str, Value], place: Place) -> Mapping[str, Value]:
    for part in place:
        value = _mapping(value[str(part)])
    return value


def _mapping(value: Value) -> Mapping[str, Value]:
    return value if isinstance(value, dict) else {}


def _unknown(name: str, known: Mapping[str, Entry], place: Place) -> Problem:
    near = difflib.get_close_matches(name, known, 1)
    remedy = f"Did you mean {near[0]}?" if near else f"`polyglot catalogue` lists them; {FILE} adds to them"
    what = "nothing of this name in the catalogue"
    return Problem(what=what, place=place, got=repr(name[:80]), expected="one of " + ", ".join(known), remedy=remedy)


@cache
def _read(path: Path) -> CatalogueFile:
    return _entries(path)


def _entries(path: Path) -> CatalogueFile:
    file = read_yaml(path, what="catalogue", keys="`models`, `datasets`, `benchmarks`")
    try:
        return CatalogueFile.model_validate(file.value, by_alias=True, by_name=False)
    except ValidationError as error:
        raise invalid_file(file, error, CatalogueFile) from error
