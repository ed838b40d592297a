"""A study from its file to its report with what is not tuned: the base model, a chat model of a folder, an endpoint."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from polyglot.attempts.attempts import Attempts
from polyglot.core import records
from polyglot.kinds.cells import ArmKey
from polyglot.kinds.report import Report
from polyglot.store.committed import committed
from tests.kit.desk import Desk, Said
from tests.kit.judge_server import Call, ScriptedJudge, Step, Usage, reply
from tests.kit.published_models import qwen_2

LANGUAGES = ("EN", "DE", "FR", "IT", "ES")
QUESTIONS = 80  # a language, of two turns
CHAT = "chat-large-1"
CONTRASTS = """[
  {name: mix - untuned, treatment: EN, control: untuned},
  {name: mix - small chat model, treatment: EN, control: baseline:small},
  {name: mix - endpoint, treatment: EN, control: baseline:large},
  {name: endpoint - both others, treatment: baseline:large, control: [baseline:small, untuned]},
]"""


def _answered(call: Call) -> Step:
    return reply(f"It is {call.body['messages'][-1]['content'][:12]}.", usage=Usage(prompt=1000, completion=2000))


@dataclass(frozen=True)
class Ran:
    """The study after its first run, and the endpoint that one of its baselines is behind."""

    desk: Desk
    server: ScriptedJudge
    file: Path
    report: Report
    page: str

    def submit(self, *more: str) -> Said:
        return self.desk.run("submit", self.file, "--store", self.desk.url, *more)

    def manifest(self, label: str) -> Any:
        planned = self.desk.session(self.file).plan.find(label)
        return committed(self.desk.store, planned.stage.kind, planned.key)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    with pytest.MonkeyPatch.context() as patch, ScriptedJudge(_answered) as server:
        desk = Desk.at(tmp_path_factory.mktemp("baselines"), patch)
        patch.setenv("OPENAI_BASE_URL", server.base_url)
        (desk.root / "small").mkdir()
        qwen_2(desk.root / "small")
        prices = "price-usd-per-mtok-prompt: 1, price-usd-per-mtok-completion: 1"
        file = desk.study(
            "beside",
            models="{tiny: {built-in: {steps: 20}}}",
            mixes="[EN]",
            training="{steps: 4, max-tokens: 64}",
            benchmark="{built-in: verifiable}",
            answers="{max-new-tokens: 4, temperatures: {}, dtype: float32}",
            baselines=f"{{small: {{directory: small}}, large: {{endpoint: openai, model: {CHAT}, {prices}}}}}",
            contrasts=CONTRASTS,
            budget="{usd: 10}",
        )
        said = desk.run("submit", file, "--store", desk.url)
        assert said.code == 0, said.err
        out = desk.root / "out" / "beside"
        report = records.read(out / "report.json", Report)
        yield Ran(desk, server, file, report, (out / "report.html").read_text(encoding="utf-8"))


@pytest.mark.timeout(900)
def test_all_stand_beside_the_mix_in_every_language(ran: Ran) -> None:
    found = {(row.arm_key, row.language) for row in ran.report.arms}
    arms = {
        ArmKey("tiny", None, "untuned"),
        ArmKey("tiny", "house", "EN"),
        ArmKey("small", None, "baseline:small"),
        ArmKey("large", None, "baseline:large"),
    }
    assert {key for key, _ in found} == arms
    assert {(key, language) for key in arms for language in (*LANGUAGES, "all")} <= found
    assert all(row.verdicts == 2 * QUESTIONS for row in ran.report.cells if row.is_whole)
    for text in ("baseline:small", "baseline:large", "untuned", "is one model each", "are one model each"):
        assert (text in ran.page) == (text != "is one model each")


def test_the_contrasts_are_those_that_the_study_names(ran: Ran) -> None:
    means = {row.arm_key: row.mean for row in ran.report.arms if row.language == "all"}
    untuned, small, large = ArmKey.untuned("tiny"), ArmKey.baseline("small"), ArmKey.baseline("large")
    mix = ArmKey("tiny", "house", "EN")
    sides = {row.name: (row.treatment, row.control) for row in ran.report.contrasts}
    assert sides == {
        "mix - untuned": ((mix,), (untuned,)),
        "mix - small chat model": ((mix,), (small,)),
        "mix - endpoint": ((mix,), (large,)),
        "endpoint - both others": ((large,), (small, untuned)),
    }
    for row in ran.report.contrasts:
        ours, theirs = (sum(means[key] or 0.0 for key in side) / len(side) for side in sides[row.name])
        assert row.difference == pytest.approx(ours - theirs, abs=2e-4)
        assert row.low is not None
        assert row.high is not None
        assert row.low <= row.difference <= row.high
    assert [row.seeds for row in ran.report.contrasts] == [1, 1, 1, 0]
    csv = (ran.desk.root / "out/beside/contrasts.csv").read_text(encoding="utf-8").splitlines()
    assert csv[3].startswith("mix - endpoint,custom,tiny,house,EN,baseline:large,EN DE FR IT ES,")


def test_the_endpoint_was_asked_two_turns_of_every_question_once(ran: Ran) -> None:
    probe, *calls = ran.server.calls
    assert probe.body["messages"][-1]["content"] == "Answer with the one word: ready"
    bodies = [call.body for call in calls]
    assert {body["model"] for body in bodies} == {CHAT}
    assert {body["max_tokens"] for body in bodies} == {4}
    assert len({call.id for call in calls}) == len(bodies)
    first = [body for body in bodies if sum(message["role"] == "user" for message in body["messages"]) == 1]
    assert len(bodies) == 2 * len(first)
    assert {body["messages"][0]["role"] for body in bodies} == {"system"}
    volatile = ran.manifest("ask baseline:large").volatile
    assert volatile["cost_usd"] == pytest.approx(len(bodies) * 3000e-6)


def test_the_chat_model_was_asked_in_its_own_template(ran: Ran) -> None:
    manifest = ran.manifest("answer baseline:small")
    assert manifest.stage.params["template"] == "tokenizer"
    assert manifest.stage.inputs["model"] == ran.manifest("base small").stage.key


def test_what_made_them_stands_in_the_provenance_and_the_method(ran: Ran) -> None:
    steps = {entry.cell: [step.kind for step in entry.steps] for entry in ran.report.provenance}
    assert steps["baseline:small"] == ["judge", "answer", "base", "ingest", "ingest"]
    assert steps["baseline:large"] == ["judge", "ask", "ingest", "ingest"]
    facts = ran.report.facts
    assert facts["baseline small"] == "files, its own template"
    assert facts["baseline large"] == f"{CHAT} by endpoint"
    assert CHAT in ran.page


def test_another_run_asks_nothing(ran: Ran) -> None:
    before = len(ran.server.calls)
    assert ran.submit("--mix", "EN").code == 0
    assert len(ran.server.calls) == before


@pytest.mark.timeout(900)
def test_a_night_asks_the_endpoint_anew_and_reads_the_same_models(ran: Ran) -> None:
    before = len(ran.server.calls)
    said = ran.desk.run("reevaluate", "beside", "--night", "a", "--store", ran.desk.url)
    assert said.code == 0, said.err
    assert len(ran.server.calls) == 2 * before - 1  # but for the probe
    (path,) = [line for line in said.out.splitlines() if line.endswith("/report.json")]
    report = json.loads((ran.desk.root / path).read_text(encoding="utf-8"))
    assert [row["name"] for row in report["contrasts"]] == [row.name for row in ran.report.contrasts]
    base = ran.desk.session(ran.file).plan.find("base small")
    assert Attempts(ran.desk.store, base.stage).starts(1) == 1
