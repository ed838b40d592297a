"""The built-in author of references: it knows the right answers to the built-in benchmark's questions, and no other.

It stands behind the same server and is asked by the same client as any model, so that everything about native
references can be run end to end without one.
"""

import contextlib
import os
from collections.abc import Iterable, Iterator, Sequence

from jobs import builtin
from jobs.builtin.server import ChatServer, Refusal
from jobs.lib.chat.endpoint import Endpoint, announced
from jobs.lib.chat.settings import CallSettings
from jobs.lib.context import Context

MODEL = "polyglot-solver"


class Author:
    """Answers by the conversation's questions alone; deterministic."""

    def __init__(self, languages: Iterable[str]) -> None:
        """Raises Permanent for a language that the built-in benchmark lacks."""
        self._known: dict[tuple[str, ...], str] = {}
        for language in languages:
            for name in builtin.BENCHMARKS:
                for question, reference in zip(
                    builtin.questions(name, language), builtin.references(name, language), strict=True
                ):
                    asked: list[str] = question["turns"]  # type: ignore[assignment]
                    answers: list[str] = reference["choices"][0]["turns"]  # type: ignore[index]
                    for turn, answer in enumerate(answers, 1):
                        self._known[tuple(asked[:turn])] = answer

    def respond(self, messages: Sequence[tuple[str, str]]) -> str:
        """Return the right answer to the last question. Raises Refusal for a question that is not built in."""
        asked = tuple(text for role, text in messages if role == "user")
        if asked not in self._known:
            raise Refusal(400, "the built-in author knows the built-in benchmark's questions only")
        return self._known[asked]


@contextlib.contextmanager
def author_or_endpoint(
    context: Context, endpoint: str, languages: Iterable[str], settings: CallSettings, *, asker: str
) -> Iterator[Endpoint]:
    """The endpoint to ask: the study's, or the built-in author, which runs as long as it is needed."""
    if endpoint == "built-in":
        with ChatServer(Author(languages).respond, MODEL) as server:
            yield Endpoint(base_url=server.base_url, ours=True)
        return
    yield announced(settings, os.environ, context.log, asker=asker, asks=endpoint)
