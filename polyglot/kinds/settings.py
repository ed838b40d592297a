"""Execution settings of each stage kind, as a profile may set them. None of them enters a key.

A setting that no job reads is refused, so that a misspelt one is not silently without effect.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from polyglot.core.endpoint import check_url
from polyglot.core.errors import BadInput
from polyglot.core.section import Broken, Count, Positive, Problem, Section


def _check_endpoint(url: str) -> str:
    try:
        check_url(url)
    except BadInput as error:
        raise Broken(Problem(what=error.what, remedy=error.remedy)) from None
    return url


class Settings(Section):
    """What every kind has."""

    threads: int | None = Field(None, ge=1, le=1024)
    """Of arithmetic; on a CPU results are a function of it."""


class TrainSettings(Settings):
    """Of training."""

    micro_batch_tokens: Count | None = None
    """Tokens that are held in memory at once."""
    recompute: bool | None = None
    """Trade time for memory by computing activations twice."""
    attention: Literal["sdpa", "eager", "flash_attention_2", "flash_attention_3"] | None = None
    """Of transformers; by default its own choice. The flash kernels must be in the image, and want bfloat16."""


class AnswerSettings(Settings):
    """Of generation."""

    batch_size: Count | None = None
    """Questions that are answered at once."""


class JudgeSettings(Settings):
    """Of a judge's calls."""

    base_url: Annotated[str, AfterValidator(_check_endpoint)] | None = None
    """Of the endpoint; else OPENAI_BASE_URL."""
    key_file: str | None = None
    """Of the key; else OPENAI_API_KEY_FILE or OPENAI_API_KEY."""
    concurrency: Count | None = None
    """Calls in flight at most."""
    requests_per_minute: Positive | None = None
    tokens_per_minute: Positive | None = None
    timeout_seconds: Positive | None = None
    """Of one attempt at a call."""
    call_deadline_seconds: Positive | None = None
    """Of one call, waits and retries included."""
    attempts: Count | None = None
    """At one call."""
    backoff_seconds: float | None = Field(None, ge=0)
    """Before the second attempt, then doubled."""


class TranslateSettings(JudgeSettings):
    """Of translation. The address, key and pace of an engine that is called are set as the judge's are."""

    deepl_url: Annotated[str, AfterValidator(_check_endpoint)] | None = None
    """Of DeepL; else DEEPL_SERVER_URL, else what the key says."""
    deepl_key_file: str | None = None
    """Of DeepL's key; else DEEPL_AUTH_KEY_FILE or DEEPL_AUTH_KEY."""
    batch_size: Count | None = None
    """Texts in one call of DeepL, or in one batch of a model."""


DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "base": {"threads": 1},
    "train": {"threads": 1},
    "answer": {"threads": 1, "batch_size": 256},
    "reference": {"concurrency": 64},
    "judge": {"concurrency": 64},
}


class KindSettings(Section):
    """The settings of each kind; one attribute a kind."""

    ingest: Settings = Settings()
    translate: TranslateSettings = TranslateSettings()
    quality: JudgeSettings = JudgeSettings()
    agree: Settings = Settings()
    base: Settings = Settings()
    contamination: Settings = Settings()
    tokenize: Settings = Settings()
    mix: Settings = Settings()
    train: TrainSettings = TrainSettings()
    answer: AnswerSettings = AnswerSettings()
    reference: JudgeSettings = JudgeSettings()
    judge: JudgeSettings = JudgeSettings()
    aggregate: Settings = Settings()
    report: Settings = Settings()

    def of(self, kind: str) -> dict[str, Any]:
        """The defaults of a kind with what is set on top."""
        section: Settings = getattr(self, kind)
        return {**DEFAULTS.get(kind, {}), **section.model_dump(exclude_none=True)}
