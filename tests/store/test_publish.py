"""Publishing, adopting, conflicting, superseding: who ends up in the manifest."""

from collections.abc import Callable
from pathlib import Path

import pytest

from polyglot.attempts.attempts import Attempts, Failure
from polyglot.attempts.retract import retract
from polyglot.core.canonical import sha256_bytes
from polyglot.core.errors import BadInput, Conflict, Corrupt, Missing, Permanent
from polyglot.kinds.registry import kinds_for
from polyglot.store.blobs import blob_path, fetch, put_bytes, put_file
from polyglot.store.committed import committed, committed_many, find, is_done
from polyglot.store.store import Store
from tests.kit.damage import flip, truncate
from tests.kit.stages import EXECUTION, commit, stage, write


class TestPublishing:
    def test_a_published_result_is_committed_and_done(self, store: Store, tmp_path: Path) -> None:
        out = write(tmp_path / "out", {"index.jsonl": b"{}\n", "deep/er/card.json": b"{}", "empty": b""})
        manifest = commit(store, stage(), out)
        assert committed(store, "mix", stage().key) == manifest
        assert is_done(store, stage()) == manifest
        assert [record.path for record in manifest.files] == ["deep/er/card.json", "empty", "index.jsonl"]
        assert manifest.metrics == {"rows": 1}
        for record in manifest.files:
            fetch(store, record, tmp_path / "back")
            assert (tmp_path / "back").read_bytes() == (out / record.path).read_bytes()

    def test_equal_files_share_one_blob(self, store: Store, tmp_path: Path) -> None:
        commit(store, stage(), write(tmp_path / "out", {"a": b"same", "b": b"same"}))
        assert len(list(store.list("blobs/"))) == 1

    def test_nothing_is_done_before_it_is_published(self, store: Store) -> None:
        assert committed(store, "mix", stage().key) is None
        assert is_done(store, stage()) is None
        assert committed_many(store, [stage(), stage("b")]) == {}

    @pytest.mark.parametrize("name", ["a\nb", "e\u0301", "a\u200b"])
    def test_an_unsafe_file_name_is_permanent(self, store: Store, tmp_path: Path, name: str) -> None:
        with pytest.raises(Permanent, match="file name"):
            commit(store, stage(), write(tmp_path / "out", {name: b"x"}))
        assert list(store.list("")) == []

    def test_a_link_is_permanent(self, store: Store, tmp_path: Path) -> None:
        out = write(tmp_path / "out", {"a": b"x"})
        (out / "link").symlink_to("/etc/hostname")
        with pytest.raises(Permanent, match="link"):
            commit(store, stage(), out)

    def test_no_file_is_permanent(self, store: Store, tmp_path: Path) -> None:
        (tmp_path / "out" / "empty folder").mkdir(parents=True)
        with pytest.raises(Permanent, match="wrote no file"):
            commit(store, stage(), tmp_path / "out")

    def test_metrics_that_are_not_json_are_permanent(self, store: Store, tmp_path: Path) -> None:
        with pytest.raises(Permanent, match="cannot be recorded"):
            commit(store, stage(), write(tmp_path / "out", {"a": b"x"}), metrics={"loss": float("nan")})
        assert is_done(store, stage()) is None

    def test_inputs_other_than_the_stages_are_permanent(self, store: Store, tmp_path: Path) -> None:
        with pytest.raises(Permanent, match="inputs"):
            commit(store, stage(), write(tmp_path / "out", {"a": b"x"}), inputs={"rows": "0" * 64})


class TestRaces:
    def test_an_equal_result_is_adopted(self, store: Store, tmp_path: Path) -> None:
        first = commit(store, stage(), write(tmp_path / "one", {"a": b"x"}), metrics={"by": "first"})
        second = commit(store, stage(), write(tmp_path / "two", {"a": b"x"}), metrics={"by": "second"})
        assert second == first

    def test_another_result_of_a_deterministic_stage_is_a_conflict_and_the_winner_stays(
        self, store: Store, tmp_path: Path
    ) -> None:
        first = commit(store, stage(), write(tmp_path / "one", {"a": b"x", "same": b"s"}))
        with pytest.raises(Conflict, match=r"1 files differ \(a\)") as told:
            commit(store, stage(), write(tmp_path / "two", {"a": b"y", "same": b"s"}))
        assert "\n" not in str(told.value)
        assert committed(store, "mix", stage().key) == first

    def test_another_environment_class_is_no_conflict(self, store: Store, tmp_path: Path) -> None:
        first = commit(store, stage(), write(tmp_path / "one", {"a": b"x"}))
        second = commit(store, stage(), write(tmp_path / "two", {"a": b"y"}), execution={**EXECUTION, "threads": 8})
        assert second == first

    def test_another_image_is_still_the_same_environment_class(self, store: Store, tmp_path: Path) -> None:
        commit(store, stage(), write(tmp_path / "one", {"a": b"x"}))
        with pytest.raises(Conflict):
            commit(store, stage(), write(tmp_path / "two", {"a": b"y"}), execution={**EXECUTION, "image": "other"})

    def test_a_sampled_stage_adopts_whatever_won(self, store: Store, tmp_path: Path) -> None:
        first = commit(store, stage(), write(tmp_path / "one", {"a": b"x"}), deterministic=False)
        second = commit(store, stage(), write(tmp_path / "two", {"a": b"y"}), deterministic=False)
        assert second == first

    def test_a_late_publisher_uploads_nothing(self, store: Store, tmp_path: Path) -> None:
        commit(store, stage(), write(tmp_path / "one", {"a": b"x"}), deterministic=False)
        commit(store, stage(), write(tmp_path / "two", {"a": b"never uploaded"}), deterministic=False)
        assert store.head(blob_path(sha256_bytes(b"never uploaded"))) is None


class TestInputs:
    def test_a_stage_is_not_done_once_its_input_was_replaced(self, store: Store, tmp_path: Path) -> None:
        upstream = stage("rows", kind="ingest")
        downstream = stage("mix", inputs={"rows": upstream})
        rows = commit(store, upstream, write(tmp_path / "rows", {"r": b"1"}))
        commit(store, downstream, write(tmp_path / "mix", {"m": b"1"}), inputs={"rows": rows.result})
        assert is_done(store, downstream) is not None

        retract(store, "ingest", upstream.key, "wrong licence", "tests")
        assert is_done(store, downstream) is None, "its input is not committed"
        again = commit(store, upstream, write(tmp_path / "rows", {"r": b"2"}))
        assert is_done(store, downstream) is None, "its input is another one"

        made = commit(store, downstream, write(tmp_path / "mix", {"m": b"2"}), inputs={"rows": again.result})
        assert made.inputs == {"rows": again.result}
        assert is_done(store, downstream) == made
        assert len(list(store.list(f"{downstream.path}/retractions/"))) == 1, "the stale one left a record"

    def test_an_equal_input_made_again_keeps_everything_done(self, store: Store, tmp_path: Path) -> None:
        upstream = stage("rows", kind="ingest")
        downstream = stage("mix", inputs={"rows": upstream})
        rows = commit(store, upstream, write(tmp_path / "rows", {"r": b"1"}))
        commit(store, downstream, write(tmp_path / "mix", {"m": b"1"}), inputs={"rows": rows.result})
        retract(store, "ingest", upstream.key, "to see", "tests")
        commit(store, upstream, write(tmp_path / "rows", {"r": b"1"}))
        assert is_done(store, downstream) is not None

    def test_a_publisher_with_stale_inputs_adopts_the_one_with_present_inputs(
        self, store: Store, tmp_path: Path
    ) -> None:
        upstream = stage("rows", kind="ingest")
        downstream = stage("mix", inputs={"rows": upstream})
        rows = commit(store, upstream, write(tmp_path / "rows", {"r": b"1"}))
        made = commit(store, downstream, write(tmp_path / "mix", {"m": b"1"}), inputs={"rows": rows.result})
        late = commit(store, downstream, write(tmp_path / "late", {"m": b"0"}), inputs={"rows": "0" * 64})
        assert late == made

    def test_many_stages_are_looked_up_at_once_and_staleness_spreads(self, store: Store, tmp_path: Path) -> None:
        rows = stage("rows", kind="ingest")
        mix = stage("mix", inputs={"rows": rows})
        train = stage("train", kind="train", inputs={"mix": mix})
        other = stage("other", kind="ingest")
        results = {}
        for made in (rows, mix, train, other):
            inputs = {role: results[key] for role, key in made.inputs.items()}
            name = str(made.params["name"])
            results[made.key] = commit(store, made, write(tmp_path / name, {"f": b"1"}), inputs=inputs).result
        assert set(committed_many(store, [rows, mix, train, other])) == {rows.key, mix.key, train.key, other.key}
        assert set(committed_many(store, [train])) == {train.key}, "inputs outside of the question are looked up"
        retract(store, "ingest", rows.key, "to see", "tests")
        commit(store, rows, write(tmp_path / "rows", {"f": b"2"}))
        assert set(committed_many(store, [rows, mix, train, other])) == {rows.key, other.key}

    @pytest.mark.parametrize(
        ("role", "kind"), [("rows", "ingest"), ("model", "base"), ("anything", "agree"), ("", "mix")]
    )
    def test_an_input_is_found_whatever_its_kind(self, store: Store, tmp_path: Path, role: str, kind: str) -> None:
        made = commit(store, stage(kind=kind), write(tmp_path / "out", {"a": b"x"}))
        assert find(store, made.stage.key, first=kinds_for("answer", role)) == made
        assert find(store, "0" * 64, first=kinds_for("answer", role)) is None


class TestDamage:
    def test_a_damaged_manifest_is_told_with_the_way_out(
        self, store: Store, tmp_path: Path, file_of: Callable[[str], Path]
    ) -> None:
        made = commit(store, stage(), write(tmp_path / "out", {"a": b"x"}))
        flip(file_of(made.path), 40)
        for look in (lambda: committed(store, "mix", made.stage.key), lambda: is_done(store, made.stage)):
            with pytest.raises(Corrupt, match="polyglot retract"):
                look()
        retract(store, "mix", made.stage.key, "damaged disk", "tests")
        assert commit(store, stage(), write(tmp_path / "out", {"a": b"x"})).result == made.result

    def test_a_manifest_under_another_key_is_refused(self, store: Store, tmp_path: Path) -> None:
        made = commit(store, stage(), write(tmp_path / "out", {"a": b"x"}))
        store.create(f"{stage('b').path}/manifest.json", store.read(made.path))
        with pytest.raises(Corrupt, match="another stage"):
            committed(store, "mix", stage("b").key)

    @pytest.mark.parametrize("damage", [lambda path: flip(path, 3), truncate], ids=["flipped", "truncated"])
    def test_a_publisher_heals_a_damaged_blob_that_it_reuses(
        self, store: Store, tmp_path: Path, file_of: Callable[[str], Path], damage: Callable[[Path], None]
    ) -> None:
        sha256 = put_bytes(store, b"some bytes")
        damage(file_of(blob_path(sha256)))
        manifest = commit(store, stage(), write(tmp_path / "out", {"a": b"some bytes"}))
        fetch(store, manifest.files[0], tmp_path / "back")
        assert (tmp_path / "back").read_bytes() == b"some bytes"


class TestBlobs:
    def test_a_young_blob_is_not_uploaded_again_and_an_old_one_is(
        self, store: Store, tmp_path: Path, age: Callable[[str, float], None]
    ) -> None:
        source = write(tmp_path / "in", {"f": b"bytes"}) / "f"
        path = blob_path(put_file(store, source, "f").sha256)
        for days, renewed in ((6.9, False), (7.1, True)):
            age(path, days)
            put_file(store, source, "f")
            entry = store.head(path)
            assert entry is not None
            assert ((store.now() - entry.modified).total_seconds() < 3600) == renewed

    def test_bytes_and_files_have_the_same_blob(self, store: Store, tmp_path: Path) -> None:
        source = write(tmp_path / "in", {"f": b"bytes"}) / "f"
        assert put_bytes(store, b"bytes") == put_file(store, source, "x").sha256

    def test_a_blob_is_fetched_by_its_digest_alone(self, store: Store, tmp_path: Path) -> None:
        fetch(store, put_bytes(store, b"bytes"), tmp_path / "back")
        assert (tmp_path / "back").read_bytes() == b"bytes"
        with pytest.raises(Missing):
            fetch(store, "0" * 64, tmp_path / "none")
        with pytest.raises(ValueError, match="SHA-256"):
            fetch(store, "../../etc/passwd", tmp_path / "none")
        assert not (tmp_path / "none").exists()


class TestRetraction:
    def test_a_retraction_keeps_who_why_and_what(self, store: Store, tmp_path: Path) -> None:
        made = commit(store, stage(), write(tmp_path / "out", {"a": b"x"}))
        retract(store, "mix", made.stage.key, "wrong rows", "ada")
        assert committed(store, "mix", made.stage.key) is None
        (entry,) = store.list(f"{made.stage.path}/retractions/")
        record = store.read(entry.path).decode()
        assert all(text in record for text in ("wrong rows", "ada", made.result))

    def test_a_run_that_contradicted_it_may_be_tried_again(self, store: Store, tmp_path: Path) -> None:
        made = commit(store, stage(), write(tmp_path / "out", {"a": b"x"}))
        attempts = Attempts(store, made.stage)
        attempts.fail(1, Failure(outcome="permanent", reason="not the committed result"))
        retract(store, "mix", made.stage.key, "the other one was right", "ada")
        assert attempts.blocked() is None

    def test_what_is_not_committed_cannot_be_withdrawn(self, store: Store) -> None:
        with pytest.raises(Missing, match="no committed result"):
            retract(store, "mix", stage().key, "why not", "ada")

    def test_a_reason_is_asked_for(self, store: Store) -> None:
        with pytest.raises(BadInput, match="reason"):
            retract(store, "mix", stage().key, "  ", "ada")
