"""A process that was stopped ends its pods within the time that it may hang, and they say whom they waited for."""

import os
import re
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from tests.kit.container import Container
from tests.kit.ranks import ends, started, steps_done, training
from tests.kit.world import alive, until

HANG_SECONDS = 6
LONG = {"steps": 5000}

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def hanging(root: Path) -> Container:
    """A training by two processes a pod that is not done before one of them hangs."""
    one = training(root, processes=2, **LONG)
    settings = {**one.planned.settings, "hang_seconds": HANG_SECONDS}
    resources = replace(one.planned.resources, grace_seconds=6)
    return replace(one, planned=replace(one.planned, settings=settings, resources=resources))


def test_the_first_rank_is_stopped(tmp_path: Path) -> None:
    """Nobody is left to say who hangs: the others see it by themselves."""
    one = hanging(tmp_path)
    with one.started() as process:
        until(lambda: steps_done(one) >= 1, 300)
        members = one.members(process)
        os.kill(members[0], signal.SIGSTOP)
        process.communicate(timeout=120)
        assert process.returncode == 1
    told, name = one.termination_log.read_text(), re.escape("rank 0 (pod 0, process 0)")
    waits = re.escape("rank 1 (pod 0, process 1) waits for it in ")
    assert re.match(rf"{name} has given no sign of life for \d+ s; {waits}", told), told
    failure = one.attempts.failure(1)
    assert failure is not None
    assert failure.outcome == "transient"
    assert failure.reason == told
    assert not any(map(alive, members))


def test_one_of_two_pods_is_stopped(tmp_path: Path) -> None:
    one = hanging(tmp_path)
    with started(one, 2) as pods:
        until(lambda: steps_done(one) >= 1, 300)
        members = [pid for pod, process in pods for pid in pod.members(process)]
        os.kill(members[3], signal.SIGSTOP)
        assert ends(pods, 120) == [1, 1]
        told = [pod.termination_log.read_text() for pod, _ in pods]
    silence = re.escape("rank 3 (pod 1, process 1) has given no sign of life for ")
    line = re.compile(silence + r"\d+ s, the last from .* of step \d+; the others wait for it")
    assert all(map(line.fullmatch, told)), told
    assert not any(map(alive, members))
