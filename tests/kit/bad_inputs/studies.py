"""Study files that are refused."""

from functools import partial
from pathlib import Path

from polyglot.core.canonical import sha256_bytes
from polyglot.study.load import load_study
from polyglot.study.lock import lock_study
from tests.kit.bad_inputs import Case

GOOD = {
    "study": "small",
    "models": "{tiny: {built-in: {}}}",
    "datasets": "{house: {built-in: instructions}}",
    "mixes": "[EN, DEFR]",
    "training": "{steps: 10}",
    "benchmark": "{built-in: verifiable}",
    "judge": "{endpoint: built-in}",
}
COMMIT = "1a" * 20
SHA256 = "1a" * 32


def study_text(**changes: str | None) -> str:
    """A valid small study with some keys changed; None removes one."""
    merged = GOOD | {name.replace("_", "-"): value for name, value in changes.items()}
    return "".join(f"{key}: {value}\n" for key, value in merged.items() if value is not None)


def load(folder: Path, content: bytes) -> None:
    path = folder / "study.yaml"
    path.write_bytes(content)
    lock_study(load_study(path))


def _case(name: str, **changes: str | None) -> Case:
    return Case(room="Study files", name=name, provoke=partial(load, content=study_text(**changes).encode()))


def _raw(name: str, content: bytes) -> Case:
    return Case(room="Study files", name=name, provoke=partial(load, content=content))


def _data(rest: str) -> str:
    """A data set of files with one language."""
    return f"{{d: {{format: bactrian-x, files: {{EN: {rest}}}}}}}"


def _hub(rest: str) -> str:
    """A data set from a hub."""
    return f"{{d: {{format: bactrian-x, hub: a/b, {rest}}}}}"


def _mt_bench(rest: str) -> str:
    """A benchmark of files."""
    return f"{{format: mt-bench, questions: {{EN: {{path: q, sha256: {SHA256}}}}}{rest}}}"


def _native(rest: str = "", judge: str = "{endpoint: built-in, references: both}") -> dict[str, str]:
    """The built-in benchmark with native references, and a judge."""
    return {"benchmark": f"{{built-in: verifiable, native-references: {{endpoint: built-in{rest}}}}}", "judge": judge}


def _file(path: str, more: str = "") -> str:
    return f"{{path: '{path}', sha256: {SHA256}{more}}}"


def _pickled_model(folder: Path) -> None:
    for name in ("config.json", "pytorch_model.bin"):
        (folder / "m").mkdir(exist_ok=True)
        (folder / "m" / name).write_text("{}")
    load(folder, study_text(models="{m: {directory: m}}").encode())


_FORMS = [
    Case(room="Study files", name="no such file", provoke=lambda folder: load_study(folder / "none.yaml")),
    Case(room="Study files", name="a folder instead of a file", provoke=load_study),
    Case(room="Study files", name="a path with a NUL", provoke=lambda folder: load_study(folder / "a\0b")),
    _raw("an empty file", b""),
    _raw("comments alone", b"# later\n"),
    _raw("a list instead of a mapping", b"- study\n"),
    _raw("one word", b"study\n"),
    _raw("not YAML", b"study: [EN\n"),
    _raw("a tab as indentation", b"study:\n\t- x\n"),
    _raw("not UTF-8", b"study: caf\xe9\n"),
    _raw("a NUL byte", b"study: a\0b\n"),
    _raw("over 1 MiB", b"# " + b"x" * 2**20),
    _raw("brackets a thousand deep", b"study: " + b"[" * 1000),
    _raw("a key twice", b"study: a\nquestion: b\nstudy: c\n"),
    _raw("an alias", b"study: &a x\nquestion: *a\n"),
    _raw("a merge key", b"training:\n  <<: {steps: 1}\n"),
    _raw("a tag", b"study: !!python/name:os.system x\n"),
    _raw("an older YAML, in which NO is false", b"%YAML 1.1\n---\nstudy: a\n"),
    _raw("two documents", b"study: a\n---\nstudy: b\n"),
    _raw("half a surrogate pair", study_text(systems='{EN: "a\\ud800b"}').encode()),
    _raw("a key that is a number", study_text().encode() + b"1: x\n"),
    _raw("everything missing", b"question: why\n"),
    Case(
        room="Study files",
        name="several things at once",
        provoke=partial(
            load,
            content=study_text(
                mixes="[EN, QQ, ENEN]", training="{step: 10, batch-size: 0}", judge="{endpoint: openapi}"
            ).encode(),
        ),
    ),
]
_FIELDS = [
    _case("an unknown key, misspelt", seed="[0]"),
    _case("an unknown key inside a section", training="{steps: 10, learning-rat: 1}"),
    _case("an underscore for a hyphen", training="{steps: 10, batch_size: 1}"),
    _case("a name with capitals and spaces", study="My Study"),
    _case("a name over 40 characters", study="a" * 41),
    _case("a number where text is expected", study="12"),
    _case("text where a number is expected", training='{steps: "10"}'),
    _case("a fraction where a whole number is expected", training="{steps: 1.5}"),
    _case("a number of 500 digits", training=f"{{steps: {'9' * 500}}}"),
    _case("nothing after a key", training=""),
    _case("a switch that is a word", untuned="maybe"),
    _case("a learning rate that is not a number", training="{steps: 10, learning-rate: .nan}"),
    _case("an infinite weight decay", training="{steps: 10, weight-decay: .inf}"),
    _case("a negative batch size", training="{steps: 10, batch-size: -1}"),
    _case("neither steps nor epochs", training="{batch-size: 8}"),
    _case("both steps and epochs", training="{steps: 10, epochs: 3}"),
    _case("a warm-up longer than the training", training="{steps: 10, warmup-steps: 11}"),
    _case("a learning rate that ends above its height", training="{steps: 10, final-learning-rate: 1e-4}"),
    _case(
        "a constant learning rate with an end", training="{steps: 10, schedule: constant, final-learning-rate: 1e-6}"
    ),
    _case("groups of the loss without a size", training="{steps: 10, loss-normalization: micro-batches}"),
    _case("a size of groups that there are not", training="{steps: 10, loss-micro-batch: 8}"),
    _case(
        "a group larger than the step",
        training="{steps: 10, batch-size: 4, loss-normalization: micro-batches, loss-micro-batch: 8}",
    ),
    _case("a preset's warm-up longer than the training", training="{steps: 10, preset: bactrian}"),
    _case("an adapter in full fine-tuning", training="{steps: 10, lora-rank: 8, lora-modules: [q_proj]}"),
    _case("an adapter without a rank", training="{steps: 10, method: lora, lora-rank: null}"),
    _case("an adapter on no layer", training="{steps: 10, method: lora, lora-modules: []}"),
    _case("an unknown method", training="{steps: 10, method: qlora}"),
    _case("a model's recipe with an unknown key", models="{tiny: {built-in: {}, training: {lora-rnk: 8}}}"),
    _case("a model's recipe that is empty", models="{tiny: {built-in: {}, training: {}}}"),
    _case(
        "a model's recipe that does not go with the study's",
        models="{tiny: {built-in: {}, training: {batch-size: 2, lora-alpha: 8}}}",
        training="{steps: 10, batch-size: 4, loss-normalization: micro-batches, loss-micro-batch: 4}",
    ),
    _case(
        "a model's recipe with both steps and epochs", models="{tiny: {built-in: {}, training: {steps: 1, epochs: 1}}}"
    ),
    _case("a model's recipe with text for a number", models='{tiny: {built-in: {}, training: {lora-rank: "8"}}}'),
    _case(
        "one base model under two names that are trained alike",
        models="{tiny: {built-in: {}}, again: {built-in: {}, training: {steps: 10, batch-size: 64}}}",
    ),
    _case("a recipe of a baseline", baselines="{b: {built-in: {}, training: {steps: 10}}}"),
    _case("an unknown preset", training="{steps: 10, preset: alpaca}"),
    _case("an unknown schedule", training="{steps: 10, schedule: cosin}"),
    _case("no seeds", seeds="[]"),
    _case("a seed twice", seeds="[1, 2, 1]"),
    _case("a negative seed", seeds="[-1]"),
    _case("a size of zero", sizes="[0]"),
    _case("a size that is a word", sizes="[all]"),
    _case("a temperature above two", answers="{default-temperature: 2.5}"),
]
_MODELS = [
    _case("no models", models="{}"),
    _case("a model from two sources", models="{m: {built-in: {}, hub: a/b}}"),
    _case("a model from nowhere", models="{m: {}}"),
    _case("a model at a branch", models="{m: {hub: a/b, revision: main}}"),
    _case("a model at a tag", models="{m: {hub: a/b, revision: v1.0}}"),
    _case("a hub model without a revision", models="{m: {hub: a/b}}"),
    _case("a commit that is still to be filled in", models=f"{{m: {{hub: a/b, revision: '{'0' * 40}'}}}}"),
    _case("a commit of digits alone", models=f"{{m: {{hub: a/b, revision: {'12' * 20}}}}}"),
    _case("a revision of a built-in model", models=f"{{m: {{built-in: {{}}, revision: {COMMIT}}}}}"),
    _case("a day for the paper's template", models="{m: {built-in: {}, template-date: '2025-01-31'}}"),
    _case(
        "a template's day that is none", models="{m: {built-in: {}, template: tokenizer, template-date: '2025-02-30'}}"
    ),
    _case("a hub name that is an address", models=f"{{m: {{hub: 'https://a/b', revision: {COMMIT}}}}}"),
    _case("a share of nothing", models="{m: {built-in: {shares: {EN: 0, DE: 1}}}}"),
    _case("a share of a language without built-in text", models="{m: {built-in: {shares: {EN: 1, NO: 1}}}}"),
    _case("heads that do not divide the width", models="{m: {built-in: {hidden-size: 100, heads: 8}}}"),
    _case("heads that do not divide the default width", models="{m: {built-in: {heads: 3}}}"),
    _case("a width that the default heads do not divide", models="{m: {built-in: {hidden-size: 100}}}"),
    _case("one model under two names", models="{a: {built-in: {}}, b: {built-in: {}}}"),
    _case("a model's folder that is not there", models="{m: {directory: nowhere}}"),
    _case("a folder without a model", models="{m: {directory: .}}"),
    _case("a model's folder on the web", models=f"{{m: {{prefix: 'https://host/m', sha256: {SHA256}}}}}"),
    _case("a folder of a bucket that is not pinned", models="{m: {prefix: 's3://bucket/m'}}"),
    _case("a folder of a bucket with a key", models=f"{{m: {{prefix: 's3://bucket/m?key=x', sha256: {SHA256}}}}}"),
    _case("a digest of a hub model", models=f"{{m: {{hub: a/b, revision: {COMMIT}, sha256: {SHA256}}}}}"),
    _case("an unknown conversion", models=f"{{m: {{hub: a/b, revision: {COMMIT}, convert: keras}}}}"),
    _case("a conversion of the built-in model", models="{m: {built-in: {}, convert: pickle}}"),
    Case(room="Study files", name="a folder with pickled weights alone", provoke=_pickled_model),
    _case("a model's file at an address", models=f"{{m: {{files: [{_file('https://host/b', ', bytes: 1')}]}}}}"),
    _case("two models that cannot be told apart", models="{m.1: {built-in: {}}, m-1: {built-in: {seed: 1}}}"),
]
_DATA = [
    _case("a data set at a branch", datasets=_hub("config: '{language}', revision: main, languages: [EN, DE, FR]")),
    _case("a data set without languages", datasets="{d: {format: bactrian-x, files: {}}}"),
    _case("a hub data set without languages", datasets=_hub(f"revision: {COMMIT}")),
    _case("a data set without a format", datasets=f"{{d: {{files: {{EN: {_file('x')}}}}}}}", mixes="[EN]"),
    _case("every language from the same rows", datasets=_hub(f"revision: {COMMIT}, languages: [EN, DE, FR]")),
    _case(
        "an unknown placeholder",
        datasets=_hub(f"config: '{{lang}}', revision: {COMMIT}, languages: [EN]"),
        mixes="[EN]",
    ),
    _case(
        "a hub's key for local files",
        datasets=f"{{d: {{format: bactrian-x, split: train, files: {{EN: {_file('x')}}}}}}}",
    ),
    _case("a lower-case language", datasets=f"{{d: {{format: bactrian-x, files: {{en: {_file('x')}}}}}}}"),
    _case("a SHA-256 cut short", datasets=_data("{path: x.jsonl, sha256: abc}"), mixes="[EN]"),
    _case("a file without a SHA-256", datasets=_data("{path: x.jsonl}"), mixes="[EN]"),
    _case("a file that is not there", datasets=_data(_file("no.jsonl")), mixes="[EN]"),
    _case("a file with other content", datasets=_data(_file("study.yaml")), mixes="[EN]", study="other-content"),
    _case("a file name that no system takes", datasets=_data(_file("a" * 1999)), mixes="[EN]"),
    _case(
        "one file for two languages",
        datasets=f"{{d: {{format: bactrian-x, files: {{EN: {_file('a.jsonl')}, DE: {_file('b.jsonl')}}}}}}}",
        mixes="[EN]",
    ),
    _case("a file twice", datasets=_data(f"[{_file('a.jsonl')}, {_file('b.jsonl')}]"), mixes="[EN]"),
    _case(
        "validation on the file that is learnt",
        datasets=f"{{d: {{format: bactrian-x, files: {{EN: {_file('a')}}}, validation: {{EN: {_file('a')}}}}}}}",
        mixes="[EN]",
    ),
    _case(
        "files for validation outside of the repository",
        datasets=_hub(
            f"data-files: '{{language}}', validation-data-files: '../{{lang}}', revision: {COMMIT}, "
            "languages: [EN, DE, FR]"
        ),
    ),
    _case("an ftp address", datasets=_data(_file("ftp://host/b", ", bytes: 1")), mixes="[EN]"),
    _case("plain http", datasets=_data(_file("http://host/b", ", bytes: 1")), mixes="[EN]"),
    _case("an address without a size", datasets=_data(_file("https://host/b.jsonl")), mixes="[EN]"),
    _case("credentials in an address", datasets=_data(_file("https://me:secret@host/b", ", bytes: 1")), mixes="[EN]"),
    _case(
        "a signed address",
        datasets=_data(_file("https://host/b?X-Amz-Signature=secret", ", bytes: 1")),
        mixes="[EN]",
    ),
    _case("no mixes", mixes="[]"),
    _case("a mix twice, spelt differently", mixes="[DEFR, frde]"),
    _case("a mix with a bad weight", mixes="['EN:0.5,DE:.nan']"),
    _case("a number for a mix", mixes="[12]"),
    _case("a language that no data set has", mixes="[EN, NO]"),
    _case(
        "a language without a system message",
        datasets=_hub(f"config: '{{language}}', revision: {COMMIT}, languages: [EN, NO]"),
        mixes="[NO]",
    ),
    _case("a system message that nobody gets", systems="{NO: Hei.}"),
    _case("draws where nothing is drawn", draws="[0, 1]"),
]
_GRADING = [
    _case("a judge without a model", judge="{endpoint: openai}"),
    _case("a model for the built-in judge", judge="{endpoint: built-in, model: gpt-4}"),
    _case("a form of reply that the built-in judge has not", judge="{endpoint: built-in, output: json-schema}"),
    _case("an unknown form of a judge's reply", judge="{endpoint: openai, model: m, output: json}"),
    _case("an unknown judge endpoint", judge="{endpoint: gpt-4}"),
    _case("a benchmark without prompts", benchmark=_mt_bench("")),
    _case("a benchmark without questions", benchmark="{format: mt-bench}"),
    _case(
        "references in a language without questions",
        benchmark=_mt_bench(f", prompts: {{EN: {_file('p')}}}, references: {{DE: {_file('r')}}}"),
    ),
    _case("files for a built-in benchmark", benchmark=f"{{built-in: verifiable, prompts: {{EN: {_file('p')}}}}}"),
    _case("a contrast with a mix that the study lacks", contrasts="[{name: c, treatment: ENES, control: EN}]"),
    _case("a mix against itself", contrasts="[{name: c, treatment: [EN, DEFR], control: EN}]"),
    _case("a contrast over no language", contrasts="[{name: c, treatment: EN, control: DEFR, on: 7}]"),
    _case("a contrast with a mix twice", contrasts="[{name: c, treatment: [EN, en], control: DEFR}]"),
    _case("a contrast over a language twice", contrasts="[{name: c, treatment: EN, control: DEFR, on: [EN, EN]}]"),
    _case("contrasts that are a word", contrasts="all"),
    _case("a temperature of no category", answers="{temperatures: {firts: 0.5}}"),
    _case("references for no category", judge="{endpoint: built-in, reference-categories: [math]}"),
    _case("a budget of nothing", budget="{usd: 0}"),
    _case("a budget for calls without a price", budget="{usd: 5}", judge="{endpoint: openai, model: m}"),
]


def _made(rest: str, more: str = "") -> str:
    """The built-in data set, and one that is made of it."""
    return f"{{house: {{built-in: instructions}}, made: {{translate: {{of: house, from: EN, {rest}}}}}{more}}}"


_TRANSLATIONS = [
    _case("a translation of nothing", datasets=_made("to: [NL], engine: identity").replace("of: house", "of: hose")),
    _case(
        "a translation from a language that is not there",
        datasets=_made("to: [NL], engine: identity").replace("EN", "NO"),
    ),
    _case("a translation of itself", datasets=_made("to: [NL], engine: identity").replace("of: house", "of: made")),
    _case("a translation into its own language", datasets=_made("to: [EN], engine: identity")),
    _case("a translation into a language twice", datasets=_made("to: [NL, NL], engine: identity")),
    _case("an unknown engine", datasets=_made("to: [NL], engine: google")),
    _case("a key of another engine", datasets=_made("to: [NL], engine: apertium, formality: more")),
    _case("a chat model that is not named", datasets=_made("to: [NL], engine: openai")),
    _case("a translation model at no commit", datasets=_made("to: [NL], engine: marian, model: a/b")),
    _case(
        "a translation model whose commit is still to be filled in",
        datasets=_made(f"to: [DE, FR], engine: nllb, model: a/b, revision: '{'0' * 40}'"),
    ),
    _case("a translation model from two sources", datasets=_made("to: [NL], engine: nllb, model: a/b, directory: .")),
    _case("a Marian model for two languages", datasets=_made("to: [NL, PT], engine: marian, directory: .")),
    _case("a glossary of another language", datasets=_made("to: [NL], engine: deepl, glossary: {PT: {a: b}}")),
    _case(
        "a licence of a translation",
        datasets=_made("to: [DE, FR], engine: identity").replace("}}}", "}, licence: MIT}}"),
    ),
    _case(
        "a budget for translations without a price", datasets=_made("to: [DE, FR], engine: deepl"), budget="{usd: 5}"
    ),
    _case(
        "a translated benchmark that is built in",
        benchmark="{built-in: verifiable, translate: {from: EN, to: [NL], engine: identity}}",
    ),
    _case(
        "a language that the benchmark has",
        benchmark=_mt_bench(f", prompts: {{EN: {_file('p')}}}, translate: {{from: DE, to: [EN], engine: identity}}"),
    ),
    _case(
        "a translated benchmark without judge prompts",
        benchmark=_mt_bench(f", prompts: {{EN: {_file('p')}}}, translate: {{from: EN, to: [DE], engine: identity}}"),
    ),
]


def _quality(name: str, check: str, **changes: str | None) -> Case:
    """A study that trains nothing and assesses one translation."""
    without = dict.fromkeys(("models", "mixes", "training", "benchmark", "judge"))
    return _case(name, **{**without, "quality": f"[{{name: q, from: EN, to: ES{check}}}]", **changes})


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
    _case("quality beside half a study", models=None, quality="[{name: q, data: house, from: EN, to: ES}]"),
]
_REFERENCES = [
    _case("two kinds of references and no choice", **_native(judge="{endpoint: built-in}")),
    _case("native references that nothing uses", **_native(judge="{endpoint: built-in, references: published}")),
    _case("native references that nobody writes", judge="{endpoint: built-in, references: both}"),
    _case("a model for the built-in author of references", **_native(", model: gpt")),
    _case(
        "native references by a model that is not named",
        benchmark="{built-in: verifiable, native-references: {endpoint: openai}}",
        judge="{endpoint: built-in, references: both}",
    ),
    _case(
        "native references without prices under a budget",
        benchmark="{built-in: verifiable, native-references: {endpoint: openai, model: gpt}}",
        judge="{endpoint: built-in, references: both}",
        budget="{usd: 5}",
    ),
]


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
    _case("a baseline from nowhere", baselines="{b: {}}"),
    _case("a baseline from two sources", baselines="{b: {endpoint: openai, model: gpt-4, directory: x}}"),
    _case("a baseline by a model that is not named", baselines="{b: {endpoint: openai}}"),
    _case("a baseline of the built-in author with a model", baselines="{b: {endpoint: built-in, model: gpt-4}}"),
    _case(
        "a baseline of the built-in author for other questions",
        baselines="{b: {endpoint: built-in}}",
        benchmark=_mt_bench(f", prompts: {{EN: {{path: p, sha256: {SHA256}}}}}"),
    ),
    _case("a template of an endpoint", baselines="{b: {endpoint: openai, model: gpt-4, template: tokenizer}}"),
    _case("a temperature of a baseline that is no endpoint", baselines="{b: {built-in: {}, temperature: 1}}"),
    _case("a baseline at a branch", baselines="{b: {hub: a/b, revision: main}}"),
    _case("a baseline's commit that is to be filled in", baselines=f"{{b: {{hub: a/b, revision: '{'0' * 40}'}}}}"),
    _case("a baseline's folder that is not there", baselines="{b: {directory: nowhere}}"),
    _case("a baseline of no entry of the catalogue", baselines="{b: {published: smollm}}"),
    _case("a baseline called as a model", baselines="{tiny: {endpoint: openai, model: gpt-4}}"),
    _case("one baseline under two names", baselines="{a: {endpoint: built-in}, b: {endpoint: built-in}}"),
    _case("top-k for an endpoint", baselines=_ASKED, answers="{top-k: 40}"),
    _case("a baseline without prices under a budget", baselines=_ASKED, budget="{usd: 5}"),
    _case(
        "verdicts of others on answers that are asked for",
        baselines=f"{_ASKED[:-2]}, verdicts{_PUBLISHED}}}}}",
    ),
    _case(
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
    _case(
        "a contrast with a baseline that the study lacks", contrasts="[{name: c, treatment: EN, control: baseline:g}]"
    ),
    _case(
        "a contrast with a baseline that is misspelt",
        baselines=_ASKED.replace("g:", "gpt:"),
        contrasts="[{name: c, treatment: EN, control: baseline:gtp}]",
    ),
    _case("a contrast with a baseline of no name", contrasts="[{name: c, treatment: EN, control: 'baseline:'}]"),
    _case(
        "a contrast with untuned models that are left out",
        untuned="false",
        contrasts="[{name: c, treatment: EN, control: untuned}]",
    ),
    _case("untuned against itself", contrasts="[{name: c, treatment: untuned, control: untuned}]"),
    _case(
        "a contrast in the languages of no mix",
        baselines=_ASKED,
        contrasts="[{name: c, treatment: 'baseline:g', control: untuned, on: in-mix}]",
    ),
]
CASES = [*_FORMS, *_FIELDS, *_MODELS, *_DATA, *_GRADING, *_TRANSLATIONS, *_QUALITY, *_REFERENCES, *_BASELINES]
