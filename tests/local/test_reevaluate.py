"""Nightly evaluations on this machine, by real stages and a judge that counts its calls."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from polyglot.attempts.attempts import Attempts
from polyglot.core.stage import PlannedStage
from polyglot.engine.submission import submission_of_night
from polyglot.store.committed import committed_many
from polyglot.store.manifest import Manifest
from polyglot.store.nights import find_night
from tests.kit.desk import Desk, Said
from tests.kit.judge_rows import prompt_file
from tests.kit.judge_server import ScriptedJudge, Usage, reply
from tests.kit.judge_small import always
from tests.kit.nights import ordered

QUESTIONS = [
    {"question_id": 81, "category": "writing", "turns": ["Say hello.", "Say it again."]},
    {"question_id": 82, "category": "roleplay", "turns": ["Be a tree.", "Be a stone."]},
]
CALLS = 2 * 2 * 2  # of the study: questions, turns, and models: the untuned one and the mix's
OF_NIGHT = 2 * CALLS  # both cells are anchors, too: their old answers are judged beside the new ones
USD = OF_NIGHT * 3000 * 1e-6  # by 3,000 tokens a call, a dollar a million
BUDGET_USD = 1.5 * USD  # enough for one night and not for two


@dataclass(frozen=True)
class Nightly:
    """A study that was run to its end, and its judge."""

    desk: Desk
    server: ScriptedJudge

    def reevaluate(self, *arguments: str) -> Said:
        return self.desk.run("reevaluate", *arguments, "--store", self.desk.url)

    def stages(self, night: str, kind: str) -> list[PlannedStage]:
        """The stages of a kind that a night is made of."""
        record = find_night(self.desk.store, "one", night)
        assert record is not None
        stages = submission_of_night(self.desk.store, record).stages
        return [planned for planned in stages if planned.stage.kind == kind]

    def manifests(self, night: str, kind: str) -> list[Manifest]:
        return list(committed_many(self.desk.store, [one.stage for one in self.stages(night, kind)]).values())

    def starts(self, night: str, kind: str) -> list[int]:
        """How often workers started on those stages."""
        return [Attempts(self.desk.store, planned.stage).starts(1) for planned in self.stages(night, kind)]


def small_study(desk: Desk, **changes: str) -> Path:
    """Two questions, one mix, an untrained base model, and a judge with a price."""
    (desk.root / "questions.jsonl").write_text("".join(json.dumps(question) + "\n" for question in QUESTIONS))
    sources = {
        "questions": desk.root / "questions.jsonl",
        "prompts": prompt_file(desk.root / "prompts.jsonl"),
    }
    named = ", ".join(
        f"{role}: {{EN: {{path: {file.name}, sha256: {hashlib.sha256(file.read_bytes()).hexdigest()}}}}}"
        for role, file in sources.items()
    )
    prices = "price-usd-per-mtok-prompt: 1, price-usd-per-mtok-completion: 1, max-tokens: 2000"
    return desk.study(
        "one",
        **{
            "models": "{tiny: {built-in: {steps: 20}}}",
            "mixes": "[EN]",
            "training": "{steps: 4, max-tokens: 64}",
            "benchmark": f"{{format: mt-bench, {named}}}",
            "answers": "{max-new-tokens: 8}",
            "judge": f"{{endpoint: openai, model: m, {prices}}}",
            "budget": f"{{usd: {BUDGET_USD}}}",
            **changes,
        },
    )


@pytest.fixture(scope="module")
def nightly(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nightly]:
    with (
        pytest.MonkeyPatch.context() as patch,
        always(reply("[[7]]", usage=Usage(prompt=1000, completion=2000))) as server,
    ):
        desk = Desk.at(tmp_path_factory.mktemp("nightly"), patch)
        patch.setenv("OPENAI_BASE_URL", server.base_url)
        said = desk.run("submit", small_study(desk), "--store", desk.url)
        assert said.code == 0, said.err
        assert 1 < len(server.calls) <= 1 + CALLS  # the first is the probe's; equal answers of both are judged once
        yield Nightly(desk, server)


@pytest.mark.timeout(900)
def test_a_night_answers_and_judges_anew_and_trains_nothing(nightly: Nightly) -> None:
    before = len(nightly.server.calls)
    said = nightly.reevaluate("one", "--night", "a")
    assert said.code == 0, said.err
    assert Path(said.out.splitlines()[0]) == Path("out/one-@a/report.html")
    page = (nightly.desk.root / "out/one-@a/report.html").read_text(encoding="utf-8")
    night = f"one --night a --store {nightly.desk.url}"
    assert f"<pre>polyglot reevaluate {night}\npolyglot report {night}</pre>" in page
    cost = f"{OF_NIGHT + 1} calls for {USD * (OF_NIGHT + 1) / OF_NIGHT:.2f} USD"  # the probe's is one
    assert f'<th scope="row">cost</th><td>{cost}</td>' in page
    assert len(nightly.server.calls) - before == OF_NIGHT
    assert nightly.starts("a", "answer") == [1, 1]
    assert nightly.starts("a", "train") == [1]  # that of the submission
    assert nightly.starts("a", "base") == [1]


def test_the_same_night_again_is_the_same_evaluation(nightly: Nightly) -> None:
    first = nightly.reevaluate("one", "--night", "a")
    before, record = len(nightly.server.calls), find_night(nightly.desk.store, "one", "a")
    again = nightly.reevaluate("one", "--night", "a")
    assert (again.code, again.out) == (0, first.out)
    assert len(nightly.server.calls) == before
    assert nightly.starts("a", "answer") == [1, 1]
    assert find_night(nightly.desk.store, "one", "a") == record


def test_another_night_evaluates_the_same_model_for_as_much_again(nightly: Nightly) -> None:
    """The budget is a night's, as its judge is asked anew: it would not do for two of them."""
    nightly.reevaluate("one", "--night", "a")
    before = len(nightly.server.calls)
    said = nightly.reevaluate("one", "--night", "2026-01-31T03:00:00+01:00")
    assert said.code == 0, said.err
    assert len(nightly.server.calls) - before == OF_NIGHT
    nights = ("a", "2026-01-31T02:00:00Z")
    answers = [nightly.manifests(night, "answer") for night in nights]
    assert [one.inputs for one in answers[0]] == [one.inputs for one in answers[1]]
    assert {one.stage.key for one in answers[0]}.isdisjoint(one.stage.key for one in answers[1])
    spent = [sum(one.volatile["cost_usd"] for one in nightly.manifests(night, "judge")) for night in nights]
    assert spent == [pytest.approx(USD), pytest.approx(USD)]
    assert sum(spent) > BUDGET_USD


def test_when_one_study_fails_the_others_are_evaluated(nightly: Nightly) -> None:
    said = nightly.reevaluate("never", "one", "--night", "a")
    assert said.code == 1
    assert said.err.splitlines()[-1].startswith("never: ")
    assert "out/one-@a/report.html" in said.out
    assert len(nightly.manifests("a", "report")) == 1


def test_a_night_that_began_goes_on_with_its_own_order(nightly: Nightly) -> None:
    """Whatever was submitted since: it is one evaluation."""
    nightly.reevaluate("one", "--night", "a")
    before = len(nightly.server.calls)
    ordered(nightly.desk, small_study(nightly.desk, training="{steps: 5, max-tokens: 64}"))
    again = nightly.reevaluate("one", "--night", "a")
    assert again.code == 0, again.err
    assert len(nightly.server.calls) == before
    newer = nightly.reevaluate("one", "--night", "b")
    assert (newer.code, newer.err.splitlines()[-1]) == (
        1,
        "one @b: a night trains nothing, and train tiny/house/EN/s0 is not committed; submit it first",
    )
