"""The probe against a loopback endpoint: in the form of structured output it finds out who has none."""

import json
from pathlib import Path
from typing import Any

import pytest

from jobs.probe import job as probe
from polyglot.core.errors import Faults
from polyglot.kinds.judge import JudgeParams
from polyglot.kinds.probe import ProbeParams
from polyglot.kinds.registry import kind_of
from tests.kit import judge_server as js
from tests.kit.judge_small import QUICK
from tests.kit.judge_stage import FolderContext, context

OBJECT = json.dumps({"explanation": "ready", "rating": 5})


def build(root: Path, url: str, **params: Any) -> FolderContext:
    """The probe of a judge."""
    given = {"endpoint": "openai", "model": "j-1", "languages": ("EN",), "prompts_sha256": {"EN": "0" * 64}} | params
    forms = kind_of("judge").forms(JudgeParams(**given).document())
    document = ProbeParams(asker="judge", forms=forms).document()
    root.mkdir(exist_ok=True)
    (root / "stage.json").write_text(
        json.dumps({"kind": "probe", "params": document, "settings": QUICK | {"base_url": url}})
    )
    return context(root)


def test_a_judge_of_json_is_probed_in_that_form(tmp_path: Path) -> None:
    with js.ScriptedJudge(lambda call: js.reply(OBJECT)) as server:
        probe.run(build(tmp_path / "a", server.base_url, output="json-schema"))
        probe.run(build(tmp_path / "b", server.base_url))
    asked, text = (call.body for call in server.calls)
    assert asked["response_format"]["json_schema"]["schema"]["required"] == ["explanation", "rating"]
    assert "response_format" not in text


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (
            js.status(400, "Invalid parameter: 'response_format' of type 'json_schema' is not supported"),
            "it refuses `response_format`: .*Ask a model that has structured output, or write `output: text`",
        ),
        (js.reply("ready"), "answered 'ready': it has no structured output. Write `output: text` in the study file"),
    ],
)
def test_an_endpoint_without_structured_output_is_refused_in_one_line(tmp_path: Path, step: js.Step, said: str) -> None:
    with js.ScriptedJudge(lambda call: step) as server, pytest.raises(Faults, match=said) as found:
        probe.run(build(tmp_path, server.base_url, output="json-schema"))
    assert "\n" not in str(found.value)


def test_a_reply_that_was_cut_proves_nothing_and_is_taken(tmp_path: Path) -> None:
    with js.ScriptedJudge(lambda call: js.reply('{"explanation": "rea', finish="length")) as server:
        probe.run(build(tmp_path, server.base_url, output="json-schema", max_tokens=4))
    assert (tmp_path / "out" / "probe.json").exists()
