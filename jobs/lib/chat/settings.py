"""Execution settings of chat calls: a profile's, and what a study says that they may cost. Never part of a key."""

from pydantic import Field

from polyglot.core.errors import Permanent
from polyglot.kinds.chat import ChatFailures, ChatPrices
from polyglot.kinds.settings import BatchSettings


class CallSettings(BatchSettings, ChatPrices, ChatFailures):
    """Read from a stage's settings; keys that are none of these are other people's and are left alone."""

    max_usd: float | None = Field(None, ge=0)
    """The stage's share of the study's budget."""

    def require_prices(self, remedy: str = "Set price_usd_per_mtok_prompt and price_usd_per_mtok_completion") -> None:
        """Raise Permanent when there is a budget, and nothing that calls cost."""
        one_missing = None in (self.price_usd_per_mtok_prompt, self.price_usd_per_mtok_completion)
        if self.max_usd is not None and (one_missing or not self.cost_usd(1, 1)):
            raise Permanent(f"setting max_usd bounds nothing without prices. {remedy}")

    def cost_usd(self, prompt_tokens: int, completion_tokens: int) -> float:
        """The price of that many tokens, in US dollars."""
        prompt, completion = self.price_usd_per_mtok_prompt or 0.0, self.price_usd_per_mtok_completion or 0.0
        return (prompt_tokens * prompt + completion_tokens * completion) / 1e6
