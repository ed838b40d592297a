"""What sections share that have a chat model asked: which model, and what its tokens cost."""

from collections.abc import Iterator, Sequence

from polyglot.core.section import Broken, Problem, Section
from polyglot.kinds.chat import ChatFailures, ChatPrices

TOKEN_PRICES = tuple(ChatPrices.model_fields)


def asking_settings(section: Section | None) -> dict[str, float]:
    """What a section says of asking that changes no reply, and so is a setting: prices, how many calls may fail."""
    names = (*TOKEN_PRICES, *ChatFailures.model_fields)
    return {name: value for name in names if (value := getattr(section, name, None)) is not None}


def shown(value: float | str) -> str:
    """A value of asking, for people."""
    return value if isinstance(value, str) else f"{value:g}"


def missing_prices(section: Section, names: Sequence[str] = TOKEN_PRICES) -> Iterator[str]:
    """Yield, as a study file spells them, the prices without which a budget cannot bound the section's calls."""
    yield from (name.replace("_", "-") for name in names if getattr(section, name) is None)


def check_model(endpoint: str, model: str, *, built_in: str, example: str) -> None:
    """Raise Broken unless a model is named exactly where there is a choice: not for `built_in`, who has none."""
    if endpoint != "built-in" and not model:
        raise Broken(Problem(what="no model", remedy=f"Add `model:`, {example}"))
    if endpoint == "built-in" and model:
        raise Broken(Problem(what=f"{built_in} has no choice of model", place=("model",), remedy="Remove it"))
