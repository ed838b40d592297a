"""What a study asks: a benchmark's questions, references and judge prompts, as a study file names them."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from polyglot.core.section import Broken, Language, Name, Problem, Section, tuple_of
from polyglot.study.files import QuestionId, SourceFile, SourceFiles
from polyglot.study.references import NativeReferences
from polyglot.study.sources import BUILT_IN_LANGUAGES, source_of, strangers
from polyglot.study.translation import BenchmarkTranslations

# The categories of the built-in benchmarks: the families of jobs.builtin.
BUILT_IN_CATEGORIES = ("first", "last", "reverse", "copy", "twice", "count", "kind", "greet")


class Benchmark(Section):
    """Two-turn questions in several languages, with references and judge prompts: published, built-in or of files."""

    published: Name | None = None
    """A name of the catalogue (`polyglot catalogue`), whose source stands here; keys beside it replace its own."""
    built_in: Literal["verifiable", "verifiable-dev"] | None = None
    """The benchmark made for this program; `-dev` is for choosing settings."""
    format: Literal["mt-bench"] | None = None
    """The schema of the files."""
    name: str | None = Field(None, min_length=1, max_length=80)
    """What the report calls it."""
    questions: Mapping[Language, SourceFiles] | None = Field(None, min_length=1)
    """question.jsonl of each language."""
    references: Mapping[Language, SourceFiles] | None = Field(None, min_length=1)
    """Reference answers of each language, where there are any."""
    prompts: Mapping[Language, SourceFile] | None = Field(None, min_length=1)
    """judge_prompts.jsonl of each language; the judge section may override one."""
    native_references: NativeReferences | None = None
    """Reference answers that a model writes in each language, instead of or beside the published ones."""
    translate: BenchmarkTranslations | None = None
    """Questions and references in languages that the files lack; they need judge prompts, too."""
    wrong_references: Annotated[tuple[QuestionId, ...], BeforeValidator(tuple_of)] = ()
    """Ids of questions whose published reference answers are known to be wrong: the report shows its results with and
    without them."""
    over_long: Literal["refuse", "fail"] = "refuse"
    """What to do where a model's positions have no room for a question: refuse the study, or count it as failed."""
    leave_out_wrong: bool = False
    """Whether the results that come first are those without them."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        source = source_of(self, "built_in", "format")
        problems: list[Problem] = []
        if source == "built_in":
            problems += strangers(self, source, ("questions", "references", "prompts", "translate"))
        elif self.questions is None:
            problems.append(Problem(what="no questions", remedy="Add `questions:`, a file for each language"))
        else:
            for key, files, asked in (
                ("references", self.references, self.questions),
                ("prompts", self.prompts, self.languages),
            ):
                for language in files or ():
                    if language not in asked:
                        problems.append(Problem(what="no questions in this language", place=(key, language)))
            problems += self._translation_problems()
        if self.leave_out_wrong and not self.wrong_references:
            remedy = "Name their ids under `wrong-references`, or remove the key"
            problems.append(Problem(what="no questions to leave out", place=("leave-out-wrong",), remedy=remedy))
        if problems:
            raise Broken(*problems)
        return self

    def _translation_problems(self) -> Iterator[Problem]:
        published, made = self.questions or {}, set[str]()
        for number, part in enumerate(self.translate or ()):
            at = ("translate", number)
            if part.source not in published:
                expected = "one of " + ", ".join(published)
                yield Problem(what="no questions in this language", place=(*at, "from"), expected=expected)
            for language in part.to:
                if language in published and not part.replace:
                    remedy = "Add `replace: true` to ask the translated questions instead"
                    yield Problem(what=f"the benchmark has {language}", place=(*at, "to"), remedy=remedy)
                if language in made or language in {other.source for other in self.translate or ()}:
                    what = f"{language} is made twice" if language in made else f"{language} is translated from"
                    yield Problem(what=what, place=(*at, "to"))
                made.add(language)

    @property
    def has_references(self) -> bool:
        """Whether references are published with it."""
        return self.built_in is not None or bool(self.references)

    @property
    def translated(self) -> tuple[str, ...]:
        """The languages that are made by translation."""
        return tuple(language for part in self.translate or () for language in part.to)

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages that questions are asked in."""
        return tuple(dict.fromkeys((*self.questions, *self.translated))) if self.questions else BUILT_IN_LANGUAGES

    @property
    def title(self) -> str:
        """What reports call it."""
        return self.name or self.built_in or str(self.format)
