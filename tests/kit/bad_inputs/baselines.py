"""Study files whose baselines are refused."""

from pathlib import Path

from polyglot.core.canonical import sha256_bytes
from tests.kit.bad_inputs import Case
from tests.kit.bad_inputs.studies import SHA256, case, load, mt_bench, study_text


def _others(name: str, answers: str, verdicts: str = "", model: str = "") -> Case:
    """A baseline whose English answers, and perhaps verdicts, are in files of these lines; others are as they shall."""

    def provoke(folder: Path) -> None:
        parts = [f"model: {model}"] if model else []
        for part, english, other in (("answers", answers, _ANSWER), ("verdicts", verdicts, _RATING)):
            pinned = []
            for language in ("EN", "DE", "FR", "IT", "ES") if english else ():
                text = english if language == "EN" else other.replace("one", model or "one")
                (folder / f"{language}.{part}.jsonl").write_text(text)
                digest = sha256_bytes(text.encode())
                pinned.append(f"{language}: {{path: {language}.{part}.jsonl, sha256: {digest}}}")
            parts += [f"{part}: {{{', '.join(pinned)}}}"] if pinned else []
        load(folder, study_text(baselines=f"{{b: {{{', '.join(parts)}}}}}").encode())

    return Case(room="Study files", name=name, provoke=provoke)


_ANSWER = '{"question_id": 81, "model_id": "one", "choices": [{"index": 0, "turns": ["a", "b"]}]}\n'
_RATING = '{"question_id": 81, "model": "one", "judge": ["gpt-4", "single-v1"], "score": 7, "turn": 1}\n'
_ASKED = "{g: {endpoint: openai, model: gpt-4}}"
_PUBLISHED = f": {{EN: {{path: x.jsonl, sha256: {SHA256}}}}}"
_BASELINES = [
    case("a baseline from nowhere", baselines="{b: {}}"),
    case("a baseline from two sources", baselines="{b: {endpoint: openai, model: gpt-4, directory: x}}"),
    case("a baseline by a model that is not named", baselines="{b: {endpoint: openai}}"),
    case("a baseline of the built-in author with a model", baselines="{b: {endpoint: built-in, model: gpt-4}}"),
    case(
        "a baseline of the built-in author for other questions",
        baselines="{b: {endpoint: built-in}}",
        benchmark=mt_bench(f", prompts: {{EN: {{path: p, sha256: {SHA256}}}}}"),
    ),
    case("a template of an endpoint", baselines="{b: {endpoint: openai, model: gpt-4, template: tokenizer}}"),
    case("a temperature of a baseline that is no endpoint", baselines="{b: {built-in: {}, temperature: 1}}"),
    case("a baseline at a branch", baselines="{b: {hub: a/b, revision: main}}"),
    case("a baseline's commit that is to be filled in", baselines=f"{{b: {{hub: a/b, revision: '{'0' * 40}'}}}}"),
    case("a baseline's folder that is not there", baselines="{b: {directory: nowhere}}"),
    case("a baseline of no entry of the catalogue", baselines="{b: {published: smollm}}"),
    case("a baseline called as a model", baselines="{tiny: {endpoint: openai, model: gpt-4}}"),
    case("one baseline under two names", baselines="{a: {endpoint: built-in}, b: {endpoint: built-in}}"),
    case("top-k for an endpoint", baselines=_ASKED, answers="{top-k: 40}"),
    case("a baseline without prices under a budget", baselines=_ASKED, budget="{usd: 5}"),
    case(
        "verdicts of others on answers that are asked for",
        baselines=f"{_ASKED[:-2]}, verdicts{_PUBLISHED}}}}}",
    ),
    case(
        "answers of others in one language of several",
        baselines=f"{{b: {{{_PUBLISHED.replace('verdicts', 'answers')}}}}}",
    ),
    _others("answers of others with a line that is none", _ANSWER + '{"question_id": 82, "model_id": 3}\n'),
    _others("answers of several models", _ANSWER + _ANSWER.replace("one", "two")),
    _others("answers of another model", _ANSWER, model="gpt-4"),
    _others(
        "votes in place of verdicts",
        _ANSWER,
        '{"judge": "x", "model_a": "a", "model_b": "b", "question_id": 1, "turn": 1, "winner": "tie"}\n',
    ),
    _others("verdicts of two judges", _ANSWER, _RATING + _RATING.replace("gpt-4", "gpt-4o")),
    case(
        "a contrast with a baseline that the study lacks", contrasts="[{name: c, treatment: EN, control: baseline:g}]"
    ),
    case(
        "a contrast with a baseline that is misspelt",
        baselines=_ASKED.replace("g:", "gpt:"),
        contrasts="[{name: c, treatment: EN, control: baseline:gtp}]",
    ),
    case("a contrast with a baseline of no name", contrasts="[{name: c, treatment: EN, control: 'baseline:'}]"),
    case(
        "a contrast with untuned models that are left out",
        untuned="false",
        contrasts="[{name: c, treatment: EN, control: untuned}]",
    ),
    case("untuned against itself", contrasts="[{name: c, treatment: untuned, control: untuned}]"),
    case(
        "a contrast in the languages of no mix",
        baselines=_ASKED,
        contrasts="[{name: c, treatment: 'baseline:g', control: untuned, on: in-mix}]",
    ),
]

CASES = [*_BASELINES]
