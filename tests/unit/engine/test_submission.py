"""Submissions: read back as they were written, and evaluated again under a night's name."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from polyglot.core.errors import Corrupt
from polyglot.engine.submission import Submission
from polyglot.plan.build import build_plan
from polyglot.study.load import load_study
from polyglot.study.lock import lock_study
from polyglot.study.pool import Pool, Toleration
from polyglot.study.profile import load_profile
from tests.kit.clusters import cluster
from tests.kit.small_studies import locked

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def submission() -> Submission:
    plan = build_plan(lock_study(load_study(ROOT / "studies" / "quickstart.yaml")), load_profile("local"), mix="EN")
    pools = {"default": Pool(), "big": Pool(tolerations=(Toleration(key="gpu", operator="Exists"),))}
    place = cluster(pools=pools, image_pull_secrets=("one", "two"))
    return Submission(
        study=plan.study,
        title="quickstart-EN",
        stages=plan.stages,
        backend="kubernetes",
        cluster=place,
        max_attempts=4,
        usd=2.5,
    )


class TestDocument:
    def test_a_submission_is_read_back_as_it_was_written(self, submission: Submission) -> None:
        again = Submission.from_json(submission.to_json(), where="here")
        assert again == submission
        assert [planned.key for planned in again.stages] == [planned.key for planned in submission.stages]
        assert again.to_json() == submission.to_json()

    def test_a_submission_from_before_the_hub_s_secret_is_read(self, submission: Submission) -> None:
        """Nightly evaluations read the newest submission of a study, however old it is."""
        document = json.loads(submission.to_json())
        del document["cluster"]["hub_secret"]
        assert Submission.from_json(json.dumps(document).encode(), where="here") == submission

    def test_a_field_that_is_not_used_is_no_part_of_the_name_of_a_driver(self, submission: Submission) -> None:
        """Else the driver of the same study that runs already would not be found by a later polyglot."""
        assert "tracker" not in submission.to_json().decode()
        assert "vllm" not in json.loads(submission.to_json())["cluster"]["images"]

    @pytest.mark.parametrize("data", [b"", b"{}", b"[]", b'{"order": 99}', b'{"order": 1, "study": "x"}'])
    def test_what_is_no_submission_is_named(self, data: bytes) -> None:
        with pytest.raises(Corrupt, match=r"^s3://b/x: .*submission"):
            Submission.from_json(data, where="s3://b/x")

    def test_another_budget_is_another_submission(self, submission: Submission) -> None:
        assert replace(submission, usd=3).digest12 != submission.digest12


class TestAgain:
    def test_answers_and_what_follows_are_new_and_nothing_before_them(self, submission: Submission) -> None:
        night = submission.again("2026-01-31T02:00:00Z")
        before = {planned.key: planned for planned in submission.stages}
        new = {planned.stage.kind for planned in night.stages if planned.key not in before}
        kept = {planned.stage.kind for planned in night.stages if planned.key in before}
        assert new == {"answer", "judge", "aggregate", "reliability", "report"}
        assert kept == {"ingest", "contamination", "base", "tokenize", "mix", "check", "train"}
        by_key = {planned.key: planned for planned in night.stages}
        assert all(key in by_key for planned in night.stages for key in planned.needs)

    def test_the_same_night_is_the_same_evaluation(self, submission: Submission) -> None:
        one, two, other = submission.again("a"), submission.again("a"), submission.again("b")
        assert [planned.key for planned in one.stages] == [planned.key for planned in two.stages]
        answers = [planned.key for planned in one.stages if planned.stage.kind == "answer"]
        assert set(answers).isdisjoint(planned.key for planned in other.stages)

    def test_resources_settings_and_labels_stay_with_their_stages(self, submission: Submission) -> None:
        night = submission.again("a")
        assert len({planned.label for planned in night.stages}) == len(night.stages)
        old = {planned.label: planned for planned in submission.stages}
        for planned in night.stages:
            source = old[planned.label.removesuffix(" @a")]
            assert (planned.resources, planned.settings, planned.mix) == (source.resources, source.settings, source.mix)

    def test_who_asks_an_endpoint_takes_no_reply_of_another_evaluation(self, tmp_path: Path) -> None:
        judge = "{endpoint: openai, model: m, pairs: {against: untuned}}"
        plan = build_plan(locked(tmp_path, mixes="[EN]", judge=judge), load_profile("local"))
        asked = Submission(study="s", title="s", stages=plan.stages, backend="local", cluster=None, max_attempts=1)
        told = {planned.stage.kind: planned.settings.get("reuse") for planned in asked.again("a").stages}
        assert {kind for kind, reuse in told.items() if reuse is False} == {"judge", "compare"}
        assert all(reuse is None for kind, reuse in told.items() if kind not in ("judge", "compare"))
