"""Study files that are refused."""

from functools import partial
from pathlib import Path

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


def case(name: str, **changes: str | None) -> Case:
    return Case(room="Study files", name=name, provoke=partial(load, content=study_text(**changes).encode()))


def raw(name: str, content: bytes) -> Case:
    return Case(room="Study files", name=name, provoke=partial(load, content=content))


def data(rest: str) -> str:
    """A data set of files with one language."""
    return f"{{d: {{format: bactrian-x, files: {{EN: {rest}}}}}}}"


def hub(rest: str) -> str:
    """A data set from a hub."""
    return f"{{d: {{format: bactrian-x, hub: a/b, {rest}}}}}"


def mt_bench(rest: str) -> str:
    """A benchmark of files."""
    return f"{{format: mt-bench, questions: {{EN: {{path: q, sha256: {SHA256}}}}}{rest}}}"


def native(rest: str = "", judge: str = "{endpoint: built-in, references: both}") -> dict[str, str]:
    """The built-in benchmark with native references, and a judge."""
    return {"benchmark": f"{{built-in: verifiable, native-references: {{endpoint: built-in{rest}}}}}", "judge": judge}


def file(path: str, more: str = "") -> str:
    return f"{{path: '{path}', sha256: {SHA256}{more}}}"


def pickled_model(folder: Path) -> None:
    for name in ("config.json", "pytorch_model.bin"):
        (folder / "m").mkdir(exist_ok=True)
        (folder / "m" / name).write_text("{}")
    load(folder, study_text(models="{m: {directory: m}}").encode())


_FORMS = [
    Case(room="Study files", name="no such file", provoke=lambda folder: load_study(folder / "none.yaml")),
    Case(room="Study files", name="a folder instead of a file", provoke=load_study),
    Case(room="Study files", name="a path with a NUL", provoke=lambda folder: load_study(folder / "a\0b")),
    raw("an empty file", b""),
    raw("comments alone", b"# later\n"),
    raw("a list instead of a mapping", b"- study\n"),
    raw("one word", b"study\n"),
    raw("not YAML", b"study: [EN\n"),
    raw("a tab as indentation", b"study:\n\t- x\n"),
    raw("not UTF-8", b"study: caf\xe9\n"),
    raw("a NUL byte", b"study: a\0b\n"),
    raw("over 1 MiB", b"# " + b"x" * 2**20),
    raw("brackets a thousand deep", b"study: " + b"[" * 1000),
    raw("a key twice", b"study: a\nquestion: b\nstudy: c\n"),
    raw("an alias", b"study: &a x\nquestion: *a\n"),
    raw("a merge key", b"training:\n  <<: {steps: 1}\n"),
    raw("a tag", b"study: !!python/name:os.system x\n"),
    raw("an older YAML, in which NO is false", b"%YAML 1.1\n---\nstudy: a\n"),
    raw("two documents", b"study: a\n---\nstudy: b\n"),
    raw("half a surrogate pair", study_text(systems='{EN: "a\\ud800b"}').encode()),
    raw("a key that is a number", study_text().encode() + b"1: x\n"),
    raw("everything missing", b"question: why\n"),
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
    case("an unknown key, misspelt", seed="[0]"),
    case("an unknown key inside a section", training="{steps: 10, learning-rat: 1}"),
    case("an underscore for a hyphen", training="{steps: 10, batch_size: 1}"),
    case("a name with capitals and spaces", study="My Study"),
    case("a name over 40 characters", study="a" * 41),
    case("a number where text is expected", study="12"),
    case("text where a number is expected", training='{steps: "10"}'),
    case("a fraction where a whole number is expected", training="{steps: 1.5}"),
    case("a number of 500 digits", training=f"{{steps: {'9' * 500}}}"),
    case("nothing after a key", training=""),
    case("a switch that is a word", untuned="maybe"),
    case("a learning rate that is not a number", training="{steps: 10, learning-rate: .nan}"),
    case("an infinite weight decay", training="{steps: 10, weight-decay: .inf}"),
    case("a negative batch size", training="{steps: 10, batch-size: -1}"),
    case("neither steps nor epochs", training="{batch-size: 8}"),
    case("both steps and epochs", training="{steps: 10, epochs: 3}"),
    case("a warm-up longer than the training", training="{steps: 10, warmup-steps: 11}"),
    case("a learning rate that ends above its height", training="{steps: 10, final-learning-rate: 1e-4}"),
    case("a constant learning rate with an end", training="{steps: 10, schedule: constant, final-learning-rate: 1e-6}"),
    case("groups of the loss without a size", training="{steps: 10, loss-normalization: micro-batches}"),
    case("a size of groups that there are not", training="{steps: 10, loss-micro-batch: 8}"),
    case(
        "a group larger than the step",
        training="{steps: 10, batch-size: 4, loss-normalization: micro-batches, loss-micro-batch: 8}",
    ),
    case("a preset's warm-up longer than the training", training="{steps: 10, preset: bactrian}"),
    case("an adapter in full fine-tuning", training="{steps: 10, lora-rank: 8, lora-modules: [q_proj]}"),
    case("an adapter without a rank", training="{steps: 10, method: lora, lora-rank: null}"),
    case("an adapter on no layer", training="{steps: 10, method: lora, lora-modules: []}"),
    case("an unknown method", training="{steps: 10, method: qlora}"),
    case("a model's recipe with an unknown key", models="{tiny: {built-in: {}, training: {lora-rnk: 8}}}"),
    case("a model's recipe that is empty", models="{tiny: {built-in: {}, training: {}}}"),
    case(
        "a model's recipe that does not go with the study's",
        models="{tiny: {built-in: {}, training: {batch-size: 2, lora-alpha: 8}}}",
        training="{steps: 10, batch-size: 4, loss-normalization: micro-batches, loss-micro-batch: 4}",
    ),
    case(
        "a model's recipe with both steps and epochs", models="{tiny: {built-in: {}, training: {steps: 1, epochs: 1}}}"
    ),
    case("a model's recipe with text for a number", models='{tiny: {built-in: {}, training: {lora-rank: "8"}}}'),
    case(
        "one base model under two names that are trained alike",
        models="{tiny: {built-in: {}}, again: {built-in: {}, training: {steps: 10, batch-size: 64}}}",
    ),
    case("a recipe of a baseline", baselines="{b: {built-in: {}, training: {steps: 10}}}"),
    case("an unknown preset", training="{steps: 10, preset: alpaca}"),
    case("an unknown schedule", training="{steps: 10, schedule: cosin}"),
    case("no seeds", seeds="[]"),
    case("a seed twice", seeds="[1, 2, 1]"),
    case("a negative seed", seeds="[-1]"),
    case("a size of zero", sizes="[0]"),
    case("a size that is a word", sizes="[all]"),
    case("a temperature above two", answers="{default-temperature: 2.5}"),
]
_MODELS = [
    case("no models", models="{}"),
    case("a model from two sources", models="{m: {built-in: {}, hub: a/b}}"),
    case("a model from nowhere", models="{m: {}}"),
    case("a model at a branch", models="{m: {hub: a/b, revision: main}}"),
    case("a model at a tag", models="{m: {hub: a/b, revision: v1.0}}"),
    case("a hub model without a revision", models="{m: {hub: a/b}}"),
    case("a commit that is still to be filled in", models=f"{{m: {{hub: a/b, revision: '{'0' * 40}'}}}}"),
    case("a commit of digits alone", models=f"{{m: {{hub: a/b, revision: {'12' * 20}}}}}"),
    case("a revision of a built-in model", models=f"{{m: {{built-in: {{}}, revision: {COMMIT}}}}}"),
    case("a day for the paper's template", models="{m: {built-in: {}, template-date: '2025-01-31'}}"),
    case(
        "a template's day that is none", models="{m: {built-in: {}, template: tokenizer, template-date: '2025-02-30'}}"
    ),
    case("a hub name that is an address", models=f"{{m: {{hub: 'https://a/b', revision: {COMMIT}}}}}"),
    case("a share of nothing", models="{m: {built-in: {shares: {EN: 0, DE: 1}}}}"),
    case("a share of a language without built-in text", models="{m: {built-in: {shares: {EN: 1, NO: 1}}}}"),
    case("heads that do not divide the width", models="{m: {built-in: {hidden-size: 100, heads: 8}}}"),
    case("heads that do not divide the default width", models="{m: {built-in: {heads: 3}}}"),
    case("a width that the default heads do not divide", models="{m: {built-in: {hidden-size: 100}}}"),
    case("one model under two names", models="{a: {built-in: {}}, b: {built-in: {}}}"),
    case("a model's folder that is not there", models="{m: {directory: nowhere}}"),
    case("a folder without a model", models="{m: {directory: .}}"),
    case("a model's folder on the web", models=f"{{m: {{prefix: 'https://host/m', sha256: {SHA256}}}}}"),
    case("a folder of a bucket that is not pinned", models="{m: {prefix: 's3://bucket/m'}}"),
    case("a folder of a bucket with a key", models=f"{{m: {{prefix: 's3://bucket/m?key=x', sha256: {SHA256}}}}}"),
    case("a digest of a hub model", models=f"{{m: {{hub: a/b, revision: {COMMIT}, sha256: {SHA256}}}}}"),
    case("an unknown conversion", models=f"{{m: {{hub: a/b, revision: {COMMIT}, convert: keras}}}}"),
    case("a conversion of the built-in model", models="{m: {built-in: {}, convert: pickle}}"),
    Case(room="Study files", name="a folder with pickled weights alone", provoke=pickled_model),
    case("a model's file at an address", models=f"{{m: {{files: [{file('https://host/b', ', bytes: 1')}]}}}}"),
    case("two models that cannot be told apart", models="{m.1: {built-in: {}}, m-1: {built-in: {seed: 1}}}"),
]
_DATA = [
    case("a data set at a branch", datasets=hub("config: '{language}', revision: main, languages: [EN, DE, FR]")),
    case("a data set without languages", datasets="{d: {format: bactrian-x, files: {}}}"),
    case("a hub data set without languages", datasets=hub(f"revision: {COMMIT}")),
    case("a data set without a format", datasets=f"{{d: {{files: {{EN: {file('x')}}}}}}}", mixes="[EN]"),
    case("every language from the same rows", datasets=hub(f"revision: {COMMIT}, languages: [EN, DE, FR]")),
    case(
        "an unknown placeholder",
        datasets=hub(f"config: '{{lang}}', revision: {COMMIT}, languages: [EN]"),
        mixes="[EN]",
    ),
    case(
        "a hub's key for local files",
        datasets=f"{{d: {{format: bactrian-x, split: train, files: {{EN: {file('x')}}}}}}}",
    ),
    case("a lower-case language", datasets=f"{{d: {{format: bactrian-x, files: {{en: {file('x')}}}}}}}"),
    case("a SHA-256 cut short", datasets=data("{path: x.jsonl, sha256: abc}"), mixes="[EN]"),
    case("a file without a SHA-256", datasets=data("{path: x.jsonl}"), mixes="[EN]"),
    case("a file that is not there", datasets=data(file("no.jsonl")), mixes="[EN]"),
    case("a file with other content", datasets=data(file("study.yaml")), mixes="[EN]", study="other-content"),
    case("a file name that no system takes", datasets=data(file("a" * 1999)), mixes="[EN]"),
    case(
        "one file for two languages",
        datasets=f"{{d: {{format: bactrian-x, files: {{EN: {file('a.jsonl')}, DE: {file('b.jsonl')}}}}}}}",
        mixes="[EN]",
    ),
    case("a file twice", datasets=data(f"[{file('a.jsonl')}, {file('b.jsonl')}]"), mixes="[EN]"),
    case(
        "validation on the file that is learnt",
        datasets=f"{{d: {{format: bactrian-x, files: {{EN: {file('a')}}}, validation: {{EN: {file('a')}}}}}}}",
        mixes="[EN]",
    ),
    case(
        "files for validation outside of the repository",
        datasets=hub(
            f"data-files: '{{language}}', validation-data-files: '../{{lang}}', revision: {COMMIT}, "
            "languages: [EN, DE, FR]"
        ),
    ),
    case("an ftp address", datasets=data(file("ftp://host/b", ", bytes: 1")), mixes="[EN]"),
    case("plain http", datasets=data(file("http://host/b", ", bytes: 1")), mixes="[EN]"),
    case("an address without a size", datasets=data(file("https://host/b.jsonl")), mixes="[EN]"),
    case("credentials in an address", datasets=data(file("https://me:secret@host/b", ", bytes: 1")), mixes="[EN]"),
    case(
        "a signed address",
        datasets=data(file("https://host/b?X-Amz-Signature=secret", ", bytes: 1")),
        mixes="[EN]",
    ),
    case("no mixes", mixes="[]"),
    case("a mix twice, spelt differently", mixes="[DEFR, frde]"),
    case("a mix with a bad weight", mixes="['EN:0.5,DE:.nan']"),
    case("a number for a mix", mixes="[12]"),
    case("a language that no data set has", mixes="[EN, NO]"),
    case(
        "a language without a system message",
        datasets=hub(f"config: '{{language}}', revision: {COMMIT}, languages: [EN, NO]"),
        mixes="[NO]",
    ),
    case("a system message that nobody gets", systems="{NO: Hei.}"),
    case("draws where nothing is drawn", draws="[0, 1]"),
]
_GRADING = [
    case("a judge without a model", judge="{endpoint: openai}"),
    case("a model for the built-in judge", judge="{endpoint: built-in, model: gpt-4}"),
    case("a form of reply that the built-in judge has not", judge="{endpoint: built-in, output: json-schema}"),
    case("an unknown form of a judge's reply", judge="{endpoint: openai, model: m, output: json}"),
    case("an unknown judge endpoint", judge="{endpoint: gpt-4}"),
    case("a benchmark without prompts", benchmark=mt_bench("")),
    case("a benchmark without questions", benchmark="{format: mt-bench}"),
    case(
        "references in a language without questions",
        benchmark=mt_bench(f", prompts: {{EN: {file('p')}}}, references: {{DE: {file('r')}}}"),
    ),
    case("files for a built-in benchmark", benchmark=f"{{built-in: verifiable, prompts: {{EN: {file('p')}}}}}"),
    case("a contrast with a mix that the study lacks", contrasts="[{name: c, treatment: ENES, control: EN}]"),
    case("a mix against itself", contrasts="[{name: c, treatment: [EN, DEFR], control: EN}]"),
    case("a contrast over no language", contrasts="[{name: c, treatment: EN, control: DEFR, on: 7}]"),
    case("a contrast with a mix twice", contrasts="[{name: c, treatment: [EN, en], control: DEFR}]"),
    case("a contrast over a language twice", contrasts="[{name: c, treatment: EN, control: DEFR, on: [EN, EN]}]"),
    case("contrasts that are a word", contrasts="all"),
    case(
        "a contrast with a data set that the study lacks",
        contrasts="[{name: c, treatment: {arm: EN, dataset: hosue}, control: EN}]",
    ),
    case(
        "a contrast with a model that the study lacks",
        contrasts="[{name: c, treatment: {arm: EN, model: big}, control: EN}]",
    ),
    case(
        "a contrast with the data set of what is not tuned",
        contrasts="[{name: c, treatment: EN, control: {arm: untuned, dataset: house}}]",
    ),
    case(
        "a contrast with a misspelt key of an arm",
        contrasts="[{name: c, treatment: {arm: EN, modle: tiny}, control: DEFR}]",
    ),
    case(
        "a contrast of one data set with itself",
        contrasts="[{name: c, treatment: {arm: EN, dataset: house}, control: EN}]",
    ),
    case("a primary contrast that none is called", contrasts="[{name: c, treatment: EN, control: DEFR}]", primary="d"),
    case("a primary contrast with a mix that the study lacks", primary="{treatment: ENES, control: EN}"),
    case("a primary contrast with one side", primary="{treatment: EN}"),
    case("a primary contrast that is a number", primary="5"),
    case("a margin for sizes where there is one size", findings="{size-margin: 0.5}"),
    case("a margin for mixes that do not differ in shares alone", findings="{mixture-margin: 0.3}"),
    case("a margin of nothing", findings="{size-margin: 0}"),
    case(
        "a curvature that the mixes do not tell",
        mixes="[EN, DE, FR, ENDEFR-sampled]",
        findings="{mixture-margin: 0.3, curvature: quadratic}",
    ),
    case("a temperature of no category", answers="{temperatures: {firts: 0.5}}"),
    case("references for no category", judge="{endpoint: built-in, reference-categories: [math]}"),
    case("a budget of nothing", budget="{usd: 0}"),
    case("a budget for calls without a price", budget="{usd: 5}", judge="{endpoint: openai, model: m}"),
]

CASES = [*_FORMS, *_FIELDS, *_MODELS, *_DATA, *_GRADING]
