"""Execution settings, as a profile may set them by kind. None of them enters a key.

A setting that no job reads is refused, so that a misspelt one is not silently without effect.
"""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, model_validator

from polyglot.core.canonical import Json
from polyglot.core.endpoint import check_url, version_problem
from polyglot.core.errors import BadInput, Permanent
from polyglot.core.section import Broken, Count, Positive, Problem, Section


def _check_url(url: str) -> str:
    try:
        check_url(url)
    except BadInput as error:
        raise Broken(Problem(what=error.what, remedy=error.remedy)) from None
    return url


Url = Annotated[str, AfterValidator(_check_url)]


def _refuse_batch(mode: object) -> object:
    if mode == "batch":
        remedy = "Remove it; judge, quality and translate can wait for batches"
        what = "its calls are asked live, as each turn needs the answer to the one before it"
        raise Broken(Problem(what=what, got="batch", expected="live", remedy=remedy))
    return mode


class Settings(Section):
    """What every kind has."""

    threads: int | None = Field(None, ge=1, le=1024)
    """Of arithmetic; on a CPU results are a function of it."""

    @classmethod
    def of(cls, given: Mapping[str, Json]) -> Self:
        """These settings of a stage's; keys that are none of these are other people's and are left alone.

        Raises Permanent with name, got and expected.
        """
        mine = {name: given[name] for name in cls.model_fields if given.get(name) is not None}
        try:
            return cls.model_validate(mine, by_name=True)
        except ValidationError as error:
            first = error.errors()[0]
        rule = first.get("ctx", {}).get("error")
        if isinstance(rule, Broken):  # an address, which may hold what is secret: it is not quoted
            problem = rule.problems[0]
            (name, *_) = (*first["loc"], *problem.place)
            raise Permanent(f"setting {name}: {problem.what}. {problem.remedy}".removesuffix(". "))
        name = (*first["loc"], "")[0]
        expected = first["msg"].removeprefix("Input should be ")
        raise Permanent(f"setting {name}: got {first['input']!r}; expected {expected}")

    @property
    def least_deadline_seconds(self) -> int:
        """What an attempt by these settings needs at least; 0: no more than others of its kind."""
        return 0


def count_of(settings: Mapping[str, Json], name: str) -> int | None:
    """How many of something a stage's settings name; None where they say nothing, or none. Raises Permanent."""
    number = settings.get(name)
    if number is not None and type(number) is not int:
        raise Permanent(f"setting {name}: got {number!r}; expected a whole number")
    return number or None


def threads_of(settings: Mapping[str, Json]) -> int | None:
    """The threads that a stage's settings name; None where they say nothing."""
    return count_of(settings, "threads")


def threads_each(settings: Mapping[str, Json], *, cpus: int, processes: int) -> int:
    """Threads of each of a pod's processes: what the settings name, else its share of the pod's CPUs."""
    return threads_of(settings) or max(1, cpus // processes)


class ChatSettings(Settings):
    """Of the calls of a chat model: a judge, an author of references, a rater or translator."""

    base_url: Url | None = None
    """Of the endpoint; else OPENAI_BASE_URL."""
    key_file: str | None = None
    """Of the key; else OPENAI_API_KEY_FILE or OPENAI_API_KEY; '' for an endpoint that wants none."""
    api_version: str | None = Field(None, pattern=r"^[A-Za-z0-9._-]{1,40}$")
    """Of an address that wants one in its query, such as Azure's deployments (`2024-10-21`)."""
    concurrency: Count = 64
    """Calls in flight at most; they adapt below it."""
    requests_per_minute: Positive | None = None
    tokens_per_minute: Positive | None = None
    timeout_seconds: Positive = 120.0
    """Of one attempt at a call, from sending to the last byte."""
    call_deadline_seconds: Positive = 900.0
    """Of one call, waits and retries included."""
    attempts: Count = 5
    """At one call; being told to slow down (429) does not count."""
    backoff_seconds: float = Field(0.5, ge=0)
    """Before the second attempt, then doubled."""

    reuse: bool = True
    """Take the replies that other stages of the store got to exactly the same requests, and leave one's own for them;
    `false` asks for everything. A night asks for everything in any case."""

    @model_validator(mode="after")
    def _check_version(self) -> Self:
        if self.base_url is not None and (said := version_problem(self.base_url, self.api_version)):
            what, _, remedy = said.partition(". ")
            raise Broken(Problem(what=what, place=("base_url",), remedy=remedy))
        return self


class TurnSettings(ChatSettings):
    """Of calls that wait for one another, which no batch can hold."""

    mode: Annotated[Literal["live"], BeforeValidator(_refuse_batch)] = "live"
    """Calls are answered at once."""


BATCH_REQUESTS = 50_000  # in one batch, as OpenAI has it
BATCH_SECONDS = 24 * 3600  # a batch's window: then what was not answered has expired
BATCH_DEADLINE_SECONDS = 7 * 24 * 3600  # for a first batch and those that ask again what failed in it


class BatchSettings(ChatSettings):
    """Of calls that need nothing of one another."""

    mode: Literal["live", "batch"] = "live"
    """Calls are answered at once, or by OpenAI's Batch API: within a day, at about half of the price."""
    batch_price_factor: float = Field(0.5, ge=0, le=10)
    """What a token costs in a batch, as a share of the study's prices."""
    batch_requests: int = Field(BATCH_REQUESTS, ge=1, le=BATCH_REQUESTS)
    """Calls in one batch at most; a file of 200 MB is never exceeded."""
    batch_poll_seconds: Positive = 60.0
    """Between two looks at a batch; the first ones are sooner."""
    batch_wait_seconds: Positive = 26 * 3600.0
    """That a batch may take from its creation on; providers end it after 24 hours."""

    @classmethod
    def own_fields(cls) -> frozenset[str]:
        """What only calls in batches have."""
        return frozenset(cls.model_fields.keys() - ChatSettings.model_fields.keys())

    @property
    def least_deadline_seconds(self) -> int:
        """Of several batches, one after the other."""
        return BATCH_DEADLINE_SECONDS if self.mode == "batch" else 0
