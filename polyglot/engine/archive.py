"""Puts into the archive what a worker said and could not archive any more, because it was killed.

Workers archive their output every few seconds, and their container the rest; a SIGKILL of the whole container, at the
end of a grace period or with its node, leaves the lines that tell why. What the scheduler still has of them is compared
with the archive, start by start, and what is missing is added behind.
"""

import contextlib
from collections import defaultdict

from polyglot.attempts.attempts import Attempts, starts_in
from polyglot.core.errors import PolyglotError, StoreError
from polyglot.schedulers.base import Attempt, Disrupted, Scheduler

_DRIVERS_SEQUENCE = 90_000_000  # of what a driver adds, behind all that a worker does


def archive_rest(attempts: Attempts, attempt: Attempt, scheduler: Scheduler) -> None:
    """Put what the scheduler still has of an attempt that has ended, each rank's to its own."""
    written: defaultdict[int, bytes] = defaultdict(bytes)
    with contextlib.suppress(PolyglotError):  # the node that has the rest may be lost
        for rank, data in scheduler.logs(attempt, follow=False):
            written[rank] += data
    for rank, output in written.items():
        archive_output(attempts.of_rank(rank), attempt.number, output)


def record_disruption(attempts: Attempts, event: Disrupted) -> bool:
    """Keep what nobody could tell later; True when it is new."""
    with contextlib.suppress(StoreError):  # it is for people alone
        return attempts.disrupt(event.attempt.number, event.name, event.text)
    return False


def archive_output(attempts: Attempts, number: int, written: bytes) -> None:
    """Put what is missing of one worker's whole output, or of several starts of one attempt in a row.

    What the archive does not have the beginning of is left alone. A store that is away loses the lines, no more.
    """
    starts = starts_in(written, number)
    with contextlib.suppress(StoreError, OSError):
        before_any = b"".join(attempts.log(number, 0))
        if not starts:
            if written not in before_any:  # its container may have seen to it
                rest = written.removeprefix(before_any)
                attempts.append_log_rest(number, 0, 0, rest)
            return
        archived = b"".join(data for start in starts for data in attempts.log(number, start))
        for known in (before_any + archived, archived):
            if written.startswith(known):
                attempts.append_log_rest(number, starts[-1], _DRIVERS_SEQUENCE, written[len(known) :])
                return
