"""Which night is before: the last of what is answered and judged alike, however it was submitted."""

from dataclasses import replace
from pathlib import Path

import pytest

from polyglot.core.canonical import sha256_bytes
from polyglot.engine.drift_reference import watch_of
from polyglot.engine.submission import submission_at
from polyglot.store.submissions import newest_submission, save_submission
from tests.kit.desk import Desk
from tests.kit.nights import begun, found, ordered


def test_a_study_that_is_submitted_again_goes_on_and_another_begins_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk.at(tmp_path, monkeypatch)
    session = ordered(desk, desk.study("one"))
    first = newest_submission(desk.store, "one", local=True)
    found(desk, begun(desk, session, "a", watched=True), "judge", "scores moved", state=b"after a")

    submission = submission_at(desk.store, first)
    upgraded = replace(submission, max_attempts=submission.max_attempts + 1).to_json()
    path = save_submission(desk.store, "one", "d" * 12, upgraded, local=True)
    assert path != first
    watch = watch_of(desk.store, "one", path)
    assert watch is not None
    assert (watch.before, watch.state) == ("a", sha256_bytes(b"after a"))
    ordered(desk, desk.study("one", answers="{max-new-tokens: 7}"))
    assert watch_of(desk.store, "one", newest_submission(desk.store, "one", local=True)) is None
