"""Verdicts of others on pairs: which baselines, in which languages, out of which files."""

from collections.abc import Mapping
from pathlib import Path

from polyglot.core.canonical import sha256_bytes
from tests.kit.bad_inputs import Case
from tests.kit.bad_inputs.studies import load, study_text

_LANGUAGES = ("EN", "DE", "FR", "IT", "ES")
_ANSWER = '{"question_id": 81, "model_id": "NAME", "choices": [{"index": 0, "turns": ["a", "b"]}]}\n'
_PAIR = (
    '{"question_id": 81, "model_1": "one", "model_2": "two", "turn": 1, "judge": ["gpt-4", "pair-v2"], '
    '"g1_winner": "model_1", "g2_winner": "tie"}\n'
)
_VOTE = '{"judge": "x", "model_a": "one", "model_b": "two", "question_id": 1, "turn": 1, "winner": "tie"}\n'


def _case(name: str, text: str = _PAIR, read: tuple[str, ...] = ("one", "two"), more: str = "") -> Case:
    """A study that reads the answers of some models, asks for those of another one, and has a file of pairs."""

    def provoke(folder: Path) -> None:
        answers = {model: _pinned(folder, f"{model}.jsonl", _ANSWER.replace("NAME", model)) for model in read}
        baselines = [f"{model}: {{model: {model}, answers: {_each(pinned)}}}" for model, pinned in answers.items()]
        baselines.append("asked: {endpoint: openai, model: gpt-4}")
        pairs = f"{{files: {_each(_pinned(folder, 'gpt-4_pair.jsonl', text))}{more}}}"
        changes = {"baselines": f"{{{', '.join(baselines)}}}", "imported-pairs": f"{{gpt-4: {pairs}}}"}
        load(folder, _text(changes))

    return Case(room="Study files", name=name, provoke=provoke)


def _one_language(folder: Path) -> None:
    pinned = _pinned(folder, "gpt-4_pair.jsonl", _PAIR)
    answers = {model: _pinned(folder, f"{model}.jsonl", _ANSWER.replace("NAME", model)) for model in ("one", "two")}
    baselines = ", ".join(f"{model}: {{answers: {_each(file)}}}" for model, file in answers.items())
    load(folder, _text({"baselines": f"{{{baselines}}}", "imported-pairs": f"{{gpt-4: {{files: {{EN: {pinned}}}}}}}"}))


def _text(changes: Mapping[str, str]) -> bytes:
    return study_text(**changes).encode()


def _pinned(folder: Path, name: str, text: str) -> str:
    (folder / name).write_text(text)
    return f"{{path: {name}, sha256: {sha256_bytes(text.encode())}}}"


def _each(pinned: str) -> str:
    return f"{{{', '.join(f'{language}: {pinned}' for language in _LANGUAGES)}}}"


CASES = [
    _case("pairs of others with one model whose answers are read", read=("one",)),
    _case("pairs of others with answers that are asked for", more=", between: [one, asked]"),
    _case("pairs of others with a baseline that is misspelt", more=", between: [one, tow]"),
    _case("pairs of others between one and the same", more=", between: [one, two, one]"),
    Case(room="Study files", name="pairs of others in one language of several", provoke=_one_language),
    _case("votes in place of pairs of others", text=_VOTE),
    _case("pairs of others without the two models", text=_PAIR.replace("two", "three")),
    _case(
        "pairs of others by two judges", text=_PAIR + _PAIR.replace("gpt-4", "gpt-4o").replace('"turn": 1', '"turn": 2')
    ),
]
