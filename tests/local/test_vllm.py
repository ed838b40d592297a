"""Answers by vLLM for real, on a processor: run where `make vllm` has installed it, skipped by name elsewhere."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from polyglot.store.committed import committed
from polyglot.store.locate import open_store
from tests.kit.desk import Desk

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".polyglot" / "vllm" / "bin" / "python"
pytestmark = [
    pytest.mark.skipif(not PYTHON.exists(), reason="vllm is not installed here: `make vllm`"),
    pytest.mark.timeout(900),  # it takes half a minute to start, for each model
]
CELL = "tiny/house/ENDE/s0"
# what a user of vLLM writes: a folder, messages, greedy
ASK = """
import json, sys
from vllm import LLM, SamplingParams

if __name__ == "__main__":  # its own process imports this file again
    folder, asked, limit = sys.argv[1], json.load(open("asked.json")), int(sys.argv[2])
    llm = LLM(model=folder, dtype="float32", max_model_len=512, max_num_seqs=4)
    made = llm.chat(asked, SamplingParams(temperature=0, max_tokens=limit), use_tqdm=False)
    json.dump([one.outputs[0].text for one in made], open("said.json", "w"))
"""


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """One study run twice, each time into a store of its own: `vllm` and `transformers`."""
    with pytest.MonkeyPatch.context() as patch:
        made = Desk.at(tmp_path_factory.mktemp("engines"), patch)
        study = made.one_mix(
            models="{tiny: {built-in: {steps: 200}}}",
            training="{steps: 40, max-tokens: 256, precision: float32}",
            answers="{max-new-tokens: 12, dtype: float32, temperatures: {}}",
        )
        for engine in ("vllm", "transformers"):
            profile = {"store": f"{made.url}-{engine}", "settings": {"answer": {"engine": engine, "threads": 1}}}
            profile["environments"] = {"vllm": str(PYTHON.parents[1])}
            (made.root / f"{engine}.yaml").write_text(json.dumps(profile))
            said = made.run("submit", study, "--profile", f"{engine}.yaml", "--out", f"out-{engine}")
            assert said.code == 0, said.err
        yield made


def rows(desk: Desk, what: str, engine: str) -> dict[tuple[str, str], dict[str, Any]]:
    """(language, id) -> the row of `what` of the tuned cell, or of the questions."""
    name = [] if what == "questions" else [CELL]
    said = desk.run("fetch", "one", what, *name, "--profile", f"{engine}.yaml", "--to", desk.root / f"taken-{engine}")
    assert said.code == 0, said.err
    found = {}
    for path in Path(said.out.strip()).glob("*.jsonl"):
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            found[path.stem, row["id"]] = row
    return found


def test_a_study_is_answered_by_vllm_as_by_our_own_loop(desk: Desk) -> None:
    """Greedy, float32: the same answers, ended for the same reason, but where two tokens are nearly as likely."""
    theirs, ours = rows(desk, "answers", "vllm"), rows(desk, "answers", "transformers")
    assert theirs.keys() == ours.keys() == rows(desk, "questions", "vllm").keys()
    equal = [theirs[key]["turns"] == ours[key]["turns"] for key in ours]
    assert sum(equal) / len(equal) > 0.95
    said = desk.run("status", "one", "--profile", "vllm.yaml", "-o", "json")
    store = open_store(f"{desk.url}-vllm")
    made = [
        committed(store, "answer", row["key"]) for row in json.loads(said.out) if row["label"].startswith("answer ")
    ]
    assert len(made) == 2
    assert all(each is not None and each.metrics["execution"]["engine"].startswith("vllm 0.") for each in made)


def test_a_fetched_model_answers_in_plain_vllm_as_it_did_in_the_study(desk: Desk, tmp_path: Path) -> None:
    said = desk.run("fetch", "one", "model", CELL, "--profile", "vllm.yaml", "--to", tmp_path)
    assert said.code == 0, said.err
    folder = Path(said.out.strip())
    card = (folder / "README.md").read_text(encoding="utf-8")
    systems = dict(line[2:].split(": ", 1) for line in card.splitlines() if line.startswith(("- DE: ", "- EN: ")))
    answers, questions = rows(desk, "answers", "vllm"), rows(desk, "questions", "vllm")
    keys = [key for key in sorted(questions) if key[0] in systems][::4]
    asked = [
        [{"role": "system", "content": systems[key[0]]}, {"role": "user", "content": questions[key]["turns"][0]}]
        for key in keys
    ]
    (tmp_path / "asked.json").write_text(json.dumps(asked), encoding="utf-8")
    (tmp_path / "ask.py").write_text(ASK, encoding="utf-8")
    done = subprocess.run(
        [PYTHON, "ask.py", folder, "12"],
        cwd=tmp_path,
        env={**os.environ, "VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_NO_USAGE_STATS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    texts = [text.strip() for text in json.loads((tmp_path / "said.json").read_text(encoding="utf-8"))]
    assert texts == [answers[key]["turns"][0]["text"].strip() for key in keys]
    assert len(set(texts)) > 4  # a model that says one thing would prove nothing
