"""Study files whose translations, quality checks or references are refused."""

from tests.kit.bad_inputs import Case
from tests.kit.bad_inputs.studies import COMMIT, case, file, mt_bench, native


def _made(rest: str, more: str = "") -> str:
    """The built-in data set, and one that is made of it."""
    return f"{{house: {{built-in: instructions}}, made: {{translate: {{of: house, from: EN, {rest}}}}}{more}}}"


_TRANSLATIONS = [
    case("a translation of nothing", datasets=_made("to: [NL], engine: identity").replace("of: house", "of: hose")),
    case(
        "a translation from a language that is not there",
        datasets=_made("to: [NL], engine: identity").replace("EN", "NO"),
    ),
    case("a translation of itself", datasets=_made("to: [NL], engine: identity").replace("of: house", "of: made")),
    case("a translation into its own language", datasets=_made("to: [EN], engine: identity")),
    case("a translation into a language twice", datasets=_made("to: [NL, NL], engine: identity")),
    case("an unknown engine", datasets=_made("to: [NL], engine: google")),
    case("a key of another engine", datasets=_made("to: [NL], engine: apertium, formality: more")),
    case("a chat model that is not named", datasets=_made("to: [NL], engine: openai")),
    case("a translation model at no commit", datasets=_made("to: [NL], engine: marian, model: a/b")),
    case(
        "a translation model whose commit is still to be filled in",
        datasets=_made(f"to: [DE, FR], engine: nllb, model: a/b, revision: '{'0' * 40}'"),
    ),
    case("a translation model from two sources", datasets=_made("to: [NL], engine: nllb, model: a/b, directory: .")),
    case("a Marian model for two languages", datasets=_made("to: [NL, PT], engine: marian, directory: .")),
    case("a glossary of another language", datasets=_made("to: [NL], engine: deepl, glossary: {PT: {a: b}}")),
    case(
        "a licence of a translation",
        datasets=_made("to: [DE, FR], engine: identity").replace("}}}", "}, licence: MIT}}"),
    ),
    case("a budget for translations without a price", datasets=_made("to: [DE, FR], engine: deepl"), budget="{usd: 5}"),
    case(
        "a translated benchmark that is built in",
        benchmark="{built-in: verifiable, translate: {from: EN, to: [NL], engine: identity}}",
    ),
    case(
        "a language that the benchmark has",
        benchmark=mt_bench(f", prompts: {{EN: {file('p')}}}, translate: {{from: DE, to: [EN], engine: identity}}"),
    ),
    case(
        "a translated benchmark without judge prompts",
        benchmark=mt_bench(f", prompts: {{EN: {file('p')}}}, translate: {{from: EN, to: [DE], engine: identity}}"),
    ),
]


def _quality(name: str, check: str, **changes: str | None) -> Case:
    """A study that trains nothing and assesses one translation."""
    without = dict.fromkeys(("models", "mixes", "training", "benchmark", "judge"))
    return case(name, **{**without, "quality": f"[{{name: q, from: EN, to: ES{check}}}]", **changes})


_TRANSLATED = "{d: {format: bactrian-x, hub: a/b, config: '{language}', revision: " + COMMIT + ", languages: [EN, DE]}}"
_QUALITY = [
    _quality("an assessment of nothing", ""),
    _quality("an assessment of two things", ", data: house, benchmark: questions"),
    _quality("an assessment of a data set that is not there", ", data: hose"),
    _quality("an assessment of a language that is not there", ", data: d", datasets=_TRANSLATED),
    _quality("a reference that nobody says is human", ", data: house, reference: d"),
    _quality("a translation as its own reference", ", data: house, reference: house, reference-is: human"),
    _quality("an assessment of a benchmark that is not there", ", benchmark: questions"),
    _quality("an assessment of the built-in benchmark", ", benchmark: questions", benchmark="{built-in: verifiable}"),
    _quality("comet without a commit", ", data: house, comet: {model: a/b}"),
    _quality("adequacy by no model", ", data: house, adequacy: {endpoint: openai}"),
    _quality("adequacy without a price", ", data: house, adequacy: {model: m}", budget="{usd: 5}"),
    _quality("two assessments of one name", ", data: house}, {name: q, from: EN, to: DE, data: house"),
    case("quality beside half a study", models=None, quality="[{name: q, data: house, from: EN, to: ES}]"),
]
_REFERENCES = [
    case("two kinds of references and no choice", **native(judge="{endpoint: built-in}")),
    case("native references that nothing uses", **native(judge="{endpoint: built-in, references: published}")),
    case("native references that nobody writes", judge="{endpoint: built-in, references: both}"),
    case("a model for the built-in author of references", **native(", model: gpt")),
    case(
        "native references by a model that is not named",
        benchmark="{built-in: verifiable, native-references: {endpoint: openai}}",
        judge="{endpoint: built-in, references: both}",
    ),
    case(
        "native references without prices under a budget",
        benchmark="{built-in: verifiable, native-references: {endpoint: openai, model: gpt}}",
        judge="{endpoint: built-in, references: both}",
        budget="{usd: 5}",
    ),
]

CASES = [*_TRANSLATIONS, *_QUALITY, *_REFERENCES]
