"""Defects that are told before any stage: by the study file's rules, by its lock, or by a look at its endpoints."""

from pathlib import Path

from tests.kit.bad_studies import GOOD, BadStudy

QUESTIONS = "questions: {EN: q-EN.jsonl, DE: q-DE.jsonl}"
REFERENCES = "references: {EN: r-EN.jsonl, DE: r-DE.jsonl}"
PROMPTS = "prompts: {EN: p-EN.jsonl, DE: p-DE.jsonl}"
PRICED = "{endpoint: openai, model: j}"


def broken_first_line(folder: Path) -> None:
    path = folder / "p-DE.jsonl"
    path.write_text('{"name": "single-v1",\n' + path.read_text(encoding="utf-8"), encoding="utf-8")


def one_prompt_less(folder: Path) -> None:
    path = folder / "p-DE.jsonl"
    rows = [
        line for line in path.read_text(encoding="utf-8").splitlines(keepends=True) if "single-v1-multi" not in line
    ]
    path.write_text("".join(rows), encoding="utf-8")


def pickles_alone(folder: Path) -> None:
    (folder / "m" / "model.safetensors").rename(folder / "m" / "pytorch_model.bin")


def latin_1(folder: Path) -> None:
    path = folder / "p-DE.jsonl"
    path.write_bytes(path.read_text(encoding="utf-8").replace("Be kind.", "Sei gütig.").encode("latin-1"))


BEFORE = [
    BadStudy(name="judge prompts with a broken first line", change=broken_first_line),
    BadStudy(name="judge prompts that lack the second turn's", change=one_prompt_less),
    BadStudy(name="judge prompts in Latin-1", change=latin_1),
    BadStudy(
        name="no judge prompts for a language",
        keys={"benchmark": f"{{format: mt-bench, {QUESTIONS}, {REFERENCES}, prompts: {{EN: p-EN.jsonl}}}}"},
    ),
    BadStudy(
        name="a digest that is another file's",
        keys={"datasets": f"{{d: {{files: {{EN: {{path: EN.jsonl, sha256: {'1a' * 32}}}, DE: DE.jsonl}}}}}}"},
    ),
    BadStudy(
        name="a file that is not there",
        keys={"datasets": f"{{d: {{files: {{EN: {{path: EN.json, sha256: {'1a' * 32}}}, DE: DE.jsonl}}}}}}"},
    ),
    BadStudy(name="a folder with pickles alone", change=pickles_alone),
    BadStudy(name="a name that the catalogue lacks", keys={"datasets": "{d: {published: lima-y}}"}),
    BadStudy(name="a repository at a branch", keys={"models": "{m: {hub: owner/model, revision: main}}"}),
    BadStudy(name="a mix in a language without data", keys={"mixes": "[EN, ENFR]"}),
    BadStudy(name="a size beyond the data", keys={"mixes": "[EN@1000, ENDE]"}),
    BadStudy(
        name="a contrast over a mix that the study lacks",
        keys={"contrasts": "[{name: c, treatment: ENDE, control: DE}]"},
    ),
    BadStudy(name="steps and epochs", keys={"training": "{steps: 2, epochs: 1, batch-size: 4}"}),
    BadStudy(name="a warm-up beyond the steps", keys={"training": "{steps: 2, warmup-steps: 100}"}),
    BadStudy(name="an underscore for a hyphen", keys={"training": "{steps: 2, max_tokens: 128}"}),
    BadStudy(
        name="a language without a system message",
        keys={
            "datasets": "{d: {format: bactrian-x, files: {EN: EN.jsonl, PL: DE.jsonl}}}",
            "mixes": "[EN, ENPL]",
        },
    ),
    BadStudy(name="a judge without a model", keys={"judge": "{endpoint: openai}"}),
    BadStudy(name="a budget without prices", keys={"judge": PRICED, "budget": "{usd: 5}"}),
    BadStudy(
        name="an endpoint's address without a scheme",
        keys={"judge": PRICED},
        environment={"OPENAI_BASE_URL": "localhost:8000/v1"},
    ),
    BadStudy(
        name="a key file that is not there",
        keys={"judge": PRICED},
        environment={"OPENAI_API_KEY_FILE": "/nowhere/key"},
    ),
    BadStudy(name="no key for api.openai.com", keys={"judge": PRICED}, environment={"OPENAI_BASE_URL": ""}),
    BadStudy(
        name="references asked for, and none there",
        keys={
            "benchmark": f"{{format: mt-bench, {QUESTIONS}, {PROMPTS}}}",
            "judge": "{endpoint: built-in, reference-categories: [math]}",
        },
    ),
]
assert GOOD["benchmark"] == f"{{format: mt-bench, {QUESTIONS}, {REFERENCES}, {PROMPTS}}}"
