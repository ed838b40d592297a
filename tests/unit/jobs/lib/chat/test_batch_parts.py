"""How requests are shared out among batches, and what the journal says of these."""

from hypothesis import given
from hypothesis import strategies as st

from jobs.lib.chat.batch.log import BatchLog
from jobs.lib.chat.batch.parts import MOST_BYTES, Room, batch_name, same_requests
from jobs.lib.chat.call_record import CallRecord


class TestRoom:
    @given(
        sizes=st.lists(st.integers(1, MOST_BYTES), min_size=1, max_size=40),
        requests=st.integers(1, 20),
        usd=st.none() | st.integers(0, 30),
    )
    def test_no_limit_is_exceeded_and_nothing_that_fits_is_refused(
        self, sizes: list[int], requests: int, usd: int | None
    ) -> None:
        room, taken = Room(requests=requests, usd=usd), list[int]()
        for size in sizes:
            fits = len(taken) < requests and sum(taken) + size <= MOST_BYTES and (usd is None or len(taken) < usd)
            assert room.take(size, 1.0) is fits
            taken += [size] * fits


class TestNames:
    ATTEMPTS = [("a" * 64, 1), ("b" * 64, 2)]

    def test_two_of_the_same_requests_are_known_to_be_and_differ_all_the_same(self) -> None:
        first, second = batch_name("5" * 64, self.ATTEMPTS), batch_name("5" * 64, self.ATTEMPTS)
        assert first != second
        assert same_requests(first, ["x", second]) == second
        assert len(first) <= 64

    def test_another_stage_request_or_attempt_is_another_batch(self) -> None:
        name = batch_name("5" * 64, self.ATTEMPTS)
        others = [("6" * 64, self.ATTEMPTS), ("5" * 64, self.ATTEMPTS[:1]), ("5" * 64, [("a" * 64, 2), ("b" * 64, 2)])]
        assert same_requests(name, [batch_name(key, attempts) for key, attempts in others]) is None


class TestLog:
    def test_a_batch_is_open_until_its_end_and_holds_what_has_none(self) -> None:
        log = BatchLog()
        for id_ in "abc":
            log.hold(id_, "n")
        log.take(CallRecord(id="n", outcome="batch", status="intended", at=5.0, base_url="u", limit="max_tokens"))
        log.take(CallRecord(id="n", outcome="batch", status="created", batch="batch_1"))
        log.release("b")
        assert (list(log.open["n"].ids), log.open["n"].batch_id) == (["a", "c"], "batch_1")
        log.hold("d", None)
        assert log.holding == {"a": "n", "c": "n"}
        log.release("a")
        log.release("c")
        log.take(CallRecord(id="n", outcome="batch", status="ended"))
        assert not log.open
        assert not log.holding
        assert log.limit == "max_tokens"
