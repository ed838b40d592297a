"""`polyglot check`: a study is looked at as a whole, nothing costly starts, and what was mended is looked at again."""

from pathlib import Path

import pytest

from polyglot.store.committed import committed
from tests.kit.bad_studies import BadStudy
from tests.kit.bad_studies.files import write_good
from tests.kit.desk import Desk
from tests.kit.judge_server import ScriptedJudge, Usage, reply, status

PRICED = "price-usd-per-mtok-prompt: 10, price-usd-per-mtok-completion: 30"
JUDGE = f"{{endpoint: openai, model: j-1, temperature: 0.5, max-tokens: 700, seed: 3, {PRICED}}}"
COSTLY = {"train", "answer", "judge"}


@pytest.mark.timeout(600)
def test_a_study_is_checked_before_anything_costly_and_again_when_it_was_mended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk.at(tmp_path, monkeypatch)
    write_good(tmp_path)
    study = BadStudy(name="good", keys={"judge": JUDGE, "budget": "{usd: 1}"}).write(tmp_path, 0)
    refused = [True]
    usage = Usage(prompt=40, completion=2)
    with ScriptedJudge(lambda call: status(401, "bad key") if refused[0] else reply("ready", usage=usage)) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        said = desk.run("check", study, "--store", desk.url)
        assert said.code == 1
        assert f"the endpoint at {server.base_url}: http-401: the key was refused: bad key. Correct the key" in said.err
        assert COSTLY.isdisjoint(desk.store.folders("stages/"))
        assert said.err.count("the key was refused") == 1  # what a check found is told once
        assert "mend that and submit again: it is looked at anew" in said.err
        assert "polyglot retry" not in said.err
        assert "it is looked at anew; it failed: " in desk.run("plan", study, "--store", desk.url).out

        refused[0] = False
        said = desk.run("check", study, "--store", desk.url)
        assert said.code == 0, said.err
        assert said.out.splitlines() == [
            "judge: j-1 answers (served by judge-1-2024)",
            "models.m: 256 positions; the longest sample has 124 tokens, the longest prompt 131",
            "DE: 4 questions; turns judged: 2 by single-math-v1, 2 by single-math-v1-multi-turn, 2 by single-v1, "
            "2 by single-v1-multi-turn",
            "EN: 4 questions; turns judged: 2 by single-math-v1, 2 by single-math-v1-multi-turn, 2 by single-v1, "
            "2 by single-v1-multi-turn",
        ]
        assert COSTLY.isdisjoint(desk.store.folders("stages/"))
        last = server.calls[-1].body
        assert [last[name] for name in ("model", "temperature", "max_tokens", "seed")] == ["j-1", 0.5, 700, 3]

        calls = len(server.calls)
        assert desk.run("check", study, "--store", desk.url).code == 0
        assert len(server.calls) == calls  # what was found right is not asked again
    probe = desk.session(study).plan.find("probe judge")
    manifest = committed(desk.store, "probe", probe.key)
    assert manifest is not None
    assert manifest.volatile["cost_usd"] == pytest.approx((40 * 10 + 2 * 30) / 1e6)


def test_a_study_of_data_that_asks_nobody_has_nothing_to_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk.at(tmp_path, monkeypatch)
    said = desk.run("check", desk.study("one"), "--data-only", "--store", desk.url)
    assert (said.code, said.out) == (0, "")
    assert "nothing of it is costly" in said.err
    assert not desk.store.folders("stages/")
