"""Submissions: read back as they were written, and evaluated again under a night's name."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from polyglot.core.errors import Corrupt
from polyglot.engine.drift_reference import two_levels
from polyglot.engine.submission import Submission
from polyglot.kinds.aggregate import AggregateParams
from polyglot.plan.build import build_plan
from polyglot.plan.plan import make_plan
from polyglot.study.load import load_study
from polyglot.study.lock import lock_study
from polyglot.study.pool import Pool, Toleration
from polyglot.study.profile import load_profile
from tests.kit.clusters import cluster
from tests.kit.nights import watch_on
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


class TestWatched:
    def test_old_answers_are_judged_anew_each_night_and_stay_the_same(self, submission: Submission) -> None:
        watch = watch_on(submission)
        one, two = submission.again("a", watch), submission.again("b", watch)
        plain = {planned.key for planned in submission.again("a").stages}
        more = [planned.label for planned in one.stages if planned.key not in plain]
        low, high = watch.anchors
        assert more == [
            *(f"anchors {low}", f"judge anchors {low} @a", f"anchors {high}", f"judge anchors {high} @a"),
            *("drift @a", "report @a"),
        ]
        kept = {planned.label for planned in one.stages} & {planned.label for planned in two.stages}
        assert {label for label in kept if label.startswith("anchors")} == {f"anchors {low}", f"anchors {high}"}
        by_key = {planned.key: planned for planned in one.stages}
        assert all(key in by_key for planned in one.stages for key in planned.needs)
        assert by_key[one.stages[-1].stage.inputs["drift"]].label == "drift @a"
        make_plan("s", one.stages)

    def test_what_a_night_is_held_against_is_in_its_key(self, submission: Submission) -> None:
        first = submission.again("b", watch_on(submission)).stages[-1].key
        later = submission.again("b", watch_on(submission, before="a", state="f" * 64)).stages[-1].key
        assert first != later

    def test_anchors_are_of_two_levels(self, tmp_path: Path) -> None:
        def levels(**changes: str) -> list[str]:
            plan = build_plan(locked(tmp_path, **changes), load_profile("local"))
            aggregate = next(planned for planned in plan if planned.stage.kind == "aggregate")
            return [cell.cell for cell in two_levels(AggregateParams.of(aggregate.stage).cells)]

        assert levels(mixes="[EN, ENDE, ENDE-sampled]", sizes="[10, full]", seeds="[3, 4]") == [
            "tiny/untuned",
            "tiny/house/ENDE/s3",
        ]
        assert levels(mixes="[EN, ENDE]", untuned="false") == ["tiny/house/EN/s0", "tiny/house/ENDE/s0"]
