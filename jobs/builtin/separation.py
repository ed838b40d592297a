"""The check that no benchmark item occurs in training data, made on the finished text and not on how it was drawn.

The rule is that of the contamination stage (`jobs.lib.rows.contamination`), less what is only near: a benchmark's turn
is found in a row when a turn of the row says the same words, or holds a run of them. Every language is compared with
every other.
"""

from collections.abc import Iterable, Mapping, Sequence

from jobs import builtin
from jobs.builtin.words import LANGUAGES
from jobs.lib.rows.contamination import Benchmark
from polyglot.kinds.contamination import OverlapMatch
from polyglot.kinds.rows import Question


def benchmark(*names: str) -> Benchmark:
    """Index the questions of built-in benchmarks, in all languages."""
    made = Benchmark()
    for name in names:
        for language in LANGUAGES:
            for question in builtin.questions(name, language):
                made.add(_said(f"{name}:{question['question_id']}", language, _texts(question["turns"])))
    return made


def leaks() -> list[OverlapMatch]:
    """Everything that the instructions share with a benchmark, or the two benchmarks with each other; none, that is."""
    both = benchmark("verifiable", "verifiable-dev")
    found = set[OverlapMatch]()
    for language in LANGUAGES:
        for row in builtin.instruction_rows(language):
            found |= _copies(both, _said(str(row["id"]), language, _turns(row)))
    reported = benchmark("verifiable")
    for language in LANGUAGES:
        for question in builtin.questions("verifiable-dev", language):
            found |= _copies(reported, _said(str(question["question_id"]), language, _texts(question["turns"])))
    return sorted(found, key=lambda hit: (hit.language, hit.id, hit.question))


def leaks_of_text(texts: Iterable[str]) -> list[OverlapMatch]:
    """What pre-training text shares with the benchmarks' questions; `id` is the text's number."""
    both = benchmark("verifiable", "verifiable-dev")
    return [hit for number, text in enumerate(texts) for hit in _copies(both, _said(str(number), "", [text]))]


def _said(name: str, language: str, texts: Sequence[str]) -> Question:
    return Question(id=name, language=language, category="", turns=tuple(texts))


def _copies(both: Benchmark, row: Question) -> set[OverlapMatch]:
    """Texts of one family of items are alike by construction, so what is only near is none."""
    return {hit for hit in both.hits(row) if hit.kind != "near"}


def _turns(row: Mapping[str, object]) -> list[str]:
    later = row.get("followups")
    turns = [row, *(later if isinstance(later, list) else ())]
    return [str(turn[name]) for turn in turns for name in ("instruction", "output")]


def _texts(value: object) -> list[str]:
    return [str(turn) for turn in value] if isinstance(value, list) else []
