"""Where models and data sets come from, as a study file names them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Annotated, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from polyglot.core.section import (
    Broken,
    Count,
    HubName,
    Language,
    Name,
    Place,
    Positive,
    Problem,
    Revision,
    Section,
    Sha256,
    tuple_of,
)
from polyglot.kinds.base import TinyModel
from polyglot.kinds.ingest import DatasetFormat, LanguageColumn, PairBy
from polyglot.kinds.templates import OWN, PAPER, TemplateDate, TemplateName
from polyglot.study.files import SourceFiles, address_problem
from polyglot.study.translation import DatasetTranslations

BUILT_IN_LANGUAGES = ("EN", "DE", "FR", "IT", "ES")
# Shares of the study's own base model, 24EU-7B, in its pre-training data (percent; renormalised).
STUDY_SHARES = {"EN": 43.88, "FR": 8.65, "DE": 8.48, "ES": 7.63, "IT": 4.64}
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


def _yaml(names: tuple[str, ...]) -> list[str]:
    return [name.replace("_", "-") for name in names]


def source_of(section: Section, *names: str) -> str:
    """Return which one of the optional fields is set. Raises Broken when none or several are."""
    given = tuple(name for name in names if getattr(section, name) is not None)
    if len(given) != 1:
        got = " and ".join(_yaml(given)) or "none of them"
        raise Broken(Problem(what="no single source", got=got, expected="exactly one of " + ", ".join(_yaml(names))))
    return given[0]


def strangers(section: Section, source: str, names: tuple[str, ...]) -> Iterator[Problem]:
    """Yield a problem for each given key that means nothing beside the chosen source."""
    for name, key in zip(names, _yaml(names), strict=True):
        if name in section.model_fields_set:
            what = f"means nothing for a source that is {source.replace('_', '-')}"
            yield Problem(what=what, place=(key,), remedy="Remove it")


def _pinning(source: str, revision: str | None) -> Iterator[Problem]:
    if source == "hub" and revision is None:
        remedy = "`polyglot pin STUDY` finds it; branches and tags move"
        yield Problem(what="not pinned", expected="a commit of 40 hex digits", remedy=remedy)


class BuiltInModel(TinyModel):
    """The tiny Llama that the base stage pre-trains on built-in text."""

    seed: int = Field(0, ge=0, lt=2**32)
    """Of weights and text."""
    shares: Mapping[Language, Positive] = Field(default_factory=lambda: dict(STUDY_SHARES), min_length=1)
    """Languages of the pre-training text, renormalised."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        strange = [language for language in self.shares if language not in BUILT_IN_LANGUAGES]
        if strange:
            expected = "some of " + ", ".join(BUILT_IN_LANGUAGES)
            raise Broken(
                *(Problem(what="no built-in text", place=("shares", name), expected=expected) for name in strange)
            )
        if self.hidden_size % (2 * self.heads):
            got = f"{self.hidden_size} for {self.heads} heads"
            expected = "an even number of dimensions for each head"
            place = "hidden-size" if "hidden_size" in self.model_fields_set else "heads"
            raise Broken(Problem(what="does not divide", place=(place,), got=got, expected=expected))
        return self


class Model(Section):
    """A base model. Exactly one of published, built-in, hub, files, directory and prefix."""

    published: Name | None = None
    """A name of the catalogue (`polyglot catalogue`), whose source stands here; keys beside it replace its own."""
    built_in: BuiltInModel | None = None
    """Pre-train the built-in tiny one; `{}` for its defaults."""
    hub: HubName | None = None
    """owner/name of a model repository."""
    revision: Revision | None = None
    """The hub repository's commit."""
    files: SourceFiles | None = None
    """Local files: config.json, tokenizer files, safetensors."""
    directory: str | None = Field(None, min_length=1, max_length=2000)
    """A local folder with such files; the lock pins their content."""
    prefix: str | None = Field(None, min_length=1, max_length=2000)
    """The s3:// address of a folder with such files."""
    sha256: Sha256 | None = None
    """Of the files below prefix, as `sha256sum FILES | sha256sum` prints it; `polyglot pin` fills it in."""
    convert: Literal["pickle"] | None = None
    """`pickle`: weights that there are as pickles alone are read without running code, and kept as safetensors."""
    template: TemplateName = PAPER
    """The paper's chat format, or the model's own chat template."""
    template_date: TemplateDate = None
    """The day that the model's own chat template writes where it asks for today's; 2024-07-26 if none is named."""

    sources: ClassVar[tuple[str, ...]] = ("built_in", "hub", "files", "directory", "prefix")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if problems := list(self._source_problems()):
            raise Broken(*problems)
        return self

    def _source_problems(self) -> Iterator[Problem]:
        """What is wrong with where it comes from. Raises Broken where that is nowhere, or several places."""
        source = source_of(self, *self.sources)
        yield from _pinning(source, self.revision)
        if source != "hub":
            yield from strangers(self, source, ("revision",))
        if source in ("built_in", "prefix"):
            yield from strangers(self, source, ("convert",))
        if source != "prefix":
            yield from strangers(self, source, ("sha256",))
        else:
            yield from self._prefix_problems()
        if self.template_date is not None and self.template != OWN:
            what, remedy = "only a model's own template writes a date", f"Set template to {OWN}, or leave this out"
            yield Problem(what=what, place=("template-date",), remedy=remedy)
        names = [file.name for file in self.files or ()]
        for number, file in enumerate(self.files or ()):
            if file.is_address:
                what, remedy = "a model's files must be local", "Name its hub repository and revision instead"
                yield Problem(what=what, place=("files", number, "path"), remedy=remedy)
            elif names.index(file.name) < number:
                yield Problem(what=f"two files are called {file.name}", place=("files", number, "path"))

    def _prefix_problems(self) -> Iterator[Problem]:
        address = self.prefix or ""
        if not address.startswith("s3://"):
            yield Problem(what="no folder of a bucket", place=("prefix",), expected="s3://bucket/folder")
        elif (problem := address_problem(address)) is not None:
            yield replace(problem, place=("prefix",))
        if self.sha256 is None:
            remedy = "`polyglot pin STUDY` finds it; what lies in a bucket may change"
            yield Problem(what="not pinned", expected="`sha256:` of what lies there", remedy=remedy)


class TunedModel(Model):
    """A base model that is fine-tuned. Exactly one of published, built-in, hub, files, directory and prefix."""

    training: Mapping[str, object] | None = Field(None, min_length=1)
    """What of `training` is otherwise for this model: one base model under two names is two arms of a study."""


class PublishedMix(Section):
    """One file, or several, of a whole mix. Exactly one of files and data-files, as its data set has."""

    files: SourceFiles | None = None
    """Rows of several languages in one file."""
    data_files: str | None = Field(None, min_length=1, max_length=200)
    """A file pattern inside the data set's hub repository."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        source_of(self, "files", "data_files")
        return self


class _OrName:
    """The JSON Schema of a mapping in whose place a name of the catalogue may stand."""

    def __get_pydantic_json_schema__(self, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"anyOf": [{"type": "string"}, handler(core_schema)]}


_NAME_TOO = _OrName()


class Dataset(Section):
    """Instruction data in one or more languages. Exactly one of published (a name), built-in, files, hub, translate."""

    built_in: Literal["instructions"] | None = None
    """The five-language parallel set made for this program."""
    files: Mapping[Language, SourceFiles] | None = Field(None, min_length=1)
    """One or several files for each language."""
    hub: HubName | None = None
    """owner/name of a data set repository."""
    translate: DatasetTranslations | None = None
    """Another data set of the study in other languages; a list where engines or models differ by language."""
    revision: Revision | None = None
    """The hub repository's commit."""
    config: str | None = Field(None, max_length=200)
    """The hub configuration; `{language}` becomes de, `{LANGUAGE}` DE."""
    split: str = Field("train", min_length=1, max_length=200)
    """The hub split; not with data-files."""
    data_files: str | None = Field(None, max_length=200)
    """A file pattern inside the hub repository, with the same placeholders."""
    format: DatasetFormat = "bactrian-x"
    """The schema of the rows; needed with files and hub."""
    languages: Annotated[tuple[Language, ...] | None, BeforeValidator(tuple_of)] = Field(None, min_length=1)
    """What to read from a hub repository; files and the built-in set name theirs."""
    pair_by: PairBy = "id"
    """`position`: line n of every language is the same row, for rows without ids; a language that shifts is refused."""
    language_column: LanguageColumn | None = None
    """Where a hub's files hold rows of all languages: the column that says which, and its value for each language."""
    licence: str = Field("", max_length=200)
    """Carried into every row and the report."""
    validation: Count | Annotated[Mapping[Language, SourceFiles], Field(min_length=1)] | None = None
    """Rows to validate on: a number of ids to hold out of every mix, or files for each language."""
    validation_split: str | None = Field(None, min_length=1, max_length=200)
    """The hub split to validate on."""
    validation_data_files: str | None = Field(None, min_length=1, max_length=200)
    """Or the file pattern, with the same placeholders."""
    decontaminate: Literal["none", "exact", "overlap", "near", "all"] = "none"
    """Ids that match the benchmark to leave out of every mix: `overlap` and `near` are with the exact ones."""
    published: Annotated[Mapping[str, PublishedMix], _NAME_TOO] = Field(default_factory=dict)
    """A name of the catalogue, whose source stands here; or mixes that are used as they were published, by their name
    without a size."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        source = source_of(self, "built_in", "files", "hub", "translate")
        problems = list(_pinning(source, self.revision))
        made_here = source in ("built_in", "translate")
        if source != "hub":
            names = ("revision", "config", "split", "data_files", "languages", "language_column")
            problems += strangers(self, source, names + (("format", "pair_by") if made_here else ()))
        if source == "translate":
            problems += [*strangers(self, source, ("licence",)), *self._translation_problems()]
        if not made_here and "format" not in self.model_fields_set:
            known = ", ".join(type(self).model_fields["format"].annotation.__args__)  # type: ignore[union-attr]
            problems.append(Problem(what="no format", expected=f"one of {known}", remedy="Add `format:`"))
        if source == "hub":
            problems += self._hub_problems()
        problems += self._validation_problems(source)
        problems += self._published_problems(source)
        if problems:
            raise Broken(*problems)
        return self

    def _validation_problems(self, source: str) -> Iterator[Problem]:
        if source != "hub":
            yield from strangers(self, source, ("validation_split", "validation_data_files"))
        if source == "translate":
            yield from strangers(self, source, ("validation", "published"))
        given = [name for name in ("validation", "validation_split", "validation_data_files") if getattr(self, name)]
        if len(given) > 1:
            yield Problem(what="more than one part for validation", got=" and ".join(_yaml(tuple(given))))
        if isinstance(self.validation, Mapping):
            if source != "files":
                yield Problem(what=f"files beside a source that is {source.replace('_', '-')}", place=("validation",))
            elif set(self.validation) != set(self.all_languages):
                got, expected = ", ".join(self.validation), ", ".join(self.all_languages)
                yield Problem(what="other languages", place=("validation",), got=got, expected=expected)
        yield from self._repeated_files()
        pattern = self.validation_data_files
        if pattern and len(self.languages or ()) > 1 and not _PLACEHOLDER.search(pattern):
            yield Problem(what="every language would be read from the same rows", place=("validation-data-files",))

    def _repeated_files(self) -> Iterator[Problem]:
        """One file at two places: a language under another's name, rows twice, or validation on what was learnt."""
        held = self.validation if isinstance(self.validation, Mapping) else {}
        seen: dict[str, str] = {}
        for part, by_language in (("files", self.files or {}), ("validation", held)):
            for language, files in by_language.items():
                for number, file in enumerate(files):
                    place = (part, language, number) if len(files) > 1 else (part, language)
                    shown = ".".join(map(str, place))
                    first = seen.setdefault(file.sha256, shown)
                    if first != shown:
                        what, remedy = f"the same file as {first}", "Name each file once"
                        yield Problem(what=what, place=place, got=f"sha256 {file.sha256[:12]}…", remedy=remedy)

    def _published_problems(self, source: str) -> Iterator[Problem]:
        for name, mix in self.published.items():
            if (mix.files is None) == (source == "files"):
                expected = {"files": "files", "hub": "data-files"}.get(source, "a data set from files or the hub")
                yield Problem(what="not where the data set is", place=("published", name), expected=expected)

    def _hub_problems(self) -> Iterator[Problem]:
        if self.languages is None:
            yield Problem(what="no languages", remedy="Add `languages:`, a list such as [EN, DE]")
        elif len(set(self.languages)) < len(self.languages):
            yield Problem(what="a language is named twice", place=("languages",))
        if self.data_files is not None:
            yield from strangers(self, "data-files", ("split",))
        patterns: dict[Place, str | None] = {
            ("config",): self.config,
            ("data-files",): self.data_files,
            ("validation-data-files",): self.validation_data_files,
            **{("published", name, "data-files"): mix.data_files for name, mix in self.published.items()},
        }
        for place, pattern in patterns.items():
            for name in _PLACEHOLDER.findall(pattern or ""):
                if name not in ("language", "LANGUAGE"):
                    expected = "{language} (de) or {LANGUAGE} (DE)"
                    yield Problem(what="unknown placeholder", place=place, got=f"{{{name}}}", expected=expected)
            if ".." in (pattern or ""):
                yield Problem(what="leaves the repository", place=place, got=repr(pattern))
        column = self.language_column
        if column is not None:
            lacking = [language for language in self.languages or () if language not in column.values]
            if lacking:
                what = f"no value for {', '.join(lacking)}"
                yield Problem(what=what, place=("language-column", "values"), expected="one for each language")
        elif len(self.languages or ()) > 1 and not _PLACEHOLDER.search(f"{self.config}{self.data_files}"):
            remedy = "Put {language} or {LANGUAGE} into `config` or `data-files`, or name the `language-column`"
            yield Problem(what="every language would be read from the same rows", remedy=remedy)

    def _translation_problems(self) -> Iterator[Problem]:
        known: set[str] = set()
        for number, part in enumerate(self.translate or ()):
            first = (self.translate or ())[0]
            if (part.of, part.source) != (first.of, first.source):
                expected = f"of {first.of}, from {first.source}, as in the first one"
                what = "one data set is made of one language of another"
                yield Problem(what=what, place=("translate", number), expected=expected)
            for language in part.to:
                if language in known:
                    yield Problem(what=f"{language} is made twice", place=("translate", number, "to"))
            known.update(part.to)

    @property
    def all_languages(self) -> tuple[str, ...]:
        """The languages that the source has; of a translation, the one that is translated from comes first."""
        if self.translate is not None:
            return (self.translate[0].source, *(language for part in self.translate for language in part.to))
        if self.files is not None:
            return tuple(self.files)
        return self.languages or BUILT_IN_LANGUAGES
