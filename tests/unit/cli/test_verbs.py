"""The verbs of the command line, on a store that is filled by hand: what they say, refuse and end with."""

import importlib
import inspect
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest
import typer

from polyglot.attempts.attempts import Attempts, Failure
from polyglot.cli.app import VERBS
from polyglot.cli.endpoints import check_endpoints
from polyglot.cli.session import Session
from polyglot.core.errors import BadInput
from polyglot.schedulers.local.lock import KeyLocks, locks_directory
from polyglot.store.committed import committed
from polyglot.store.locate import open_store
from polyglot.study.profile import load_profile
from tests.kit.desk import Desk

ROOT = Path(__file__).parents[3]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk.at(tmp_path, monkeypatch)


def look(session: Session, environ: dict[str, str]) -> None:
    """Look at the endpoints of a session as `submit` does."""
    check_endpoints(session.plan.stages, session.store, session.site, environ)


class TestNamingAStage:
    """Two studies of one store that train under one label."""

    def test_a_label_of_two_studies_withdraws_nothing_until_the_study_is_named(self, desk: Desk) -> None:
        one, two = desk.study("one"), desk.study("two", training="{steps: 11}")
        for study in (one, two):
            desk.commit(desk.submitted(study), "train tiny/house/EN/s0")
        label = "train tiny/house/EN/s0"
        refused = desk.run("retract", label, "--reason", "bad", "--store", desk.url)
        assert refused.code == 2
        assert "2 stages fit" in refused.err
        first, second = (desk.session(study).plan.find(label) for study in (one, two))
        assert first.key[:8] in refused.err
        assert second.key[:8] in refused.err
        done = desk.run("retract", label, "--study", two, "--reason", "bad", "--store", desk.url)
        assert done.code == 0
        assert second.name in done.err
        assert committed(desk.store, "train", first.key)
        assert not committed(desk.store, "train", second.key)

    def test_status_shows_the_name_that_the_other_verbs_take(self, desk: Desk) -> None:
        study = desk.study("one")
        desk.submitted(study)
        rows = [line.split("\t") for line in desk.run("status", study, "--store", desk.url).out.splitlines()]
        assert rows[0] == ["stage", "name", "state", "detail"]
        for label, name, *_ in rows[1:]:
            assert desk.run("why", name, "--store", desk.url).out.startswith(label)

    def test_a_remedy_names_the_stage_so_that_it_can_be_pasted(self, desk: Desk) -> None:
        one, two = desk.study("one"), desk.study("two", training="{steps: 11}")
        session = desk.submitted(one)
        desk.submitted(two)
        stage = session.plan.find("train tiny/house/EN/s0")
        Attempts(desk.store, stage.stage).fail(1, Failure(outcome="permanent", reason="no"))
        for verb in (("plan", one), ("why", stage.name)):
            assert f"`polyglot retry {stage.name}`" in desk.run(*verb, "--store", desk.url).out
        done = desk.run("retry", stage.name, "--store", desk.url)
        assert (done.code, "attempt 2 is allowed" in done.err) == (0, True)

    def test_a_mix_narrows_a_study_that_is_named(self, desk: Desk) -> None:
        study = desk.study("one")
        desk.submitted(study)
        assert desk.run("why", "report", "--mix", "EN", "--study", study, "--store", desk.url).code == 0
        refused = desk.run("why", "report", "--mix", "EN", "--store", desk.url)
        assert refused.code == 2
        assert "--study STUDY" in refused.err


class TestWhatRuns:
    """Locks are the user's on this machine, whatever directory a command is given in."""

    def test_a_stage_that_another_directory_runs_is_running_and_one_that_nobody_runs_is_not(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("POLYGLOT_STATE")
        monkeypatch.setenv("XDG_STATE_HOME", str(desk.root / "home"))
        study = desk.study("one")
        stage = desk.submitted(study).plan.find("ingest house")
        (desk.root / "link").symlink_to(desk.root / "store")
        Attempts(desk.store, stage.stage).record_start(1, {"host": "here"})
        lock = KeyLocks(locks_directory(), open_store(str(desk.root / "link")).url).acquire(stage.key)
        assert lock is not None
        (desk.root / "elsewhere").mkdir()
        monkeypatch.chdir(desk.root / "elsewhere")
        assert self.states(desk, study, stage.name) == ("running", "is running")
        os.close(lock)
        assert self.states(desk, study, stage.name) == ("interrupted", "does not run now")
        shutil.rmtree(desk.root / "home")  # as on a machine that never worked on it: signs of life count
        assert self.states(desk, study, stage.name) == ("running", "is running")

    def states(self, desk: Desk, study: Path, name: str) -> tuple[str, str]:
        rows = json.loads(desk.run("status", study, "-o", "json", "--store", desk.url).out)
        said = desk.run("why", name, "--store", desk.url).out.splitlines()[0]
        state = next(row["state"] for row in rows if row["name"] == name)
        return state, next(words for words in ("is running", "does not run now") if words in said)

    def test_a_withdrawal_is_the_cause_that_plan_gives(self, desk: Desk) -> None:
        study = desk.study("one")
        session = desk.submitted(study)
        stage = desk.commit(session, "ingest house")
        Attempts(desk.store, stage.stage).record_start(1, {"host": "here"})
        desk.run("retract", stage.name, "--reason", "wrong rows", "--store", desk.url)
        assert "wrong rows" in desk.run("plan", study, "--store", desk.url).out.splitlines()[1]


def translated(engine: str) -> str:
    """The built-in data set, and one that an engine makes of it."""
    made = f"{{translate: {{of: house, from: EN, to: [DE, FR], engine: {engine}}}}}"
    return f"{{house: {{built-in: instructions}}, made: {made}}}"


class TestBeforeAnythingStarts:
    """What would only show after the training is looked at first."""

    JUDGE = "{endpoint: openai, model: m}"

    @pytest.mark.parametrize(
        ("variable", "value", "line"),
        [
            ("OPENAI_BASE_URL", "banana", "OPENAI_BASE_URL: the endpoint's URL: got no scheme"),
            ("OPENAI_BASE_URL", "ftp://x/", "OPENAI_BASE_URL: the endpoint's URL: got scheme 'ftp'"),
            ("OPENAI_BASE_URL", "https://me:hidden@x/v1", "carries a user name or password"),
            ("OPENAI_API_KEY_FILE", "nowhere", "key file nowhere: No such file"),
            ("OPENAI_API_KEY", "", "no key for api.openai.com"),
        ],
    )
    def test_a_judge_that_cannot_be_asked(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, line: str
    ) -> None:
        monkeypatch.setenv(variable, value)
        said = desk.run("submit", desk.study("one", judge=self.JUDGE), "--store", desk.url)
        assert said.code == 2
        assert line in said.err
        assert "hidden" not in said.err
        assert not (desk.root / "store").exists()

    def test_a_judge_that_has_answered_needs_no_key(self, desk: Desk) -> None:
        session = desk.submitted(desk.study("one", judge=self.JUDGE))
        with pytest.raises(BadInput, match=r"^judge tiny/untuned: no key for api.openai.com"):
            look(session, {})
        desk.commit(session, "aggregate")
        look(session, {})

    ASKING: ClassVar = {
        "judge": {"judge": JUDGE},
        "reference": {
            "benchmark": "{built-in: verifiable, native-references: {endpoint: openai, model: m}}",
            "judge": "{endpoint: built-in, references: both}",
        },
        "translate openai": {"datasets": translated("openai, model: m")},
        "translate deepl": {"datasets": translated("deepl")},
        "quality": {"quality": "[{name: q, data: house, from: EN, to: ES, adequacy: {model: m}}]"},
        "translate back": {"quality": "[{name: q, data: house, from: EN, to: ES, back: {engine: deepl}}]"},
    }

    @pytest.mark.parametrize("asking", ASKING)
    def test_every_endpoint_that_will_be_asked_is_looked_at(self, desk: Desk, asking: str) -> None:
        session = desk.session(desk.study("one", **self.ASKING[asking]))
        deepl = "deepl" in asking or "back" in asking
        name, key = ("DeepL", "DEEPL_AUTH_KEY") if deepl else ("api.openai.com", "OPENAI_API_KEY")
        with pytest.raises(BadInput, match=rf"^{asking.split()[0]} [^:]*: no key for {name}. Set {key}_FILE"):
            look(session, {})
        look(session, {key: "k"})
        url = "DEEPL_SERVER_URL" if deepl else "OPENAI_BASE_URL"
        with pytest.raises(BadInput, match=rf"^{asking.split()[0]} [^:]*: {url}: the endpoint's URL: got no scheme"):
            look(session, {key: "k", url: "banana"})

    @pytest.mark.parametrize("asking", ASKING)
    def test_a_cluster_s_stages_have_its_variables_and_keys_from_secrets(self, desk: Desk, asking: str) -> None:
        session = desk.session(desk.study("one", **self.ASKING[asking]))
        deepl = "deepl" in asking or "back" in asking
        section, url = ("deepl-secret", "DEEPL_SERVER_URL") if deepl else ("judge-secret", "OPENAI_BASE_URL")

        def check(lines: str) -> None:
            profile = desk.root / "cluster.yaml"
            images = ", ".join(f"{name}: 'r/x@sha256:{'1a' * 32}'" for name in ("controller", "worker", "trainer"))
            text = f"store: s3://b\nbackend: kubernetes\nkubernetes:\n  images: {{{images}}}\n  {lines}\n"
            profile.write_text(text, encoding="utf-8")
            here = {"OPENAI_API_KEY": "k", "DEEPL_AUTH_KEY": "k", "OPENAI_BASE_URL": "banana"}  # of no use to a pod
            look(replace(session, profile=load_profile(str(profile))), here)

        with pytest.raises(BadInput, match=rf"no key for .*\. Name a Secret that has it under kubernetes\.{section}"):
            check("environment: {}")
        check(f"{section}: keys")
        with pytest.raises(BadInput, match=rf"{url}: the endpoint's URL: got no scheme"):
            check(f"{section}: keys\n  environment: {{{url}: banana}}")


class TestRetry:
    def test_every_stage_of_a_study_that_failed_for_good_is_allowed_again(self, desk: Desk) -> None:
        study = desk.study("one")
        session = desk.submitted(study)
        failed = [session.plan.find(f"train tiny/house/{mix}/s0") for mix in ("EN", "DEFR")]
        for stage in failed:
            Attempts(desk.store, stage.stage).fail(1, Failure(outcome="permanent", reason="no"))
        said = desk.run("retry", "--all", study, "--store", desk.url)
        assert (said.code, said.err.count("attempt 2 is allowed")) == (0, 2)
        assert not any(Attempts(desk.store, stage.stage).blocked() for stage in failed)
        assert desk.run("retry", "--all", study, "--store", desk.url).code == 2
        assert desk.run("retry", "--store", desk.url).code == 2


class TestWhereThingsAreWritten:
    def test_a_report_that_could_not_be_written_is_told_before_anything_runs(self, desk: Desk) -> None:
        study = desk.study("one")
        (desk.root / "notes").write_text("")
        for verb in ("submit", "report"):
            for out in ("notes", "notes/deep"):
                said = desk.run(verb, study, "--out", out, "--store", desk.url)
                assert said.code == 2
                assert "--out: the report needs a folder" in said.err
        assert not (desk.root / "store").exists()

    def test_a_store_that_cannot_be_created_is_bad_input(self, desk: Desk) -> None:
        said = desk.run("submit", desk.study("one"), "--store", "/proc/polyglot")
        assert said.code == 2
        assert "cannot be created: No such file or directory" in said.err


class TestWatch:
    def test_failed_stages_are_counted_and_end_it_with_exit_1(self, desk: Desk) -> None:
        study = desk.study("one")
        session = desk.submitted(study)
        for planned in session.plan:
            if not planned.stage.inputs:
                Attempts(desk.store, planned.stage).fail(1, Failure(outcome="permanent", reason="no"))
        said = desk.run("watch", study, "--store", desk.url)
        assert said.code == 1
        assert "ingest house: FAILED: no" in said.err
        assert "tokenize tiny/house/EN: blocked, it needs ingest house" in said.err
        assert said.err.splitlines()[-1].startswith("one: 4 failed, ")

    def test_each_thing_that_a_check_found_has_a_line(self, desk: Desk) -> None:
        study = desk.study("one")
        check = desk.submitted(study).plan.find("check")
        findings = ("models.tiny: one thing", "mixes: another")
        Attempts(desk.store, check.stage).fail(1, Failure(outcome="permanent", reason="2 problems", findings=findings))
        for planned in desk.session(study).plan:
            if not planned.needs:
                desk.commit(desk.session(study), planned.label)
        desk.commit(desk.session(study), "mix tiny/house/EN")
        desk.commit(desk.session(study), "mix tiny/house/DEFR")
        said = desk.run("watch", study, "--store", desk.url)
        assert said.code == 1
        assert said.err.splitlines()[-2:] == ["  check: models.tiny: one thing", "  check: mixes: another"]

    def test_a_finished_study_ends_it_well(self, desk: Desk) -> None:
        study = desk.study("one")
        desk.commit(desk.submitted(study), "report")
        said = desk.run("watch", study, "--store", desk.url)
        assert said.code == 0
        assert said.err.splitlines()[-1].endswith(" committed, 1 not needed")  # the check: nothing costly is left


class TestForm:
    def test_a_mix_has_one_folder_however_it_is_spelt(self, desk: Desk) -> None:
        study = desk.study("one")
        titles = {desk.session(study, mix).title for mix in ("DEFR", "frde", " FRDE")}
        assert titles == {"one-DEFR"}

    def test_an_empty_store_is_no_default(self, desk: Desk) -> None:
        study = desk.study("one")
        for verb in (("doctor",), ("gc", "--dry-run"), ("plan", study), ("why", "x"), ("retry", "x")):
            said = desk.run(*verb, "--store", "")
            assert said.code == 2
            assert "a store's URL is empty" in said.err

    def test_studies_are_not_counted_where_no_store_is(self, desk: Desk) -> None:
        said = desk.run("list", "--store", desk.url)
        assert (said.code, said.err) == (2, f"{desk.url}: there is no store. `polyglot submit STUDY` makes one\n")
        assert not (desk.root / "store").exists()
        (desk.root / "store").mkdir()
        said = desk.run("list", "--store", desk.url)
        assert (said.code, said.err) == (0, f"0 studies in {desk.url}\n")

    def test_looking_for_garbage_makes_no_store(self, desk: Desk) -> None:
        assert desk.run("gc", "--dry-run", "--store", desk.url).code == 0
        assert not (desk.root / "store").exists()

    def test_the_list_of_verbs_has_the_first_sentence_of_each_one_s_help(self) -> None:
        for name, summary in VERBS.items():
            command = importlib.import_module(f"polyglot.cli.{name}").command
            text = command.info.help if isinstance(command, typer.Typer) else inspect.getdoc(command)
            assert " ".join(text.split()).startswith(summary)
