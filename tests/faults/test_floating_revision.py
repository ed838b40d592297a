"""Fault 3: a revision that can move is refused for models and data sets, by its line."""

from pathlib import Path

import pytest

from polyglot.core.errors import BadInput
from polyglot.study.load import load_study
from polyglot.study.lock import lock_study
from tests.kit.bad_inputs.studies import study_text

COMMIT = "1a" * 20
FLOATING = [
    "main",
    "HEAD",
    "v1.0",
    "refs/pr/1",
    "latest",
    COMMIT[:7],
    COMMIT[:39],
    COMMIT + "1",
    COMMIT.upper(),
    f"'{COMMIT} '",
    f'"{COMMIT}\\n"',
    f"'{'१' * 40}'",
    f"'{'0' * 40}'",
    "1" * 40,
    "''",
    "~",
]
SOURCES = {
    "models": "{{m: {{hub: a/b, revision: {}}}}}",
    "datasets": "{{d: {{format: dolly, hub: a/b, config: '{{language}}', languages: [EN, DE, FR], revision: {}}}}}",
}


def lock(folder: Path, key: str, revision: str) -> None:
    (folder / "study.yaml").write_text(study_text(**{key: SOURCES[key].format(revision)}), encoding="utf-8")
    lock_study(load_study(folder / "study.yaml"))


@pytest.mark.parametrize("key", SOURCES)
@pytest.mark.parametrize("revision", FLOATING)
def test_whatever_is_no_commit_is_refused(tmp_path: Path, key: str, revision: str) -> None:
    line = {"models": 2, "datasets": 3}[key]
    with pytest.raises(BadInput, match=rf"study.yaml:{line}: {key}\.[md]"):
        lock(tmp_path, key, revision)


@pytest.mark.parametrize("key", SOURCES)
def test_a_commit_is_taken(tmp_path: Path, key: str) -> None:
    lock(tmp_path, key, COMMIT)
