"""Execution settings of chat calls: how they are paced, retried, priced and where they go. Never part of a key."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from polyglot.core.errors import Permanent


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatSettings:
    """Read from a stage's settings; keys that are none of these are other people's and are left alone."""

    base_url: str | None = None  # else OPENAI_BASE_URL, else OpenAI's own
    key_file: str | None = None  # else OPENAI_API_KEY_FILE, else OPENAI_API_KEY
    concurrency: int = 32  # the ceiling; calls in flight adapt below it
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    timeout_seconds: float = 120.0  # of one attempt, from sending to the last byte
    call_deadline_seconds: float = 900.0  # of one call, waits and retries included
    attempts: int = 5  # of one call; being told to slow down (429) does not count
    backoff_seconds: float = 0.5  # before the second attempt, then doubled
    max_usd: float | None = None
    price_usd_per_mtok_prompt: float = 0.0
    price_usd_per_mtok_completion: float = 0.0

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> "ChatSettings":
        """Pick these settings and check them. Raises Permanent with name, got and expected."""
        given = {field.name: settings[field.name] for field in fields(cls) if settings.get(field.name) is not None}
        for name, value in given.items():
            if name in ("base_url", "key_file"):
                if not isinstance(value, str):
                    raise Permanent(f"setting {name}: got {type(value).__name__}; expected text")
                continue
            whole = name in ("concurrency", "attempts")
            number = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
            least = 0 if name.startswith(("price", "max", "backoff")) else 1 if whole else 1e-3
            if not number or not least <= value < float("inf"):
                kind = "a whole number" if whole else "a number"
                raise Permanent(f"setting {name}: got {value!r}; expected {kind} of at least {least}")
        return cls(**given)

    def require_prices(self, remedy: str = "Set price_usd_per_mtok_prompt and price_usd_per_mtok_completion") -> None:
        """Raise Permanent when there is a budget, and nothing that calls cost."""
        if self.max_usd is not None and not self.cost_usd(1, 1):
            raise Permanent(f"setting max_usd bounds nothing without prices. {remedy}")

    def cost_usd(self, prompt_tokens: int, completion_tokens: int) -> float:
        """The price of that many tokens, in US dollars."""
        prompt, completion = self.price_usd_per_mtok_prompt, self.price_usd_per_mtok_completion
        return (prompt_tokens * prompt + completion_tokens * completion) / 1e6
