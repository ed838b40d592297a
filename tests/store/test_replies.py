"""Replies that stages take from one another, in both stores: what is damaged, foreign or withdrawn is passed over."""

from collections.abc import Callable
from pathlib import Path

import pytest

from polyglot.attempts.garbage import collect
from polyglot.attempts.replies import StoredReplies
from polyglot.attempts.reply_files import INDEX, REPLIES, ROWS, KeptReply
from polyglot.attempts.retract import retract
from polyglot.attempts.takers import takers
from polyglot.core.canonical import sha256_bytes
from polyglot.core.stage import Stage
from polyglot.store.store import Store
from tests.kit.damage import flip
from tests.kit.stages import commit, stage, write

FORM = sha256_bytes(b"form")
Age = Callable[[str, float], None]


def kept(name: str, text: str = "[[7]]") -> KeptReply:
    return KeptReply(
        id=sha256_bytes(name.encode()),
        text=text,
        finish_reason="stop",
        refused=False,
        prompt_tokens=10,
        completion_tokens=None,
        served_by="m",
    )


def judge(name: str) -> Stage:
    return stage(name, kind="judge")


def left(store: Store, name: str, *replies: KeptReply, withdrawn: int = 0) -> Stage:
    """A stage that is committed and has left these."""
    StoredReplies(store, judge(name), withdrawn=withdrawn).offer(FORM, replies)
    store.create(f"{judge(name).path}/attempts/1/starts/1.json", b"{}")
    return judge(name)


def texts(store: Store, *names: str, form: str = FORM, of: Stage | None = None) -> dict[str, str]:
    """What another stage finds, by name."""
    ids = {sha256_bytes(name.encode()): name for name in names}
    found = StoredReplies(store, of or judge("reader")).find(form, ids)
    return {ids[id_]: reused.reply.text for id_, reused in found.items()}


def paths(store: Store, end: str = "") -> list[str]:
    return [entry.path for entry in store.list(REPLIES) if entry.path.endswith(end)]


class TestTakingAndLeaving:
    def test_what_one_stage_left_another_finds_and_no_more_than_it_asks_for(self, store: Store) -> None:
        one = left(store, "one", kept("a", "Ä\u2028“[[1]]”\r\n"), kept("b"))
        assert texts(store, "a", "c") == {"a": "Ä\u2028“[[1]]”\r\n"}
        assert texts(store, "a", form=sha256_bytes(b"other form")) == {}
        found = StoredReplies(store, judge("reader")).find(FORM, [sha256_bytes(b"a")])
        assert [(reused.origin, reused.reply.completion_tokens) for reused in found.values()] == [
            (f"judge/{one.key}", None)
        ]

    def test_the_oldest_of_several_replies_is_taken(self, store: Store, age: Age) -> None:
        left(store, "one", kept("a", "young"))
        young = set(paths(store))
        left(store, "two", kept("a", "old"), kept("b", "b"))
        for path in set(paths(store)) - young:
            age(path, 1)
        assert texts(store, "a", "b") == {"a": "old", "b": "b"}

    def test_a_later_start_leaves_only_what_is_new_and_the_same_twice_is_once(self, store: Store) -> None:
        left(store, "one", kept("a"))
        left(store, "one", kept("a"))
        assert len(paths(store)) == 2
        left(store, "one", kept("a"), kept("b"))
        assert len(paths(store)) == 4
        assert texts(store, "a", "b") == {"a": "[[7]]", "b": "[[7]]"}

    def test_nothing_to_leave_is_no_file(self, store: Store) -> None:
        left(store, "one")
        assert paths(store) == []

    def test_two_writers_of_the_same_stage_at_once_are_in_nobodys_way(self, store: Store) -> None:
        one, two = StoredReplies(store, judge("one")), StoredReplies(store, judge("one"))
        for replies in (one, two):
            assert replies.find(FORM, [sha256_bytes(b"a")]) == {}
        one.offer(FORM, [kept("a", "first")])
        two.offer(FORM, [kept("a", "second"), kept("b")])
        found = texts(store, "a", "b")
        assert found["a"] in ("first", "second")
        assert found["b"] == "[[7]]"


class TestWhatCannotBeRead:
    @pytest.mark.parametrize("end", [INDEX, ROWS])
    def test_a_damaged_file_is_passed_over_with_a_warning_and_the_others_are_read(
        self, store: Store, file_of: Callable[[str], Path], end: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        left(store, "one", kept("a"))
        (path,) = paths(store, end)
        left(store, "two", kept("b"))
        flip(file_of(path), 20)
        assert texts(store, "a", "b") == {"b": "[[7]]"}
        assert "passed over" in caplog.text

    def test_where_the_first_of_two_is_damaged_the_second_is_taken(
        self, store: Store, file_of: Callable[[str], Path]
    ) -> None:
        left(store, "one", kept("a", "one"))
        (path,) = paths(store, ROWS)
        left(store, "two", kept("a", "two"))
        flip(file_of(path), 20)
        assert texts(store, "a") == {"a": "two"}

    @pytest.mark.parametrize("data", [b"", b"{}\n", b"\x00\xff", b'{"format":1}\nrest'])
    def test_a_foreign_or_half_written_index_is_passed_over(
        self, store: Store, data: bytes, caplog: pytest.LogCaptureFixture
    ) -> None:
        left(store, "one", kept("a"))
        for place in (f"judge/{'0' * 64}/{'1' * 32}", "notes"):
            store.create(f"{REPLIES}{FORM}/{place}{INDEX}", data)
        assert texts(store, "a") == {"a": "[[7]]"}
        assert caplog.text.count("passed over") == 2

    def test_an_index_of_another_stage_is_none(self, store: Store, caplog: pytest.LogCaptureFixture) -> None:
        left(store, "one", kept("a"))
        (path,) = paths(store, INDEX)
        name = path.rpartition("/")[2]
        store.create(f"{REPLIES}{FORM}/judge/{'0' * 64}/{name}", store.read(path))
        assert texts(store, "a") == {"a": "[[7]]"}
        assert "it is of another stage" in caplog.text

    def test_an_index_without_its_rows_is_nothing(self, store: Store) -> None:
        left(store, "one", kept("a"))
        store.delete(paths(store, ROWS)[0])
        assert texts(store, "a") == {}


class TestWithdrawn:
    def test_replies_of_a_result_that_was_withdrawn_are_nobodys_and_those_made_anew_are(
        self, store: Store, tmp_path: Path
    ) -> None:
        one = left(store, "one", kept("a", "wrong"))
        commit(store, one, write(tmp_path / "out", {"a": b"result"}))
        retract(store, "judge", one.key, "the endpoint was wrong", "tests")
        assert texts(store, "a") == {}
        left(store, "one", kept("a", "right"), withdrawn=1)
        assert texts(store, "a") == {"a": "right"}

    def test_a_stage_whose_result_was_withdrawn_takes_none(self, store: Store) -> None:
        left(store, "one", kept("a"))
        assert StoredReplies(store, judge("two"), withdrawn=1).find(FORM, [sha256_bytes(b"a")]) == {}


class TestGarbage:
    def test_what_is_of_use_stays_however_old(self, store: Store, age: Age) -> None:
        left(store, "one", kept("a"))
        for path in paths(store):
            age(path, 400)
        assert collect(store, dry_run=False).deleted_replies == 0
        assert texts(store, "a") == {"a": "[[7]]"}

    def test_both_files_go_with_the_stage_with_its_withdrawn_result_and_with_one_another(
        self, store: Store, age: Age, tmp_path: Path, file_of: Callable[[str], Path]
    ) -> None:
        gone, one = left(store, "gone", kept("a")), left(store, "one", kept("b"))
        store.delete(f"{gone.path}/attempts/1/starts/1.json")
        commit(store, one, write(tmp_path / "out", {"a": b"result"}))
        retract(store, "judge", one.key, "to see", "tests")
        before = set(paths(store))
        left(store, "halved", kept("c"))
        store.delete(next(path for path in paths(store, INDEX) if path not in before))
        before = set(paths(store))
        left(store, "damaged", kept("d"))
        flip(file_of(next(path for path in paths(store, INDEX) if path not in before)), 20)
        young = paths(store)
        assert len(young) == 7
        assert collect(store, dry_run=False).deleted_replies == 0
        for path in young:
            age(path, 15)
        done = collect(store, dry_run=True)
        assert (done.deleted_replies, len(paths(store))) == (7, 7)
        assert "7 files of replies" in done.describe(dry_run=True)
        assert collect(store, dry_run=False).deleted_replies == 7
        assert paths(store) == []


class TestWhoTook:
    def test_results_that_took_replies_of_a_stage_are_named_with_how_many(self, store: Store, tmp_path: Path) -> None:
        one = judge("one")
        for name, taken in {"a": {f"judge/{one.key}": 2}, "b": {f"judge/{one.key}": 7, "judge/0": 1}, "c": {}}.items():
            out = write(tmp_path / name, {"a": b"result"})
            commit(store, judge(name), out, volatile={"reused_from": taken} if taken else {})
        found = [(manifest.stage, calls) for manifest, calls in takers(store, "judge", one.key)]
        assert found == [(judge("b"), 7), (judge("a"), 2)]
        assert takers(store, "compare", one.key) == []
