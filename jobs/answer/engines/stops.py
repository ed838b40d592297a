"""Where a stop string ends an answer."""

from collections.abc import Callable, Sequence


class Stops:
    """Looks for stop strings in a growing answer; text is decoded only when a stop could just have been completed."""

    def __init__(self, stops: Sequence[str], decode: Callable[[int], str]) -> None:
        """`decode` gives the text of one token; what is not whole characters alone shows U+FFFD."""
        self._stops, self._decode = tuple(stop for stop in stops if stop), decode
        self._last = {stop[-1] for stop in self._stops} | {"\ufffd"}
        self._possible: dict[int, bool] = {}

    def may_end(self, token: int) -> bool:
        """Whether this token could complete a stop: it holds the last character of one, or part of a character."""
        known = self._possible.get(token)
        if known is None:
            text = self._decode(token)
            known = self._possible[token] = bool(self._stops) and any(last in text for last in self._last)
        return known

    def cut(self, text: str) -> tuple[str, str | None]:
        """Return the text before the first stop in it and this stop, or the whole text and None."""
        found = [(at, stop) for stop in self._stops if (at := text.find(stop)) >= 0]
        if not found:
            return text, None
        at, stop = min(found, key=lambda pair: (pair[0], -len(pair[1])))
        return text[:at], stop
