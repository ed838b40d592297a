"""The question at submit, and the figures of `plan --cost`."""

import json
from pathlib import Path

import pytest
import typer

from polyglot.cli import cost
from polyglot.cli.options import Output
from polyglot.core.errors import BadInput
from polyglot.study.profile import AskAbove
from tests.kit import estimates

H100 = estimates.cluster("gpu: {device: h100}, big: {}")


class Terminal:
    def isatty(self) -> bool:
        return True


@pytest.fixture
def session(tmp_path: Path) -> estimates.Session:
    return estimates.seven(tmp_path, H100)


def ask(session: estimates.Session, limit: AskAbove, *, yes: bool = False) -> None:
    cost.confirm(session.estimated, session.profile.prices, limit, yes=yes)


def test_below_the_limit_it_is_said_in_one_line(session: estimates.Session, capsys: pytest.CaptureFixture[str]) -> None:
    ask(session, AskAbove(usd=1e6, gpu_hours=1e6))
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("estimate: about ")
    assert "2,400 calls of" in line


def test_above_it_and_without_a_terminal_it_is_refused_with_the_remedy(session: estimates.Session) -> None:
    with pytest.raises(BadInput) as caught:
        ask(session, AskAbove(usd=1))
    assert caught.value.exit_code == 2
    assert "expected at most 1 USD. Say it with --yes, or raise `ask-above` in the profile" in str(caught.value)
    ask(session, AskAbove(usd=1), yes=True)


def test_a_person_is_asked_and_may_say_no(session: estimates.Session, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def say_no(text: str, **options: object) -> bool:
        asked.append(text)
        raise typer.Abort

    monkeypatch.setattr(cost.sys, "stdin", Terminal())
    monkeypatch.setattr(cost.sys.stderr, "isatty", lambda: True)
    monkeypatch.setattr(cost.typer, "confirm", say_no)
    with pytest.raises(typer.Abort):
        ask(session, AskAbove(gpu_hours=0.1))
    assert asked == ["Start it?"]
    ask(session, AskAbove(gpu_hours=1e6))
    assert len(asked) == 1


def test_the_table_as_json_has_every_stage_and_the_sum(
    session: estimates.Session, capsys: pytest.CaptureFixture[str]
) -> None:
    cost.print_cost(session.estimated, session.profile.prices, Output.JSON)
    document = json.loads(capsys.readouterr().out)
    assert [row["label"] for row in document["stages"]] == [planned.label for planned in session.plan]
    assert document["total"]["calls"] == 2400
    assert document["total"]["prices"] == {"gpu_hour_usd": 2.5, "as_of": "2026-11-01"}
    training = next(row for row in document["stages"] if row["label"] == "train mistral/bactrian/EN/s0")
    assert training["estimated"]["memory"]["optimiser"] == 8 * 7_248_023_552
    assert training["used"] is None
