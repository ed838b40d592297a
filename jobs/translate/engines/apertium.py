r"""Apertium, the program: many texts through one pipeline, NUL after each, in its own stream format.

Protected parts are superblanks (`[⟦1⟧]`), which the pipeline carries along; what the format calls special is escaped.
Each text ends in a superblank with its number, so that a text is never taken for its neighbour's translation, and
since without one a word at the very end can be lost. Unknown words stay as they are (`-u`).
"""

import re
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence

from jobs.lib.context import Context
from jobs.lib.text.protection import Piece
from jobs.translate.cache import TranslationCache
from jobs.translate.engines.engine import Outcome
from jobs.translate.marks import Lost, Marks
from jobs.translate.units import Style
from polyglot.core.canonical import Json
from polyglot.core.errors import Permanent, PolyglotError
from polyglot.kinds.translate import TranslateParams

_SPECIAL = re.compile(r"([\[\]{}^$/\\@<>])")
_BATCH_TEXTS = 500
_FIRST = 5000  # numbers of texts are above those of marks
_SECONDS = 600  # of one batch; it takes about one
_REMEDY = "Install the Debian packages apertium and that of the pair, such as apertium-eng-spa"


class Superblanks(Marks):
    """`[⟦1⟧]` in an escaped stream."""

    _mark = re.compile(r"\[⟦(\d{1,4})⟧\]")

    def escape(self, prose: str) -> str:
        """For the stream."""
        return _SPECIAL.sub(r"\\\1", prose)

    def unescape(self, text: str) -> str:
        """Undo it. Raises Lost for a superblank that is none of ours."""
        if re.search(r"(?<!\\)(?:\\\\)*[\[\]]", text):
            raise Lost("mark-garbled")
        return super().unescape(re.sub(r"\\(.)", r"\1", text))

    def write(self, number: int, piece: Piece) -> str:
        """As white space that has content."""
        return f"[{super().write(number, piece)}]"


class Apertium:
    """See `engine.Engine`."""

    style = Style(span="line", marks=Superblanks(), plain=frozenset({"number"}), split_when_lost=True)

    def __init__(self, params: TranslateParams, context: Context) -> None:
        """Raises Permanent when the program or the pair is not installed."""
        self._context, self._memory = context, TranslationCache(context.journal)
        self._pair = f"{_code(params.source)}-{_code(params.target)}"
        self._version = _check(self._pair)

    def translate(self, texts: Sequence[str], settled: Callable[[int], None]) -> Mapping[str, Outcome]:
        """In batches; after each the stage may be stopped."""
        found = self._memory.known(texts)
        waiting = [text for text in texts if text not in found]
        return self._memory.complete(
            found, waiting, _BATCH_TEXTS, self._batch, before=self._context.raise_if_stopping, settled=settled
        )

    def about(self) -> Mapping[str, Json]:
        """The pair and the version of the program."""
        return {"pair": self._pair, "version": self._version}

    def account(self) -> Mapping[str, Json]:
        """It costs nothing."""
        return {"resumed_texts": self._memory.resumed}

    def close(self) -> None:
        """No process is left."""

    def _batch(self, texts: Sequence[str]) -> dict[str, Outcome]:
        """One pipeline; when its answer does not fit the texts one to one, two with half of them each."""
        stream = "".join(f"{text}[⟦{number}⟧]\0" for number, text in enumerate(texts, _FIRST))
        try:
            ran = subprocess.run(
                ["apertium", "-z", "-u", "-f", "none", self._pair],
                input=stream.encode(),
                capture_output=True,
                timeout=_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise PolyglotError(f"apertium {self._pair}: no answer within {_SECONDS} s") from None
        if ran.returncode:
            said = ran.stderr.decode(errors="replace").strip().split("\n")[-1][:200]
            raise PolyglotError(f"apertium {self._pair}: it ended with {ran.returncode}: {said}")
        answers = ran.stdout.decode(errors="replace").split("\0")
        found = {}
        for number, (text, answer) in enumerate(zip(texts, answers, strict=False), _FIRST):
            if answer.rstrip().endswith(f"[⟦{number}⟧]"):
                found[text] = Outcome(answer.rstrip().removesuffix(f"[⟦{number}⟧]"))
        if len(found) == len(texts) and not "".join(answers[len(texts) :]).strip():
            return found
        if len(texts) == 1:
            return {texts[0]: Outcome(None, "engine-garbled")}
        half = len(texts) // 2
        return self._batch(texts[:half]) | self._batch(texts[half:])


def _code(language: str) -> str:
    """ISO 639-3, as Apertium names languages."""
    import pycountry

    found = pycountry.languages.get(alpha_2=language.lower())
    if found is None:
        raise Permanent(f"apertium: {language} has no ISO 639-3 code")
    return str(found.alpha_3)


def _check(pair: str) -> str:
    """The program's version. Raises Permanent when it or the pair is not there."""
    if shutil.which("apertium") is None:
        raise Permanent(f"apertium: no such program on PATH. {_REMEDY}")
    listed = subprocess.run(["apertium", "-l"], capture_output=True, text=True, timeout=60, check=False)
    pairs = (listed.stdout + listed.stderr).split()
    if pair not in pairs:
        raise Permanent(f"apertium: got pair {pair}; expected one of {' '.join(pairs) or '(none)'}. {_REMEDY}")
    version = subprocess.run(["apertium", "-V"], capture_output=True, text=True, timeout=60, check=False)
    return version.stdout.strip().removeprefix("Apertium ")
