"""What a job says of its progress, and of what it waits for, reaches whoever reports it."""

import logging
from pathlib import Path
from typing import Any

import pytest

from jobs.worker.context import WorkerContext
from polyglot.attempts.progress import Progress
from polyglot.core.stage import Resources, Stage
from polyglot.engine.survey import describe_progress


class Reporter:
    def __init__(self) -> None:
        self.told: list[str] = []

    def progress(self, progress: Progress) -> None:
        self.told.append(describe_progress(progress))


def context(reporter: Any) -> WorkerContext:
    nothing: Any = None
    return WorkerContext(
        stage=Stage(kind="judge", version=1, params={}),
        resources=Resources(),
        settings={},
        inputs={},
        out=Path(),
        work=Path(),
        checkpoints=nothing,
        journal=nothing,
        log=logging.getLogger("test"),
        cache=nothing,
        stop=nothing,
        end=nothing,
        reporter=reporter,
        attempts=nothing,
        number=1,
        start=1,
    )


def test_a_remark_stands_beside_the_progress_until_it_is_taken_back(caplog: pytest.LogCaptureFixture) -> None:
    reporter = Reporter()
    here = context(reporter)
    here.remark("the judge does not answer since noon")
    here.progress(3, 9, "verdicts", usd=0.5)
    here.remark("")
    here.progress(4, 9, "verdicts")
    assert reporter.told == [
        "the judge does not answer since noon",
        "3 of 9 verdicts, usd 0.5; the judge does not answer since noon",
        "3 of 9 verdicts, usd 0.5",
        "4 of 9 verdicts",
    ]
    assert [record.message for record in caplog.records] == ["the judge does not answer since noon", "it goes on"]


def test_a_rank_that_does_not_speak_for_the_attempt_says_nothing() -> None:
    here = context(None)
    here.progress(1, 2, "verdicts")
    here.remark("waits")
