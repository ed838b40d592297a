"""The informer of a cluster's objects against a real server: no change is lost, whatever becomes of a watch."""

import queue
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polyglot.schedulers.kubernetes import api as api_module
from polyglot.schedulers.kubernetes.informer import Broken, Change, Informer, Listed, Update
from tests.kit.api_server import ApiServer
from tests.kit.world import until

SECONDS = 20.0


def about(document: dict[str, Any]) -> str:
    return str(document.get("about", ""))


@dataclass
class Watched:
    """An informer of a server's objects, and what it has said so far."""

    server: ApiServer
    updates: "queue.SimpleQueue[Update]" = field(default_factory=queue.SimpleQueue)
    said: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.informer = Informer(self.server.client(), "pods", "", self.updates, group=about)

    def __enter__(self) -> "Watched":
        return self

    def __exit__(self, *exception: object) -> None:
        """Without it the thread of a test that fails would go on looking for its server in the tests after it."""
        self.informer.close()

    def next(self) -> Update:
        """The next that is said; what is told of objects is remembered as a reader would."""
        told = self.updates.get(timeout=SECONDS)
        if isinstance(told, Change):
            name = told.object["metadata"]["name"]
            if told.gone:
                self.said.pop(name, None)
            else:
                self.said[name] = told.object
        return told

    def changes(self, number: int) -> list[tuple[str, bool]]:
        """The next so many that are told: (name, gone), and nothing else among them."""
        told = [self.next() for _ in range(number)]
        assert all(isinstance(each, Change) for each in told), told
        return [(each.object["metadata"]["name"], each.gone) for each in told if isinstance(each, Change)]

    def begin(self) -> None:
        """Start, and read the first list."""
        self.informer.start()
        self.to_the_list()
        until(self.server.watches, SECONDS)

    def to_the_list(self) -> list[tuple[str, bool]]:
        """What is told up to the end of the next list."""
        told: list[tuple[str, bool]] = []
        while not isinstance(each := self.next(), Listed):
            assert isinstance(each, Change), each
            told.append((each.object["metadata"]["name"], each.gone))
        return told

    def watches_again(self, number: int) -> None:
        """Wait until so many watches have begun."""
        until(lambda: len(self.server.watches()) >= number, SECONDS)


@pytest.fixture
def server() -> Iterator[ApiServer]:
    with ApiServer() as running:
        yield running


@pytest.fixture
def watched(server: ApiServer) -> Iterator[Watched]:
    with Watched(server) as made:
        yield made


class TestLooking:
    def test_a_list_is_told_and_then_every_change_in_order(self, watched: Watched, server: ApiServer) -> None:
        server.put("a")
        server.put("b")
        watched.informer.start()
        assert watched.to_the_list() == [("a", False), ("b", False)]
        server.put("c")
        server.put("a", phase="Running")
        server.delete("b")
        assert watched.changes(3) == [("c", False), ("a", False), ("b", True)]
        assert watched.informer.get("a") == server.objects()["a"]
        assert watched.informer.get("b") is None
        assert server.requests[0] == ("list", "")
        assert server.lists() == len(server.watches()) == 1  # nothing is polled

    def test_a_list_of_many_pages_is_one_list(self) -> None:
        with ApiServer(page=2) as server:
            for number in range(5):
                server.put(f"p{number}")
            with Watched(server) as watched:
                watched.informer.start()
                assert len(watched.to_the_list()) == 5
                assert server.lists() == 3

    def test_groups_follow_what_documents_are_about(self, watched: Watched, server: ApiServer) -> None:
        server.put("a", about="x")
        server.put("b", about="x")
        server.put("c")
        watched.begin()
        assert [each["metadata"]["name"] for each in watched.informer.about("x")] == ["a", "b"]
        held = watched.informer.about("x")
        server.delete("a")
        server.put("d", about="y")
        watched.changes(2)
        assert [each["metadata"]["name"] for each in watched.informer.about("x")] == ["b"]
        assert [each["metadata"]["name"] for each in watched.informer.about("y")] == ["d"]
        assert len(held) == 2  # a reader's own copy
        assert watched.informer.about("") == []


class TestInterruption:
    def test_a_watch_that_ends_is_taken_up_where_it_ended(self, watched: Watched, server: ApiServer) -> None:
        watched.begin()
        server.put("a")
        watched.changes(1)
        seen = server.objects()["a"]["metadata"]["resourceVersion"]
        server.interrupt("end")
        watched.watches_again(2)
        server.put("b")
        assert watched.changes(1) == [("b", False)]
        assert server.watches()[1] == seen
        assert server.lists() == 1

    def test_a_bookmark_moves_the_place_and_tells_nothing(self, watched: Watched, server: ApiServer) -> None:
        watched.begin()
        server.put("a")
        server.bookmark()
        server.interrupt("end")
        watched.watches_again(2)
        assert int(server.watches()[1]) == int(server.objects()["a"]["metadata"]["resourceVersion"]) + 5
        server.put("b")
        assert watched.changes(2) == [("a", False), ("b", False)]

    @pytest.mark.parametrize("how", ["answered", "told"])
    def test_after_410_the_difference_is_told(self, watched: Watched, server: ApiServer, how: str) -> None:
        """The version is refused when the watch is taken up, or an event of the watch says so."""
        for name in ("stays", "changes", "goes"):
            server.put(name)
        watched.begin()
        with server.changed:  # while nobody can see it
            server.interrupt("expire" if how == "told" else "end")
            server.put("changes", phase="Running")
            server.delete("goes")
            server.put("comes")
            server.forget()
        assert sorted(watched.to_the_list()) == [("changes", False), ("comes", False), ("goes", True)]
        assert watched.said == server.objects()
        assert server.lists() == 2

    def test_a_connection_cut_in_the_middle_of_an_event_loses_nothing(
        self, watched: Watched, server: ApiServer
    ) -> None:
        server.put("a")
        watched.begin()
        server.interrupt("cut")
        server.put("b")
        server.delete("a")
        while watched.said != server.objects():
            watched.next()
        assert watched.informer.get("half") is None
        assert set(watched.said) == {"b"}

    def test_another_object_of_the_same_name_is_the_end_of_the_first(self, watched: Watched, server: ApiServer) -> None:
        server.put("a")
        first = server.objects()["a"]["metadata"]["uid"]
        watched.begin()
        with server.changed:
            server.interrupt("end")
            server.put("a", replaced=True)
            server.forget()
        told = [watched.next(), watched.next()]
        assert [(each.object["metadata"]["uid"] == first, each.gone) for each in told if isinstance(each, Change)] == [
            (True, True),
            (False, False),
        ]

    def test_a_server_that_falls_silent_is_left_for_a_new_list(
        self, watched: Watched, server: ApiServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A dead connection says nothing, not even the bookmarks of each minute."""
        monkeypatch.setattr(api_module, "_SILENCE_SECONDS", 0.5)
        watched.begin()
        server.interrupt("stall")
        server.put("a")
        assert watched.to_the_list() == [("a", False)]
        server.put("b")
        assert watched.changes(1) == [("b", False)]

    def test_a_server_that_is_busy_or_restarts_is_asked_again(self, watched: Watched, server: ApiServer) -> None:
        server.put("a")
        watched.begin()
        server.refuse(503, 429, 500)
        server.interrupt("cut")
        server.put("b")
        while watched.said != server.objects():
            watched.next()
        watched.watches_again(2)


class TestGivingUp:
    @pytest.mark.parametrize("status", [401, 403, 404])
    def test_who_may_not_look_is_told_once(self, watched: Watched, server: ApiServer, status: int) -> None:
        server.refuse(status)
        watched.informer.start()
        told = watched.next()
        assert isinstance(told, Broken)
        assert (told.error.status, str(told.error)) == (status, f"list pods: refused with {status}")
        watched.informer._thread.join(SECONDS)
        assert len(server.requests) == 1

    def test_a_right_that_is_taken_away_ends_the_watch(self, watched: Watched, server: ApiServer) -> None:
        watched.begin()
        server.refuse(403)
        server.interrupt("end")
        told = watched.next()
        assert isinstance(told, Broken)
        assert told.error.status == 403

    def test_what_is_no_object_does_not_end_in_silence(self, watched: Watched, server: ApiServer) -> None:
        watched.begin()
        server.interrupt("nonsense")
        told = watched.next()
        assert isinstance(told, Broken)
        assert str(told.error).startswith("watch pods: KeyError")

    def test_after_close_the_next_event_ends_it(self, watched: Watched, server: ApiServer) -> None:
        watched.begin()
        watched.informer.close()
        server.put("a")
        watched.informer._thread.join(SECONDS)
        assert not watched.informer._thread.is_alive()


NAMES = st.sampled_from("abc")
STEPS = st.one_of(
    st.tuples(st.just("put"), NAMES),
    st.tuples(st.just("replace"), NAMES),
    st.tuples(st.just("delete"), NAMES),
    st.tuples(st.sampled_from(["bookmark", "forget", "end", "expire"]), st.just("")),
)


@settings(max_examples=30, deadline=None)
@given(st.lists(STEPS, max_size=25))
def test_whatever_happens_the_informer_and_its_readers_end_with_what_is_there(steps: list[tuple[str, str]]) -> None:
    with ApiServer(page=2) as server, Watched(server) as watched:
        watched.informer.start()
        for what, name in steps:
            match what:
                case "put" | "replace":
                    server.put(name, about=name, replaced=what == "replace")
                case "delete" if name in server.objects():
                    server.delete(name)
                case "bookmark":
                    server.bookmark()
                case "forget":
                    server.forget()
                case "end" | "expire":
                    server.interrupt(what)  # type: ignore[arg-type]
        server.put("last")
        while watched.said.get("last") is None or watched.said != server.objects():
            watched.next()
        assert {name: watched.informer.get(name) for name in "abc"} == {name: watched.said.get(name) for name in "abc"}
        assert all(
            watched.informer.about(name) == ([watched.said[name]] if name in watched.said else []) for name in "abc"
        )
