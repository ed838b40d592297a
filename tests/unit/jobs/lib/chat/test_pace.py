"""How many calls are in flight: doubling, cuts, gates and rates, on a clock that the test turns."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from jobs.lib.chat.pace import Bucket, Pace


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


def pace(**arguments: Any) -> Pace:
    return Pace(**{"ceiling": 64, "requests_per_minute": None, "tokens_per_minute": None} | arguments)


async def rounds(it: Pace, count: int, **leave: Any) -> None:
    for _ in range(count):
        entered = [await it.enter(1) for _ in range(it.limit)]
        for moment in entered:
            it.leave(**{"entered": moment, "answered": True, "slow_down": False} | leave)


def it_grows(gaps: list[int]) -> bool:
    return sum(gaps[-3:]) > sum(gaps[:3])


class TestLimit:
    def test_doubles_with_every_round_up_to_the_ceiling(self) -> None:
        async def body() -> list[int]:
            it, seen = pace(ceiling=24), []
            for _ in range(4):
                seen.append(it.limit)
                await rounds(it, 1)
            return seen

        assert on_virtual_time(body) == [4, 8, 16, 24]

    def test_shrinks_once_a_wave_and_then_grows_by_one(self) -> None:
        async def body() -> list[int]:
            it, seen = pace(start=20), []
            entered = [await it.enter(1) for _ in range(20)]
            await asyncio.sleep(1)
            for moment in entered:
                it.leave(entered=moment, answered=False, slow_down=True)
            seen.append(it.limit)
            for _ in range(4):
                await asyncio.sleep(1)
                await rounds(it, 1)
                seen.append(it.limit)
            return seen

        assert on_virtual_time(body) == [16, 17, 18, 19, 19]

    def test_a_fixed_limit_of_the_endpoint_is_probed_ever_less_often(self) -> None:
        async def body() -> list[int]:
            it, hits = pace(start=16, ceiling=64), []
            for number in range(200):
                await asyncio.sleep(1)
                entered = [await it.enter(1) for _ in range(it.limit)]
                over = max(0, len(entered) - 16)
                hits += [number] * bool(over)
                for index, moment in enumerate(entered):
                    it.leave(entered=moment, answered=index >= over, slow_down=index < over)
            return hits

        hits = on_virtual_time(body)
        assert 3 <= len(hits) <= 20
        assert it_grows([later - earlier for earlier, later in zip(hits[1:], hits[2:], strict=False)])

    def test_never_goes_below_one(self) -> None:
        async def body() -> int:
            it = pace(start=2)
            for _ in range(10):
                await asyncio.sleep(1)
                moment = await it.enter(1)
                await asyncio.sleep(1)
                it.leave(entered=moment, answered=False, slow_down=True)
            return it.limit

        assert on_virtual_time(body) == 1

    def test_no_more_than_the_limit_are_inside(self) -> None:
        async def body() -> int:
            it = pace(ceiling=3, start=3)
            most = 0

            async def one() -> None:
                nonlocal most
                moment = await it.enter(1)
                most = max(most, it.active)
                await asyncio.sleep(1)
                it.leave(entered=moment, answered=True, slow_down=False)

            await asyncio.gather(*(one() for _ in range(30)))
            assert it.active == 0
            return most

        assert on_virtual_time(body) == 3


class TestWaiting:
    def test_a_retry_after_closes_the_gate_for_everyone(self) -> None:
        async def body() -> list[float]:
            it = pace(start=8)
            moment = await it.enter(1)
            it.leave(entered=moment, answered=False, slow_down=True, wait_seconds=7.5)
            return list(await asyncio.gather(*(it.enter(1) for _ in range(4))))

        assert all(moment >= 7.5 for moment in on_virtual_time(body))

    @pytest.mark.parametrize("rate", [30.0, 120.0, 600.0])
    def test_requests_keep_to_their_rate_over_any_minute(self, rate: float) -> None:
        async def body() -> list[float]:
            it, moments = pace(start=64, requests_per_minute=rate), []

            async def one() -> None:
                moment = await it.enter(1)
                moments.append(moment)
                it.leave(entered=moment, answered=True, slow_down=False)

            await asyncio.gather(*(one() for _ in range(int(rate * 2))))
            return moments

        moments = on_virtual_time(body)
        burst = max(1.0, rate / 60)
        for start in moments:
            assert sum(start <= moment < start + 60 for moment in moments) <= rate + burst + 1
        assert max(moments) == pytest.approx(120 - burst * 60 / rate, rel=0.02)

    def test_a_call_over_the_whole_bucket_still_gets_through_and_is_paid_for(self) -> None:
        async def body() -> tuple[float, float]:
            it = pace(tokens_per_minute=60.0)
            first = await it.enter(30)
            return first, await it.enter(1)

        first, second = on_virtual_time(body)
        assert first == 0.0
        assert second == pytest.approx(30.0)

    def test_a_bucket_refills_no_further_than_one_second(self) -> None:
        bucket = Bucket.per_minute(600, now=0.0)
        bucket.take(10)
        assert bucket.delay(10, now=0.5) == pytest.approx(0.5)
        assert bucket.delay(10, now=1000.0) == 0.0
        assert bucket.level == 10.0
