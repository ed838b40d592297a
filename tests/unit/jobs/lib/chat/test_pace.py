"""How many calls are in flight: growth, cuts, gates and rates, on a clock that the test turns."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.lib.chat.allowance import Allowance
from jobs.lib.chat.pace import Bucket, Entry, Pace
from jobs.lib.chat.rate_headers import RateLimit


class Clock(asyncio.SelectorEventLoop):
    """A loop whose time is virtual: waiting for a timer takes no time but moves the clock."""

    def __init__(self) -> None:
        super().__init__()
        self._virtual = 0.0

    def time(self) -> float:
        return self._virtual

    def _run_once(self) -> None:
        if not self._ready and self._scheduled:  # type: ignore[attr-defined]
            self._virtual = max(self._virtual, self._scheduled[0].when())  # type: ignore[attr-defined]
        super()._run_once()  # type: ignore[misc]


def on_virtual_time(body: Callable[[], Awaitable[Any]]) -> Any:
    with asyncio.Runner(loop_factory=Clock) as runner:
        return runner.run(body())  # type: ignore[arg-type]


def now() -> float:
    return asyncio.get_running_loop().time()


async def entered(it: Pace, read: int = 1) -> Entry:
    entry = await it.enter(read)
    assert entry is not None
    return entry


@dataclass(kw_only=True)
class Server:
    """Answers after `latency`; refuses at once above `crowd` in flight, and above `rate` a second (a full bucket)."""

    latency: float
    crowd: int = 10**6
    rate: float | None = None
    retry_after: float = 0.0
    active: int = 0
    refused_at: list[float] = field(default_factory=list)
    answered: int = 0
    bucket: Bucket | None = None

    async def call(self, it: Pace) -> None:
        """One call, again until it is answered."""
        while True:
            entry = await entered(it)
            if self.bucket is None and self.rate is not None:
                self.bucket = Bucket.per_minute(self.rate * 60, now())
            beyond = self.bucket is not None and self.bucket.delay(1, now()) > 0
            if beyond or self.active >= self.crowd:
                self.refused_at.append(now())
                await asyncio.sleep(0.001)
                it.leave(entry, answered=False, slow_down=True, wait_seconds=self.retry_after)
                await asyncio.sleep(0 if self.retry_after else 0.3)
                continue
            if self.bucket is not None:
                self.bucket.take(1)
            self.active += 1
            await asyncio.sleep(self.latency)
            self.active -= 1
            self.answered += 1
            it.leave(entry, answered=True)
            return

    def run(self, count: int, **arguments: Any) -> float:
        """Seconds until so many calls are answered, by as many workers as calls may be in flight."""

        async def body() -> float:
            it, left = Pace(**{"ceiling": 64} | arguments), iter(range(count))

            async def work() -> None:
                for _ in left:
                    await self.call(it)

            await asyncio.gather(*(work() for _ in range(it.ceiling)))
            assert (it.active, self.answered) == (0, count)
            return now()

        found: float = on_virtual_time(body)
        return found

    @property
    def most_refused_a_second(self) -> int:
        return max(sum(0 <= later - at < 1 for later in self.refused_at) for at in self.refused_at)


class TestRoom:
    @pytest.mark.parametrize(("count", "latency"), [(400, 0.05), (1000, 1.0), (1000, 5.0)])
    def test_without_a_limit_all_is_done_in_nearly_the_least_time(self, count: int, latency: float) -> None:
        least = -(-count // 64) * latency
        assert Server(latency=latency).run(count) <= 1.2 * least + 0.05

    @pytest.mark.parametrize("retry_after", [0.0, 1.0, 20.0])
    @pytest.mark.parametrize("latency", [0.05, 0.5])
    def test_a_limit_of_calls_in_flight_is_found_with_few_refusals_and_used_up(
        self, latency: float, retry_after: float
    ) -> None:
        server = Server(latency=latency, crowd=16, retry_after=retry_after)
        least = 800 / 16 * latency
        assert server.run(800) <= 1.1 * least + 0.15
        assert 1 <= server.most_refused_a_second <= 5
        assert len(server.refused_at) <= 20

    def test_a_limit_that_rises_is_found_again(self) -> None:
        async def body() -> list[int]:
            it, server, seen = Pace(ceiling=64), Server(latency=0.1, crowd=8), []

            async def work(count: int) -> None:
                for _ in range(count):
                    await server.call(it)

            for server.crowd in (8, 24):
                await asyncio.gather(*(work(60) for _ in range(32)))
                seen.append(it.limit)
            return seen

        first, second = on_virtual_time(body)
        assert 7 <= first <= 9
        assert second >= 16

    def test_never_goes_below_one(self) -> None:
        async def body() -> int:
            it = Pace(ceiling=8)
            for _ in range(10):
                await asyncio.sleep(1)
                entry = await entered(it)
                await asyncio.sleep(1)
                it.leave(entry, answered=False, slow_down=True)
            return it.limit

        assert on_virtual_time(body) == 1

    def test_no_more_than_the_ceiling_are_inside(self) -> None:
        async def body() -> int:
            it, server = Pace(ceiling=3), Server(latency=1.0)
            await asyncio.gather(*(server.call(it) for _ in range(30)))
            return it.peak

        assert on_virtual_time(body) == 3

    def test_who_is_cancelled_takes_no_room_with_him(self) -> None:
        async def body() -> tuple[int, int]:
            it = Pace(ceiling=1)
            first = await entered(it)
            waiting = [asyncio.create_task(it.enter(1)) for _ in range(3)]
            await asyncio.sleep(1)
            it.leave(first, answered=True)
            waiting[0].cancel()  # it has been let in, and has not heard of it
            waiting[1].cancel()
            entry = await waiting[2]
            assert entry is not None
            inside = it.active
            it.leave(entry, answered=True)
            return inside, it.active

        assert on_virtual_time(body) == (1, 0)

    def test_once_stopped_nobody_is_let_in(self) -> None:
        async def body() -> list[Entry | None]:
            it = Pace(ceiling=1)
            await entered(it)
            waiting = asyncio.create_task(it.enter(1))
            await asyncio.sleep(1)
            it.stop()
            return [await waiting, await it.enter(1)]

        assert on_virtual_time(body) == [None, None]


class TestGate:
    def test_a_wait_is_everybodys_where_nobody_is_answered(self) -> None:
        async def body() -> list[float]:
            it = Pace(ceiling=8)
            it.leave(await entered(it), answered=False, slow_down=True, wait_seconds=7.5)
            return [(await entered(it)).at for _ in range(1)]

        assert all(moment >= 7.5 for moment in on_virtual_time(body))

    @pytest.mark.parametrize("retry_after", [1.0, 5.0])
    def test_a_limit_of_calls_a_second_keeps_its_waits_and_loses_none(self, retry_after: float) -> None:
        server = Server(latency=0.05, rate=20.0, retry_after=retry_after)
        taken = server.run(200)
        assert taken >= 200 / 20 - 1.1
        assert len(server.refused_at) <= 200

    def test_a_second_call_is_not_sent_ahead_when_the_first_was_refused(self) -> None:
        async def body() -> list[float]:
            it, moments = Pace(ceiling=8), []
            others = [await entered(it) for _ in range(3)]
            it.leave(others.pop(), answered=False, slow_down=True, wait_seconds=10)
            it.leave(others.pop(), answered=True)
            for _ in range(3):
                entry = await entered(it)
                moments.append(entry.at)
                await asyncio.sleep(0.001)
                it.leave(entry, answered=False, slow_down=True, wait_seconds=10)
                while others:
                    it.leave(others.pop(), answered=True)
            return moments

        ahead, second, third = on_virtual_time(body)
        assert ahead < 1
        assert second >= 10
        assert third >= second + 10


class TestRates:
    @pytest.mark.parametrize("rate", [30.0, 120.0, 600.0])
    def test_requests_keep_to_their_rate_over_any_minute(self, rate: float) -> None:
        async def body() -> list[float]:
            it, moments = Pace(ceiling=64, requests_per_minute=rate), []

            async def one() -> None:
                entry = await entered(it)
                moments.append(entry.at)
                it.leave(entry, answered=True)

            await asyncio.gather(*(one() for _ in range(int(rate * 2))))
            return moments

        moments = on_virtual_time(body)
        burst = max(1.0, rate / 60)
        for start in moments:
            assert sum(start <= moment < start + 60 for moment in moments) <= rate + burst + 1
        assert max(moments) == pytest.approx(120 - burst * 60 / rate, rel=0.02)

    def test_a_call_over_the_whole_bucket_still_gets_through_and_is_paid_for(self) -> None:
        async def body() -> tuple[float, float]:
            it = Pace(ceiling=64, tokens_per_minute=60.0)
            return (await entered(it, 30)).at, (await entered(it, 1)).at

        first, second = on_virtual_time(body)
        assert first == 0.0
        assert second == pytest.approx(30.0)

    def test_a_bucket_refills_no_further_than_one_second(self) -> None:
        bucket = Bucket.per_minute(600, now=0.0)
        bucket.take(10)
        assert bucket.delay(10, now=0.5) == pytest.approx(0.5)
        assert bucket.delay(10, now=1000.0) == 0.0
        assert bucket.level == 10.0


def told(remaining: float | None, reset: float | None, limit: float | None = 10) -> RateLimit:
    return RateLimit(name="requests", unit="requests", limit=limit, remaining=remaining, reset_seconds=reset)


class TestAllowance:
    def test_no_more_are_sent_than_remain_until_the_reset(self) -> None:
        async def body() -> list[float]:
            it, moments = Pace(ceiling=8), []
            first = await entered(it)
            it.hear(first, [told(3, 20.0)])
            it.leave(first, answered=True)
            for _ in range(5):
                entry = await entered(it)
                moments.append(entry.at)
                it.leave(entry, answered=True)
            return moments

        moments = on_virtual_time(body)
        assert [moment >= 20 for moment in moments] == [False, False, False, True, True]

    def test_calls_in_flight_are_taken_off_whatever_the_reply_has_counted(self) -> None:
        it = Allowance()
        for number in range(4):
            it.take(number, 1, 0.0)
        it.hear(2, 0.0, told(4, 30.0), now=0.0)  # 0, 1 and 3 may not be in it
        assert it.delay(1, now=0.0) == 0.0
        it.take(4, 1, 0.0)
        assert it.delay(1, now=1.0) == 29.0

    def test_those_that_were_sent_long_before_are_in_it(self) -> None:
        it = Allowance()
        for number in range(3):
            it.take(number, 1, float(number))
        it.hear(2, 2.0, told(1, 30.0), now=3.0)
        assert it.delay(1, now=3.0) == 0.0
        it.left(0)
        assert it.delay(1, now=3.0) == 0.0

    def test_news_of_calls_that_were_sent_before_the_last_only_lower_it(self) -> None:
        it = Allowance()
        for number in range(4):
            it.take(number, 1, 0.0)
        for number, remaining in ((3, 4), (0, 3), (1, 5), (2, 2)):
            it.hear(number, 0.0, told(remaining, 30.0), now=1.0)
        assert [it.delay(amount, now=1.0) for amount in (2, 3)] == [0.0, 30.0]
        it.take(4, 1, 0.0)
        it.hear(4, 2.0, told(9, 30.0), now=3.0)
        assert it.delay(9, now=3.0) == 0.0

    def test_a_call_of_more_than_the_limit_waits_for_the_whole_of_it_and_no_longer(self) -> None:
        it = Allowance()
        it.hear(0, 0.0, told(10, 30.0), now=0.0)
        assert it.delay(99, now=0.0) == 0.0
        it.take(1, 99, 0.0)
        assert it.delay(99, now=0.0) == 30.0
        assert it.delay(99, now=30.0) == 0.0

    def test_a_reset_is_waited_for_a_minute_at_most(self) -> None:
        it = Allowance()
        it.hear(0, 0.0, told(0, 86400.0), now=0.0)
        assert it.delay(1, now=0.0) <= 65

    def test_a_server_that_always_says_that_nothing_remains_is_believed_no_longer(self) -> None:
        it, clock = Allowance(), 0.0
        for number in range(10):
            wait = it.delay(1, now=clock)
            clock += wait
            it.take(number, 1, clock)
            it.hear(number, clock, told(0, 30.0), now=clock)
        assert clock == 60.0

    @settings(max_examples=200)
    @given(
        st.lists(
            st.builds(
                told,
                st.none() | st.floats(0, 1e14),
                st.none() | st.floats(0, 2.7e6),
                st.none() | st.floats(0, 1e14),
            ),
            max_size=8,
        )
    )
    def test_whatever_is_told_nothing_waits_for_ever(self, news: list[RateLimit]) -> None:
        it, clock = Allowance(), 0.0
        for number, one in enumerate(news):
            it.take(number, 1, clock)
            it.hear(number, clock, one, now=clock)
            clock += it.delay(1, now=clock)
        assert clock <= 65 * len(news)
        assert it.delay(1, now=clock) == 0.0
