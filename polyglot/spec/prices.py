"""What a chat endpoint's tokens cost, as every section that has one asked says it."""

from collections.abc import Iterator, Sequence

from polyglot.spec.base import Section

TOKEN_PRICES = ("price_usd_per_mtok_prompt", "price_usd_per_mtok_completion")


def token_prices(section: Section | None) -> dict[str, float]:
    """The prices that a section gives. They are settings: they bound and count the cost, and change no result."""
    return {name: price for name in TOKEN_PRICES if (price := getattr(section, name, None)) is not None}


def missing_prices(section: Section, names: Sequence[str] = TOKEN_PRICES) -> Iterator[str]:
    """Yield, as a study file spells them, the prices without which a budget cannot bound the section's calls."""
    yield from (name.replace("_", "-") for name in names if getattr(section, name) is None)
