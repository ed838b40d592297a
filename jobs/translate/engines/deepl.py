"""DeepL: batches of texts in a few threads, the one owner of retries, caps and stopping.

Protected parts are XML tags whose content DeepL may read and leaves alone. Characters are reserved before a call leaves
and counted as DeepL bills them; a call that broke off counts in full. A batch that fails for its content is halved,
until the text that it is about is alone. What came back is on record at once: nothing on record is asked again.
"""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime
from importlib.metadata import version
from threading import Lock
from typing import Annotated

from pydantic import AfterValidator, Field

from jobs.lib.context import Context
from jobs.translate.cache import TranslationCache, call_id
from jobs.translate.engines.deepl_call import Client, Failed
from jobs.translate.engines.engine import Outcome
from jobs.translate.marks import XmlMarks
from jobs.translate.units import Style
from polyglot.core.canonical import Json
from polyglot.core.errors import Interrupted, OverBudget, Permanent, PolyglotError
from polyglot.core.section import Count, Positive
from polyglot.kinds.translate import TranslateParams, TranslateSettings

BATCH_TEXTS = 50  # DeepL takes no more
BATCH_BYTES = 100_000  # of 128 KiB that it takes
CALLS = 16  # in flight at most, whatever the profile says
_LONGEST_SECONDS = 30.0
_POLL_SECONDS = 0.1


class DeepLSettings(TranslateSettings):
    """Settings of a translation as DeepL has them: its own defaults, and what a study says that it may cost."""

    concurrency: Count = 4
    timeout_seconds: Positive = 60.0
    backoff_seconds: float = Field(1.0, ge=0)
    batch_size: Annotated[int, Field(ge=1), AfterValidator(lambda texts: min(texts, BATCH_TEXTS))] = BATCH_TEXTS
    price_usd_per_mchar: float | None = Field(None, ge=0)
    max_usd: float | None = Field(None, ge=0)
    """The stage's share of the study's budget."""
    max_characters: Count | None = None

    @property
    def calls_at_once(self) -> int:
        """Calls in flight at most."""
        return min(self.concurrency, CALLS)

    def usd(self, characters: int) -> float:
        """What so many characters cost, in US dollars."""
        return characters * (self.price_usd_per_mchar or 0.0) / 1e6

    def require_price(self) -> None:
        """Raise Permanent when there is a budget, and nothing that characters cost."""
        if self.max_usd is not None and not self.price_usd_per_mchar:
            raise Permanent("setting max_usd bounds nothing without a price. Set price-usd-per-mchar")


class Outage:
    """DeepL is away: waited for as long as the stage may run; for a minute an attempt when it has never answered."""

    def __init__(self, remark: Callable[[str], None], *, reached: bool, settings: DeepLSettings) -> None:
        self._remark, self._reached, self._lock = remark, reached, Lock()
        self._first_pause, self._give_up = settings.backoff_seconds, min(60.0, settings.call_deadline_seconds)
        self._since: float | None = None

    def over(self) -> None:
        """DeepL answered, whatever it said."""
        with self._lock:
            self._reached = True
            if self._since is not None:
                self._since = None
                self._remark("")

    def pause(self, said: str) -> float:
        """How long to wait before the next try. Raises PolyglotError for an address that never answered."""
        with self._lock:
            if self._since is None:
                self._since = time.monotonic()
                self._remark(f"DeepL does not answer since {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC ({said})")
            away = time.monotonic() - self._since
            if not self._reached and away > self._give_up:
                remedy = "Set the address (deepl-url in the profile, else DEEPL_SERVER_URL), then `polyglot retry`"
                raise PolyglotError(f"DeepL: {said}; it has never answered, for {away:.0f} s now. {remedy}")
            return min(10.0, max(self._first_pause, away / 4))


class DeepL:
    """See `engine.Engine`."""

    style = Style(span="line", marks=XmlMarks(), max_characters=20_000)

    def __init__(self, params: TranslateParams, context: Context) -> None:
        """Raises Permanent when there is no key, or the glossary is refused."""
        self._context, self._settings = context, DeepLSettings.of(context.settings)
        self._settings.require_price()
        self._memory = TranslationCache(context.journal)
        self._reserved, self._lock = 0, Lock()
        self._outage = Outage(context.remark, reached=self._memory.reached, settings=self._settings)
        try:
            self._client = Client(
                params,
                url=self._settings.deepl_url,
                key_file=self._settings.deepl_key_file,
                timeout_seconds=self._settings.timeout_seconds,
            )
        except Failed as failed:
            raise Permanent(f"DeepL, glossary: {failed}") from None

    def translate(self, texts: Sequence[str], settled: Callable[[int], None]) -> Mapping[str, Outcome]:
        """In batches of at most 50 texts."""
        found = self._memory.known(texts)
        batches = self._batches([text for text in texts if text not in found])
        running: set[Future[dict[str, Outcome]]] = set()
        error: BaseException | None = None
        with ThreadPoolExecutor(self._settings.calls_at_once, thread_name_prefix="deepl") as pool:
            while (batches and error is None) or running:
                while batches and error is None and len(running) < self._settings.calls_at_once:
                    if self._context.stopping():
                        error = Interrupted("asked to stop; what was translated is on record")
                    elif not self._fits(batches[0]):
                        if running:
                            break  # what is in flight may cost less than was reserved
                        error = self._over_budget(batches[0])
                    else:
                        batch = batches.pop(0)
                        self._reserve(_characters(batch))
                        running.add(pool.submit(self._call, batch))
                if not running:
                    break
                done, running = wait(running, timeout=_POLL_SECONDS, return_when=FIRST_COMPLETED)
                for future in done:
                    try:
                        found |= future.result()
                    except Exception as raised:
                        error = error or raised
                settled(len(found))
        self._memory.flush()
        if error is not None:
            raise error
        return found

    def about(self) -> Mapping[str, Json]:
        """The client's version; DeepL says nothing of its own."""
        return {"client": version("deepl")}

    def account(self) -> Mapping[str, Json]:
        """Of all attempts."""
        memory = self._memory
        return {
            "characters_billed": memory.billed,
            "characters_unseen_at_most": memory.unseen,
            "cost_usd": round(self._settings.usd(memory.billed), 6),
            "cost_usd_unseen_at_most": round(self._settings.usd(memory.unseen), 6),
            "calls": dict(sorted(memory.calls.items())),
            "resumed_texts": memory.resumed,
        }

    def close(self) -> None:
        """Take the glossary back."""
        self._client.close()

    def _batches(self, texts: Sequence[str]) -> list[list[str]]:
        found: list[list[str]] = []
        size = 0
        for text in texts:
            length = len(text.encode())
            if not found or len(found[-1]) >= self._settings.batch_size or size + length > BATCH_BYTES:
                found.append([])
                size = 0
            found[-1].append(text)
            size += length
        return found

    def _fits(self, batch: Sequence[str]) -> bool:
        settings, total = self._settings, self._memory.spent + self._reserved + _characters(batch)
        if settings.max_characters is not None and total > settings.max_characters:
            return False
        return settings.max_usd is None or settings.usd(total) <= settings.max_usd

    def _reserve(self, characters: int) -> None:
        with self._lock:
            self._reserved += characters

    def _over_budget(self, batch: Sequence[str]) -> OverBudget:
        settings, spent = self._settings, self._memory.spent
        caps = [f"{settings.max_characters} characters"] if settings.max_characters is not None else []
        caps += [f"{settings.max_usd:.4f} USD"] if settings.max_usd is not None else []
        return OverBudget(
            f"DeepL's budget: the next call may cost {_characters(batch)} characters, "
            f"{spent} ({settings.usd(spent):.4f} USD) are spent, of "
            f"{' and '.join(caps)}. Raise max-characters or budget.usd in the study file and submit again; "
            "what was translated is kept"
        )

    def _call(self, batch: list[str]) -> dict[str, Outcome]:
        """Bring one batch to its end, in a thread. Raises Permanent, PolyglotError or Interrupted."""
        try:
            return self._tried(batch)
        finally:
            self._reserve(-_characters(batch))

    def _tried(self, batch: list[str]) -> dict[str, Outcome]:
        settings, name, counted = self._settings, call_id(batch), 0
        until, waits = time.monotonic() + settings.call_deadline_seconds, 0
        while True:
            if self._context.stopping():
                raise Interrupted("asked to stop; what was translated is on record")
            self._memory.sent(name, _characters(batch))
            try:
                translations, billed = self._client.translate(batch)
                self._outage.over()
            except Failed as failed:
                self._memory.ended(name, reason=failed.reason, unseen=failed.unseen)
                if failed.weight == "away":
                    self._pause(self._outage.pause(str(failed)))
                    until = time.monotonic() + settings.call_deadline_seconds
                    continue
                self._outage.over()
                if failed.reason == "quota-exceeded":
                    raise OverBudget(f"DeepL: {failed}. What was translated is kept: submit again later") from None
                if failed.weight == "fatal":
                    raise Permanent(f"DeepL: {failed}") from None
                if failed.weight == "final":
                    return self._apart(batch, failed)
                counted += failed.weight == "transient"
                waits += 1
                pause = min(_LONGEST_SECONDS, settings.backoff_seconds * 2.0 ** (waits - 1)) * random.uniform(0.5, 1)  # noqa: S311
                if counted >= settings.attempts or time.monotonic() + pause > until:
                    raise PolyglotError(f"DeepL is not answering: {failed}. What was translated is kept") from None
                self._pause(pause)
                continue
            found = {text: Outcome(translation) for text, translation in zip(batch, translations, strict=True)}
            self._memory.ended(name, billed=billed or 0, unseen=billed is None)
            self._memory.done(found)
            return found

    def _apart(self, batch: list[str], failed: Failed) -> dict[str, Outcome]:
        """A batch that was refused for its content: find the text that it is about."""
        if len(batch) == 1:
            found = {batch[0]: Outcome(None, failed.reason)}
            self._memory.done(found)
            return found
        half = len(batch) // 2
        return self._tried(batch[:half]) | self._tried(batch[half:])

    def _pause(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and not self._context.stopping():
            time.sleep(min(left, _POLL_SECONDS))


def _characters(batch: Sequence[str]) -> int:
    """The most that a batch is billed; tags are not."""
    return sum(map(len, batch))
