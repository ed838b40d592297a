"""The verbs of nights, on a store that is filled by hand: what they say, refuse and end with."""

import json
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from polyglot.attempts.attempts import Attempts
from polyglot.core.errors import PolyglotError
from polyglot.core.night import night_name
from polyglot.study.profile import load_profile
from tests.kit.bad_inputs.profiles import IMAGES
from tests.kit.desk import Desk
from tests.kit.nights import answers_of, begun, evaluated, fail, found, ordered

ZONE = "Asia/Kolkata"


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.delenv("POLYGLOT_JOB", raising=False)
    return Desk.at(tmp_path, monkeypatch)


def on_a_cluster(desk: Desk) -> Path:
    """A profile of a cluster that there is not."""
    path = desk.root / "cluster.yaml"
    path.write_text(f"store: s3://bucket/x\nbackend: kubernetes\nkubernetes:\n  {IMAGES}\n", encoding="utf-8")
    return path


class TestNights:
    """The newest tick was half an hour ago, so that none comes while a test runs."""

    def arguments(self, desk: Desk) -> list[str]:
        tick = (desk.store.now() - timedelta(minutes=30)).astimezone(ZoneInfo(ZONE))
        since = (tick - timedelta(days=2, hours=1)).isoformat()
        schedule = f"{tick.minute} {tick.hour} * * *"
        return ["--store", desk.url, "--schedule", schedule, "--zone", ZONE, "--since", since]

    def test_a_table_has_a_line_for_each_tick_and_an_alert_names_what_was_missed(self, desk: Desk) -> None:
        session = ordered(desk, desk.study("one"))
        common = self.arguments(desk)
        first, *_ = rows = json.loads(desk.run("nights", "one", *common, "-o", "json").out)
        assert [row["state"] for row in rows] == ["missed", "missed", "due"]
        assert first["night"].endswith("Z")
        assert first["due"].endswith("+05:30")
        night = evaluated(desk, session, night_name(first["due"]))
        said = desk.run("nights", "one", *common)
        header, *lines = [line.split("\t") for line in said.out.splitlines()]
        assert header == ["night", "due in Asia/Kolkata", "state", "verdict", "report", "when", "detail"]
        assert lines[0][0] == first["night"]
        assert lines[0][1].endswith(" IST")
        assert lines[0][2:5] == ["evaluated", "", night.report[:12]]
        assert [line[2] for line in lines] == ["evaluated", "missed", "due"]
        assert said.err.startswith("1 evaluated, 1 missed, 1 due since ")
        assert said.code == 0
        alert = desk.run("nights", "one", *common, "--check")
        assert (alert.code, alert.out) == (1, said.out)
        assert alert.err.splitlines()[-1].endswith(f": {lines[1][0]} missed")

    def test_an_alert_is_silent_when_all_is_well_and_not_when_a_night_failed(self, desk: Desk) -> None:
        session = ordered(desk, desk.study("one"))
        common = self.arguments(desk)
        first, second, _ = json.loads(desk.run("nights", "one", *common, "-o", "json").out)
        evaluated(desk, session, first["night"])
        night = begun(desk, session, second["night"])
        assert desk.run("nights", "one", *common, "--check").code == 0
        fail(desk, answers_of(desk, night), "no room")
        alert = desk.run("nights", "one", *common, "--check")
        assert (alert.code, "no room" in alert.out) == (1, True)
        assert alert.err.splitlines()[-1].endswith(f": {second['night']} failed")

    def test_an_alert_names_what_a_night_found_that_failed_later(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        session = ordered(desk, desk.study("one"))
        common = self.arguments(desk)
        first, *_ = json.loads(desk.run("nights", "one", *common, "-o", "json").out)
        night = begun(desk, session, first["night"], watched=True)
        found(desk, night, "judge", "scores moved")
        monkeypatch.setattr("polyglot.cli.reevaluate.check_endpoints", lambda *arguments: None)
        monkeypatch.setattr("polyglot.cli.reevaluate.run_submission", self.fail_to_compare)
        (desk.root / "here.yaml").write_text("nights: {webhook-file: /nowhere/url}\n", encoding="utf-8")
        where = ("--store", desk.url, "--profile", desk.root / "here.yaml")
        said = desk.run("reevaluate", "one", "--night", first["night"], *where)
        assert (said.code, said.err.splitlines()) == (
            1,
            [
                f"one @{first['night']}: judge: scores moved",
                "the webhook was not told: /nowhere/url: No such file or directory",
                "compare: it answered 500",
            ],
        )
        alert = desk.run("nights", "one", *common, "--check")
        assert f"1 nights found a change: {first['night']} judge" in alert.err.splitlines()[-1]

    @staticmethod
    def fail_to_compare(*arguments: object) -> None:
        raise PolyglotError("compare: it answered 500")

    def test_without_a_schedule_the_nights_that_began_are_listed_and_none_is_missed(self, desk: Desk) -> None:
        evaluated(desk, ordered(desk, desk.study("one")), "after-the-upgrade")
        said = desk.run("nights", "one", "--store", desk.url)
        assert [line.split("\t")[:3] for line in said.out.splitlines()[1:]] == [["after-the-upgrade", "", "evaluated"]]
        assert "only nights that began are listed" in said.err
        assert desk.run("nights", "one", "--store", desk.url, "--check").code == 2

    @pytest.mark.parametrize(
        ("arguments", "code", "line"),
        [
            (["two"], 1, "no study 'two' was submitted"),
            (["one.yaml", "--since", "yesterday"], 2, "--since: not a date; got 'yesterday'"),
            (["gone.yaml"], 2, "gone.yaml: cannot be read"),
            (["one", "--since", "yesterday"], 2, "--since: not a date; got 'yesterday'; expected a date from"),
            (["one", "--since", "0001-01-01"], 2, "--since: not a date; got '0001-01-01'; expected a date from 2000"),
            (["one", "--since", "9999-12-31T23:59-02:00"], 2, "--since: not a date; got '9999-12-31T23:59-02:00'"),
            (["one", "--schedule", "x"], 2, "schedule: not a schedule; got 'x'"),
            (["one", "--schedule", "0 2 * * *", "--zone", "X"], 2, "zone: no such time zone; got 'X'"),
            (["a/b"], 2, "a/b: cannot be read"),
            (["..", "--since", "2026-01-01"], 2, "not a study's name"),
        ],
    )
    def test_what_cannot_be_told_is_said_in_one_line(
        self, desk: Desk, arguments: list[str], code: int, line: str
    ) -> None:
        ordered(desk, desk.study("one"))
        said = desk.run("nights", *arguments, "--store", desk.url)
        assert (said.code, said.out, said.err.count("\n")) == (code, "", 1)
        assert line in said.err


class TestReevaluate:
    def test_a_night_of_a_machine_is_not_gone_on_with_in_a_cluster(self, desk: Desk) -> None:
        begun(desk, ordered(desk, desk.study("one")), "a")
        said = desk.run("reevaluate", "one", "--night", "a", "--store", desk.url, "--profile", on_a_cluster(desk))
        assert (said.code, said.err.count("\n")) == (2, 1)
        assert said.err.startswith("one @a: the night began with backend local; got a profile with backend kubernetes")

    def test_a_night_of_a_cluster_is_not_gone_on_with_from_a_machine(self, desk: Desk) -> None:
        session = ordered(desk, desk.study("one"), load_profile(str(on_a_cluster(desk))).cluster)
        begun(desk, session, "a", local=False)
        said = desk.run("reevaluate", "one", "--night", "a", "--store", desk.url)
        assert (said.code, said.err.count("\n")) == (2, 1)
        assert said.err.startswith("one @a: the night began with backend kubernetes; got a profile with backend local.")

    @pytest.mark.parametrize(
        ("arguments", "code", "line"),
        [
            (
                ["two", "--night", "a"],
                2,
                "never submitted on this machine; got 'two'; expected the name of a submitted",
            ),
            (["one", "--night", "a b"], 2, "night: not the name of a night; got 'a b'"),
            (["one", "--night", ""], 2, "night: not the name of a night; got ''"),
            (["one"], 2, "reevaluate: there is no tick to name the evaluation after"),
            (["one", "--night", "a"], 1, "one @a: a night trains nothing, and train tiny/house/EN/s0"),
            (["one", "two", "--night", "a"], 1, "one: one @a: a night trains nothing"),
            (["one", "two", "--night", "a"], 1, "; two: "),
        ],
    )
    def test_what_cannot_be_evaluated_is_said_in_one_line(
        self, desk: Desk, arguments: list[str], code: int, line: str
    ) -> None:
        ordered(desk, desk.study("one"))
        said = desk.run("reevaluate", *arguments, "--store", desk.url)
        assert (said.code, said.out, said.err.count("\n")) == (code, "", 1)
        assert line in said.err
        assert not list(desk.store.list("studies/one/nights/"))


class TestStagesOfNights:
    def test_a_nights_stage_is_found_by_its_name_and_may_be_tried_again(self, desk: Desk) -> None:
        study = desk.study("one")
        night = begun(desk, ordered(desk, study), "a")
        answers = answers_of(desk, night)
        fail(desk, answers, "no room")
        Attempts(desk.store, answers.stage).append_log(1, 1, 0, b"said\n")
        for text in (answers.label, answers.name, answers.key[:12]):
            assert "no room" in desk.run("why", text, "--store", desk.url).out
            assert desk.run("logs", study, text, "--store", desk.url).out == f"{answers.label} | said\n"
        assert desk.run("retry", answers.name, "--store", desk.url).code == 0
        assert Attempts(desk.store, answers.stage).blocked() is None

    def test_a_nights_report_is_fetched_by_the_studys_file(self, desk: Desk) -> None:
        study = desk.study("one")
        evaluated(desk, ordered(desk, study), "2026-01-31T02:00:00Z")
        said = desk.run("report", study, "--night", "2026-01-31T03:00:00+01:00", "--store", desk.url, "--out", "o")
        assert said.code == 0
        assert said.out.splitlines() == [f"o/one-@2026-01-31T02-00-00Z/{name}" for name in ("cost.csv", "made.json")]
        assert all(Path(line).is_file() for line in said.out.splitlines())
        refused = desk.run("report", study, "--night", "b", "--store", desk.url)
        assert (refused.code, "study one: no such night; got 'b'" in refused.err) == (2, True)


class TestCancel:
    def test_on_this_machine_there_is_nothing_to_cancel(self, desk: Desk) -> None:
        said = desk.run("cancel", desk.study("one"), "--store", desk.url)
        assert (said.code, said.out) == (2, "")
        assert said.err == ("profile local: nothing to cancel; got local processes. Interrupt their submit: Ctrl-C\n")
