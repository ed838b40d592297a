"""What every engine does: token ids in; text, count and reason out. An engine knows no question and no conversation.

Whoever wants answers adds requests, each under a name, and steps until all of them are there; what is answered comes
back at once, in any order, and more may be added meanwhile (the second turn of a conversation whose first has ended).
A request's draws are its own, by its seed, whatever else is answered beside it.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from jobs.answer.engines.stops import Stops
from jobs.lib.model.template import ChatFormat
from polyglot.core.canonical import Json
from polyglot.core.stage import Resources
from polyglot.kinds.answer import AnswerParams

Finish = Literal["eos", "stop", "length", "not-finite"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One answer that is wanted."""

    prompt: list[int]
    temperature: float
    seed: int
    max_new_tokens: int  # at least 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Generated:
    """One answer. `tokens` counts all that were generated, those that end it and the stop string's included."""

    text: str
    tokens: int
    finish: Finish
    stop: str | None = None
    end_id: int | None = None  # of the token that ended it


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What an engine is opened with. `settings` are execution settings; the rest decides what is answered."""

    directory: Path  # of the model
    chat: ChatFormat
    params: AnswerParams
    settings: Mapping[str, Json]
    resources: Resources
    log: logging.Logger


class Engine(Protocol):
    """An engine with one model."""

    unusual: str | None  # how the model wants to be computed, if not as any other: what answers are marked with
    at_once: int  # groups that are asked at once
    positions: int | None  # the longest sequence that the model sees; None where there is no end
    embedded: int  # ids that it has a row for

    def __init__(self, opening: Opening) -> None:
        """Load the model. Raises Permanent when the engine, or the model in it, cannot be had here."""
        ...

    @staticmethod
    def conditions(settings: Mapping[str, Json]) -> Mapping[str, Json]:
        """What must be equal for answers to be of one run, as results and parts of shards record it."""
        ...

    def groups(self, lengths: Sequence[int]) -> list[int]:
        """How many of these prompts, whose lengths rise, are answered and kept as one; the sizes add up to them all."""
        ...

    def add(self, name: str, request: Request) -> None:
        """Take a request in, begun at the next step at the earliest.

        A conversation's next turn has the name of the one before, and is added before the next step.
        """
        ...

    def step(self, check: Callable[[], None]) -> list[tuple[str, Generated]]:
        """Compute on, and return what is answered since; `check` is called now and then and may raise to leave."""
        ...

    def close(self) -> None:
        """Let go of the model, and of all processes that were started for it."""
        ...


@dataclass(slots=True)
class Growing:
    """An answer that is being generated."""

    request: Request
    ids: list[int] = field(default_factory=list)
    result: Generated | None = None


class Endings:
    """Where an answer ends: at an end token, before a stop string, at its limit."""

    def __init__(self, chat: ChatFormat, others: Sequence[int], stops: Sequence[str]) -> None:
        """`chat` names the end of an answer; `others` are end tokens that the model's generation config has."""
        self.ids = {*chat.end_ids, *others}
        self._chat = chat
        self._stops = Stops(stops, lambda token: str(chat.tokenizer.decode([token])))

    def after(self, answer: Growing, token: int) -> Generated | None:
        """Take in an answer's next token; its result once that ends it."""
        answer.ids.append(token)
        if token in self.ids:
            return self.ended(answer, "eos")
        if self._stops.may_end(token) and self._stops.cut(self._text(answer))[1] is not None:
            return self.ended(answer, "stop")
        return self.ended(answer, "length") if len(answer.ids) >= answer.request.max_new_tokens else None

    def ended(self, answer: Growing, finish: Finish) -> Generated:
        """The result of an answer that goes no further."""
        text, stop = self._stops.cut(self._text(answer))
        if stop is not None:
            finish = "stop"
        end_id = answer.ids[-1] if finish == "eos" else None
        return Generated(text=text, tokens=len(answer.ids), finish=finish, stop=stop, end_id=end_id)

    def _text(self, answer: Growing) -> str:
        ids = answer.ids[:-1] if answer.ids and answer.ids[-1] in self.ids else answer.ids
        return self._chat.text(answer.request.prompt, ids)


def end_ids(configured: int | Sequence[int] | None) -> list[int]:
    """The end tokens of a generation config: none, one or several."""
    if configured is None:
        return []
    return [configured] if isinstance(configured, int) else list(configured)
