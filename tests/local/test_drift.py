"""Nights on this machine, by real stages and a judge that changes: what changed is named, with its night."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from polyglot.kinds.drift import Drift
from tests.kit.desk import Desk, Said
from tests.kit.judge_server import Call, ScriptedJudge, Step, reply
from tests.kit.watched_nights import drift_of, shake, watched_study


@dataclass
class Judge:
    """Scores by the text, with a little noise of the night's own, and what has become of it."""

    night: str = ""
    shift: int = 0

    def __call__(self, call: Call) -> Step:
        score = 5 + int(hashlib.sha256(call.user.encode()).hexdigest(), 16) % 5
        noise = int(hashlib.sha256(f"{self.night} {call.user}".encode()).hexdigest(), 16) % 12
        return reply(f"[[{max(1, min(10, score + (noise == 0) - (noise == 1) + self.shift))}]]")


class _Hook(BaseHTTPRequestHandler):
    told: list[Mapping[str, Any]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.told.append({**json.loads(body), "path": self.path})
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@dataclass
class Nights:
    desk: Desk
    judge: Judge
    server: ScriptedJudge
    profile: Path
    told: list[Mapping[str, Any]]
    said: dict[str, Said] = field(default_factory=dict)

    def evaluate(self, night: str) -> Drift:
        self.judge.night = night
        arguments = ("one", "--night", night, "--store", self.desk.url, "--profile", self.profile)
        self.said[night] = self.desk.run("reevaluate", *arguments)
        assert self.said[night].code == 0, self.said[night].err
        return drift_of(self.desk.store, night, self.desk.root / "cache")


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nights]:
    judge, told = Judge(), list[Mapping[str, Any]]()
    hook = ThreadingHTTPServer(("127.0.0.1", 0), type("Hook", (_Hook,), {"told": told}))
    Thread(target=hook.serve_forever, daemon=True).start()
    with pytest.MonkeyPatch.context() as patch, ScriptedJudge(judge) as server:
        desk = Desk.at(tmp_path_factory.mktemp("drift"), patch)
        patch.setenv("OPENAI_BASE_URL", server.base_url)
        (desk.root / "hook").write_text(f"http://127.0.0.1:{hook.server_port}/secret?token=abc\n")
        profile = desk.root / "here.yaml"
        profile.write_text(f"nights: {{webhook-file: {desk.root}/hook}}\n", encoding="utf-8")
        said = desk.run("submit", watched_study(desk.root), "--store", desk.url)
        assert said.code == 0, said.err
        yield Nights(desk, judge, server, profile, told)
    hook.shutdown()
    hook.server_close()


@pytest.mark.timeout(1500)
def test_each_change_is_named_with_its_night_and_quiet_nights_are_noise(nights: Nights) -> None:
    names = [f"2026-02-0{number}T01:00:00Z" for number in range(1, 7)]
    verdicts = {}
    for number, name in enumerate(names, 1):
        nights.judge.shift = -2 if number >= 3 else 0
        if number == 5:
            shake(nights.desk.store, names[3], nights.desk.root)
        verdicts[name] = nights.evaluate(name)
        if number == 2:  # the same night again is the same evaluation
            calls = len(nights.server.calls)
            assert nights.evaluate(name) == verdicts[name]
            assert len(nights.server.calls) == calls
    assert [one.verdict for one in verdicts.values()] == ["noise", "noise", "judge", "noise", "model", "noise"]
    assert [one.before for one in verdicts.values()] == ["", *names[:-1]]
    third, fourth, fifth, sixth = (verdicts[name] for name in names[2:])
    assert {finding.since for finding in third.findings} == {names[2]}
    assert third.languages[0].difference == pytest.approx(-2, abs=0.35)
    assert "nothing is compared across" in third.says
    assert (fourth.baseline, fourth.baseline_nights) == (names[2], 1)
    assert [cell.cell for cell in fifth.cells if cell.model_changed] == ["tiny/house/EN/s0"]
    assert "tiny/house/EN/s0 answers with other weights" in fifth.says
    assert not any(cell.differ for cell in sixth.cells)  # its baseline began with the night before
    assert [night.verdict for night in sixth.history] == [one.verdict for one in verdicts.values()]

    # who is told
    assert [(one["night"], one["verdict"]) for one in nights.told] == [(names[2], "judge"), (names[4], "model")]
    assert nights.told[0]["path"] == "/secret?token=abc"
    assert all("token" not in said.err + said.out for said in nights.said.values())
    page = (nights.desk.root / f"out/one-@{names[4].replace(':', '-')}/report.html").read_text(encoding="utf-8")
    assert f"The night {names[4]}: model</h2>" in page
    common = ("nights", "one", "--store", nights.desk.url, "--schedule", "0 1 1 1 *", "--since", "2026-01-31")
    said = nights.desk.run(*common, "--check")
    assert said.code == 1
    assert said.err.splitlines()[-1] == f"one: 2 nights found a change: {names[2]} judge, {names[4]} model"
    assert [line.split("\t")[3] for line in said.out.splitlines()[1:]] == [one.verdict for one in verdicts.values()]


@pytest.mark.timeout(600)
def test_a_webhook_that_is_away_fails_no_night_and_its_address_is_told_to_nobody(nights: Nights) -> None:
    (nights.desk.root / "hook").write_text("http://127.0.0.1:9/secret\n")
    nights.judge.shift = 2
    assert nights.evaluate("brighter").verdict == "judge"
    said = nights.said["brighter"]
    assert "the webhook was not told: ConnectionRefusedError" in said.err
    assert "secret" not in said.err + said.out
