"""Whether every answer can be judged: each language's questions, their references, and the judge prompts for them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jobs.check.found import Found
from polyglot.core.errors import Permanent
from polyglot.kinds.check import CheckParams, JudgingCheck
from polyglot.kinds.judge_prompts import Prompts, load
from polyglot.kinds.rows import Question, Reference

_GRADED_TURNS = 2  # the prompts know a first and a second turn
_SHOWN = 3


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """Questions by language, and published references by language and id."""

    questions: Mapping[str, Sequence[Question]]
    references: Mapping[str, Mapping[str, Reference]]


def look(
    found: Found, params: CheckParams, benchmark: Benchmark, prompt_files: Mapping[str, Path]
) -> dict[str, JudgingCheck]:
    """Say what is wrong in each language, and between them."""
    _ids(found, benchmark)
    _wrong_references(found, params, benchmark)
    checks = {}
    for language in params.languages:
        try:
            prompts = load(prompt_files[language], language)
        except Permanent as error:
            found.defect(str(error), where=f"judge.prompts.{language}")
            continue
        checks[language] = _language(found, params, benchmark, prompts)
    if not params.native:
        _references(found, params, benchmark)
    return checks


def _ids(found: Found, benchmark: Benchmark) -> None:
    """Questions of one id are one question in several languages: scores of languages are compared over them."""
    ids = {language: {question.id for question in rows} for language, rows in benchmark.questions.items()}
    common = set[str].intersection(*ids.values())
    for language, mine in ids.items():
        where = f"benchmark.questions.{language}"
        if mine and not common and len(ids) > 1:
            other = next((code for code, theirs in ids.items() if not mine & theirs), None)
            if other is not None:
                what = f"no question has an id that {other} has"
                got, expected = _some(mine), f"such as {_some(ids[other])}"
                found.defect(what, where=where, got=got, expected=expected, remedy="Give translations the id of theirs")
        elif others := set[str]().union(*ids.values()) - mine:
            found.remark(f"it lacks {len(others)} questions that other languages have: {_some(others)}", where=where)


def _wrong_references(found: Found, params: CheckParams, benchmark: Benchmark) -> None:
    """An id that no question has leaves nothing out: a slip, or the catalogue's ids with a part of its questions."""
    known = {question.id for rows in benchmark.questions.values() for question in rows}
    if strange := [identity for identity in params.wrong_references if identity not in known]:
        what = f"no question is called {', '.join(strange)}; there are {_some(known)}"
        found.remark(what, where="benchmark.wrong-references")


def _language(found: Found, params: CheckParams, benchmark: Benchmark, prompts: Prompts) -> JudgingCheck:
    language = prompts.language
    known = benchmark.references.get(language, {})
    used, without, lacking = Counter[str](), 0, Counter[str]()
    for question in benchmark.questions[language]:
        if len(question.turns) > _GRADED_TURNS:
            what = f"question {question.id} has {len(question.turns)} turns"
            expected = f"at most {_GRADED_TURNS}: judge prompts know no more"
            found.defect(what, where=f"benchmark.questions.{language}", expected=expected)
            continue
        needs = params.needs_reference(question.category)
        for turn in range(1, len(question.turns) + 1):
            row = known.get(question.id)
            texts = ["written later"] * turn if params.native and needs else row.turns if row is not None else ()
            choice = prompts.choose(turn=turn, needs_reference=needs, references=texts)
            used[choice.prompt.name] += 1
            without += choice.fallback == "no-reference"
            if choice.fallback == "no-reference-prompt":
                lacking["single-math-v1-multi-turn" if turn == 2 else "single-math-v1"] += 1
    for name, turns in lacking.items():
        what = f"no {name}, and {turns} turns have a reference to be judged against"
        remedy = "Add that prompt, or take the categories out of `judge.reference-categories`"
        found.defect(what, where=f"judge.prompts.{language}", remedy=remedy)
    if known and not any(question.id in known for question in benchmark.questions[language]):
        got, expected = _some(known), f"ids such as {_some({row.id for row in benchmark.questions[language]})}"
        where = f"benchmark.references.{language}"
        found.defect("no reference is of a question", where=where, got=got, expected=expected)
    return JudgingCheck(
        questions=len(benchmark.questions[language]), judged_with=dict(sorted(used.items())), without_reference=without
    )


def _references(found: Found, params: CheckParams, benchmark: Benchmark) -> None:
    """Categories that have references in one language and none in another are judged by two measures."""
    have: dict[str, dict[str, int]] = {}  # category -> language -> questions with whole references
    asked: dict[str, dict[str, int]] = {}
    for language, questions in benchmark.questions.items():
        known = benchmark.references.get(language, {})
        for question in questions:
            if params.needs_reference(question.category):
                row = known.get(question.id)
                whole = row is not None and len(row.turns) >= len(question.turns) and all(map(str.strip, row.turns))
                have.setdefault(question.category, Counter())[language] += whole
                asked.setdefault(question.category, Counter())[language] += 1
    if without := sorted(category for category, counts in have.items() if not any(counts.values())):
        what = f"no question of {', '.join(without)} has a whole reference answer: they are judged without"
        remedy = "Name files under `benchmark.references`; a file of questions that holds them will do"
        found.remark(f"{what}. {remedy}", where="benchmark.references")
    for category, by_language in have.items():
        lacking = [language for language, count in by_language.items() if not count]
        some = [language for language, count in by_language.items() if count]
        if lacking and some:
            what = f"no references for {category}; {', '.join(some)} has some"
            remedy = "Add them, or take the category out of `judge.reference-categories`"
            for language in lacking:
                found.defect(what, where=f"benchmark.references.{language}", remedy=remedy)
        for language in some:
            if missing := asked[category][language] - by_language[language]:
                what = f"{missing} of {asked[category][language]} questions of {category} have no whole reference"
                found.remark(what, where=f"benchmark.references.{language}")


def _some(ids: set[str] | Mapping[str, object]) -> str:
    shown = sorted(ids)[:_SHOWN]
    return ", ".join(shown) + (", …" if len(ids) > _SHOWN else "")
