"""Profiles say where; what they leave out is the default, and what no job reads is refused."""

from pathlib import Path

import pytest

from jobs.lib.chat.settings import CallSettings
from polyglot.core.errors import BadInput
from polyglot.kinds.registry import KINDS
from polyglot.study.profile import KindSettings, load_profile


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("POLYGLOT_STORE", raising=False)


def write(path: str, text: str) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text, encoding="utf-8")


class TestDefaults:
    def test_local_needs_no_file(self) -> None:
        profile = load_profile("local")
        assert (profile.store, profile.backend, profile.cpus) == ("file://./.polyglot/store", "local", None)
        assert profile.settings["judge"]["concurrency"] == 64
        assert profile.settings["train"] == {"threads": 1}

    def test_threads_beside_a_gpu_are_its_share_of_the_cpus(self) -> None:
        write("profiles/p.yaml", "resources: {train: {gpus: 8, cpus: 32}}\n")
        assert "threads" not in load_profile("p").settings["train"]
        assert load_profile("p").settings["answer"]["threads"] == 1
        write("profiles/p.yaml", "resources: {train: {gpus: 8, cpus: 32}}\nsettings: {train: {threads: 3}}\n")
        assert load_profile("p").settings["train"]["threads"] == 3

    def test_every_stage_kind_has_resources_and_settings(self) -> None:
        assert set(load_profile("local").resources) == set(KINDS) == set(KindSettings.model_fields)
        assert set(load_profile("local").settings) == set(KINDS)


class TestPlaces:
    def test_a_name_is_looked_for_beside_the_study_and_then_in_the_user_s_folder(self) -> None:
        write("config/polyglot/profiles/lab.yaml", "cpus: 1\n")
        assert load_profile("lab").cpus == 1
        write("profiles/lab.yaml", "cpus: 2\n")
        assert load_profile("lab").cpus == 2
        write("elsewhere.yml", "cpus: 3\n")
        assert load_profile("elsewhere.yml").cpus == 3

    def test_a_file_called_local_replaces_the_built_in_one(self) -> None:
        write("profiles/local.yaml", "max-attempts: 9\n")
        assert load_profile("local").max_attempts == 9

    def test_the_environment_s_store_wins(self, monkeypatch: pytest.MonkeyPatch) -> None:
        write("profiles/lab.yaml", "store: s3://bucket/prefix\n")
        assert load_profile("lab").store == "s3://bucket/prefix"
        monkeypatch.setenv("POLYGLOT_STORE", "file:///elsewhere")
        assert load_profile("lab").store == "file:///elsewhere"

    @pytest.mark.parametrize("name", ["nowhere", "../etc/passwd", "a\0b", ""])
    def test_a_name_without_a_file_is_refused(self, name: str) -> None:
        with pytest.raises(BadInput, match="no such profile"):
            load_profile(name)


class TestOverrides:
    def test_what_is_left_out_stays_as_it_was(self) -> None:
        write(
            "profiles/p.yaml", "memory: 24GiB\nresources: {train: {gpus: 1, memory: 12GiB, deadline: 2d, grace: 90s}}\n"
        )
        profile = load_profile("p")
        train, default = profile.resources["train"], KINDS["train"].resources
        assert profile.memory_bytes == 24 * 2**30
        assert (train.gpus, train.memory_bytes) == (1, 12 * 2**30)
        assert (train.deadline_seconds, train.grace_seconds) == (2 * 86400, 90)
        assert (train.cpus, train.ranks) == (default.cpus, default.ranks)
        assert profile.resources["judge"] == KINDS["judge"].resources

    def test_settings_reach_the_jobs_under_the_names_that_they_read(self) -> None:
        write(
            "profiles/p.yaml",
            "settings:\n  train: {threads: 4, micro-batch-tokens: 1024, recompute: true}\n"
            "  judge: {base-url: 'https://judge.example/v1', requests-per-minute: 60, backoff-seconds: 0}\n",
        )
        settings = load_profile("p").settings
        assert settings["train"] == {"threads": 4, "micro_batch_tokens": 1024, "recompute": True}
        assert CallSettings.of(settings["judge"]).requests_per_minute == 60

    @pytest.mark.parametrize("name", ["max-usd", "price-usd-per-mtok-prompt", "price-usd-per-mtok-completion"])
    def test_what_calls_may_cost_is_the_study_s_to_say(self, name: str) -> None:
        write("profiles/p.yaml", f"settings: {{judge: {{{name}: 1}}}}\n")
        with pytest.raises(BadInput, match=f"settings.judge.{name}: unknown key"):
            load_profile("p")

    def test_a_default_is_the_job_s_and_comes_before_nothing_that_is_set(self) -> None:
        write("profiles/p.yaml", "settings: {judge: {attempts: 2}}\n")
        assert load_profile("p").settings["judge"] == {"concurrency": 64, "attempts": 2}

    @pytest.mark.parametrize(
        ("text", "line"),
        [
            (
                "settings: {judge: {concurency: 4}}\n",
                "settings.judge.concurency: unknown key; .*Did you mean concurrency",
            ),
            ("settings: {judges: {}}\n", "settings.judges: unknown key; .*Did you mean judge"),
            ("settings: {train: {threads: two}}\n", "settings.train.threads: bad value; got 'two'"),
            ("resources: {train: {memory: 4}}\n", "resources.train.memory: bad value; got 4; expected text. Quote it"),
            ("resources: {train: {gpus: -1}}\n", "resources.train.gpus: bad value; got -1"),
            (
                "resources: {answer: {gpus: 2}}\n",
                "resources.answer.gpus: answer computes on one GPU, and the others would idle; got 2; expected 1. "
                "Write `gpus: 1`; `ranks: 2` shares the work out among pods of one GPU",
            ),
            (
                "settings: {train: {processes: 2}}\nresources: {train: {gpus: 1}}\n",
                "settings.train.processes: `processes` of a kind that has GPUs: each of them has its process; got 2, "
                "and `resources.train.gpus`, 1. Remove it, or the GPUs",
            ),
        ],
    )
    def test_what_no_job_reads_is_refused_by_its_place(self, text: str, line: str) -> None:
        write("profiles/p.yaml", text)
        with pytest.raises(BadInput, match=rf"profiles/p.yaml:1: {line}"):
            load_profile("p")
