"""Looking at a study from any machine that sees its store: by its name, and by files that have changed since."""

import json
import shutil
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from polyglot.attempts.attempts import Attempts, Failure
from polyglot.cli.session import Session, open_session
from polyglot.cli.submit import keep_study, submission_of
from polyglot.store.submissions import save_submission
from tests.kit.desk import Desk
from tests.kit.nights import evaluated, ordered

ROWS = b'{"id": "1", "instruction": "Say a", "input": "", "output": "a"}\n'
LOOKS = [("status", "{}"), ("logs", "{}"), ("watch", "{}"), ("report", "{}"), ("why", "report", "--study", "{}")]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk.at(tmp_path, monkeypatch)


@pytest.fixture
def finished(desk: Desk) -> Path:
    """A study of a file of one's own, submitted and finished."""
    (desk.root / "rows.jsonl").write_bytes(ROWS)
    file = f"{{path: rows.jsonl, sha256: {sha256(ROWS).hexdigest()}}}"
    study = desk.study("one", datasets=f"{{d: {{format: bactrian-x, files: {{EN: {file}}}}}}}", mixes="[EN]")
    desk.commit(ordered(desk, study), "report")
    return study


def say(desk: Desk, verb: tuple[str, ...], study: str | Path) -> tuple[int, str, str]:
    said = desk.run(*(word.format(study) for word in verb), "--store", desk.url)
    return said.code, said.out, said.err


def narrowed(desk: Desk, study: Path, *, mix: str | None = None, data_only: bool = False) -> Session:
    """Leave a part of a study in the store as `submit` on this machine does."""
    session = open_session(study, mix=mix, profile="local", store=desk.url, data_only=data_only)
    submission = submission_of(session)
    folder, data = keep_study(session), submission.to_json()
    save_submission(desk.store, submission.study, folder, data, local=True, answers=submission.answers)
    return session


class TestFilesThatDiffer:
    @pytest.mark.parametrize("verb", LOOKS, ids=lambda verb: verb[0])
    def test_a_row_was_edited_after_the_end(self, desk: Desk, finished: Path, verb: tuple[str, ...]) -> None:
        before = say(desk, verb, finished)
        (desk.root / "rows.jsonl").write_bytes(ROWS.replace(b"Say a", b"Say b"))
        code, out, err = say(desk, verb, finished)
        assert (code, out) == (0, before[1])
        line = err.splitlines()[0]
        assert line.startswith("local files differ from what was submitted; this is the submission of 20")
        assert "datasets.d.files.EN.sha256: the file has other content" in line
        assert before[2] in err

    @pytest.mark.parametrize("verb", LOOKS, ids=lambda verb: verb[0])
    def test_a_file_is_missing(self, desk: Desk, finished: Path, verb: tuple[str, ...]) -> None:
        before = say(desk, verb, finished)
        (desk.root / "rows.jsonl").unlink()
        code, out, err = say(desk, verb, finished)
        assert (code, out) == (0, before[1])
        assert "no such file" in err.splitlines()[0]

    def test_what_would_run_is_not_asked_of_the_store(self, desk: Desk, finished: Path) -> None:
        (desk.root / "rows.jsonl").unlink()
        for verb in ("plan", "submit", "render"):
            said = desk.run(verb, finished, "--store", desk.url)
            assert (said.code, "no such file" in said.err) == (2, True)

    def test_a_model_s_folder_has_other_weights(self, desk: Desk) -> None:
        folder = desk.root / "model"
        folder.mkdir()
        (folder / "config.json").write_bytes(b"{}")
        (folder / "model.safetensors").write_bytes(b"before")
        study = desk.study("two", models="{m: {directory: model}}", mixes="[EN]")
        session = ordered(desk, study)
        desk.commit(session, "report")
        (folder / "model.safetensors").write_bytes(b"after")
        said = desk.run("report", study, "--store", desk.url)
        assert said.code == 0
        assert "models.m.files" in said.err
        rows = json.loads(desk.run("status", study, "-o", "json", "--store", desk.url).out)
        assert {row["state"] for row in rows if row["label"] != "check"} == {"committed"}
        assert [row["key"] for row in rows] == [planned.key for planned in session.plan]

    def test_files_that_were_submitted_changed_are_what_they_are(self, desk: Desk, finished: Path) -> None:
        edited = ROWS.replace(b"Say a", b"Say b")
        (desk.root / "rows.jsonl").write_bytes(edited)
        finished.write_text(
            finished.read_text().replace(sha256(ROWS).hexdigest(), sha256(edited).hexdigest()), encoding="utf-8"
        )
        said = desk.run("report", finished, "--store", desk.url)
        assert said.code == 1
        assert "was changed since it was submitted; by its name, one, that is shown" in said.err
        assert desk.run("report", "one", "--store", desk.url).code == 0
        ordered(desk, finished)
        said = desk.run("status", finished, "--store", desk.url)
        assert "changed since" not in said.err
        assert "waiting" in said.err

    def test_a_damaged_submission_is_not_needed_by_a_file_that_says_all(self, desk: Desk, finished: Path) -> None:
        for path in (desk.root / "store" / "studies" / "one").rglob("local-order-*"):
            path.chmod(0o644)
            path.write_bytes(b"{")
        assert desk.run("status", finished, "--store", desk.url).code == 0
        assert "not a submission" in desk.run("status", "one", "--store", desk.url).err

    def test_a_study_that_was_never_submitted_has_its_own_error(self, desk: Desk, finished: Path) -> None:
        finished.write_text(finished.read_text().replace("study: one", "study: other"), encoding="utf-8")
        (desk.root / "rows.jsonl").unlink()
        for verb in LOOKS:
            code, _, err = say(desk, verb, finished)
            assert (code, "no such file" in err) == (2, True)
        assert desk.run("status", desk.root / "gone.yaml", "--store", desk.url).code == 2


class TestByName:
    @pytest.mark.parametrize("verb", LOOKS, ids=lambda verb: verb[0])
    def test_no_file_is_needed(
        self, desk: Desk, finished: Path, monkeypatch: pytest.MonkeyPatch, verb: tuple[str, ...]
    ) -> None:
        before = say(desk, verb, finished)
        (desk.root / "away").mkdir()
        monkeypatch.chdir(desk.root / "away")
        finished.unlink()
        code, out, err = say(desk, verb, "one")
        assert (code, out, err) == (0, before[1], before[2])

    def test_a_failed_stage_is_tried_again(self, desk: Desk) -> None:
        session = ordered(desk, desk.study("one"))
        stage = session.plan.find("ingest house")
        Attempts(desk.store, stage.stage).fail(1, Failure(outcome="permanent", reason="no"))
        shutil.rmtree(desk.root / "out", ignore_errors=True)
        (desk.root / "one.yaml").unlink()
        said = desk.run("retry", "--all", "one", "--store", desk.url)
        assert (said.code, "ingest house: attempt 2 is allowed" in said.err) == (0, True)

    def test_of_several_stages_of_one_label_the_newest_is_meant(self, desk: Desk) -> None:
        study = desk.study("one")
        first = ordered(desk, study).plan.find("aggregate")
        second = ordered(desk, desk.study("two", training="{steps: 11}")).plan.find("aggregate")
        assert first.label == second.label
        said = desk.run("why", "aggregate", "--store", desk.url)
        assert said.code == 0, said.err
        assert f"  key {second.key}" in said.out
        assert "aggregate of two, submitted 20" in said.err
        assert said.err.strip().endswith(f"UTC; others of this label: {first.name}")
        assert f"  key {first.key}" in desk.run("why", first.name, "--store", desk.url).out

        Attempts(desk.store, second.stage).fail(1, Failure(outcome="permanent", reason="no"))
        said = desk.run("retry", "aggregate", "--store", desk.url)
        assert (said.code, "attempt 2 is allowed; it failed before because: no" in said.err) == (0, True)
        assert Attempts(desk.store, first.stage).numbers() == []
        assert desk.run("why", "benchmark", "--store", desk.url).code == 2  # two labels have it: nothing is guessed
        assert desk.run("retract", "aggregate", "--reason", "x", "--store", desk.url).code == 2

    def test_what_is_tried_again_is_rather_one_that_failed_than_the_newest(self, desk: Desk) -> None:
        first = ordered(desk, desk.study("one")).plan.find("aggregate")
        second = ordered(desk, desk.study("two", training="{steps: 11}"))
        desk.commit(second, "aggregate")
        Attempts(desk.store, first.stage).fail(1, Failure(outcome="permanent", reason="no"))
        said = desk.run("retry", "aggregate", "--store", desk.url)
        assert (said.code, "attempt 2 is allowed; it failed before because: no" in said.err) == (0, True), said.err
        newest = second.plan.find("aggregate")
        assert f"UTC; others of this label: {newest.name}" in said.err
        assert Attempts(desk.store, newest.stage).numbers() == []
        again = desk.run("retry", "aggregate", "--store", desk.url)  # none has failed any more: the newest, as ever
        assert (again.code, "nothing to retry" in again.err) == (2, True)

    def test_a_name_that_nobody_submitted(self, desk: Desk) -> None:
        ordered(desk, desk.study("one"))
        said = desk.run("status", "two", "--store", desk.url)
        assert said.code == 2
        assert "no such study file, and no study of that name was submitted; got 'two'" in said.err
        assert "one" in said.err

    def test_the_newest_submission_is_shown_and_the_whole_before_a_part(self, desk: Desk) -> None:
        study = desk.study("one")
        first = ordered(desk, study)
        ordered(desk, desk.study("one", training="{steps: 11}"))
        desk.study("one")
        ordered(desk, study)  # again: it is the newest now
        narrowed(desk, study, mix="EN")
        assert self.keys(desk, "one") == {planned.key for planned in first.plan}

    def test_a_part_is_found_by_its_option(self, desk: Desk) -> None:
        study = desk.study("one")
        part, data = narrowed(desk, study, mix="EN"), narrowed(desk, study, data_only=True)
        study.unlink()
        assert self.keys(desk, "one", "--mix", "EN") == {planned.key for planned in part.plan}
        assert self.keys(desk, "one", "--data-only") == {planned.key for planned in data.plan}
        said = desk.run("status", "one", "--mix", "DE", "--store", desk.url)
        assert said.code == 2
        assert "never submitted so; got one-DE; expected one-data, one-EN" in said.err

    def test_a_sheet_is_of_what_was_submitted(self, desk: Desk) -> None:
        ordered(desk, desk.study("one"))
        (desk.root / "one.yaml").unlink()
        said = desk.run("sheet", "export", "one", "--store", desk.url)
        assert (said.code, "one: the study assesses no translation" in said.err) == (2, True)

    def test_a_night_s_report(self, desk: Desk) -> None:
        study = desk.study("one")
        evaluated(desk, ordered(desk, study), "n1")
        study.unlink()
        said = desk.run("report", "one", "--night", "n1", "--store", desk.url)
        assert (said.code, said.out.strip().endswith("made.json")) == (0, True)

    def test_a_cluster_s_submission_is_seen_without_its_profile(self, desk: Desk) -> None:
        study = desk.study("one")
        session = desk.session(study)
        submission = replace(submission_of(session), backend="kubernetes")
        save_submission(desk.store, "one", keep_study(session), submission.to_json())
        study.unlink()
        assert self.keys(desk, "one") == {planned.key for planned in session.plan}

    def keys(self, desk: Desk, *arguments: str) -> set[str]:
        said = desk.run("status", *arguments, "-o", "json", "--store", desk.url)
        return {row["key"] for row in json.loads(said.out)}
