"""Where every stage of a plan is, read from the store alone: for `status`, `watch`, `plan` and `why`.

Whether a begun stage still runs is not in the store. `alive` knows it of what this machine has ever worked on (its lock
is held, or free); otherwise a sign of life in the last minutes is taken for it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

from polyglot.attempts.attempts import Attempts, Note
from polyglot.attempts.progress import Progress
from polyglot.attempts.retract import retractions
from polyglot.core.stage import PlannedStage
from polyglot.store.committed import committed_many
from polyglot.store.futures import concurrently
from polyglot.store.manifest import Manifest, manifest_path
from polyglot.store.store import Store

QUIET = timedelta(minutes=3)  # without a sign for so long, a stage counts as interrupted


class StageState(StrEnum):
    """Where a stage is."""

    COMMITTED = "committed"
    FAILED = "failed"  # for good, until `retry`
    BLOCKED = "blocked"  # by a failed stage that it needs
    RUNNING = "running"
    PENDING = "pending"  # submitted to a cluster, which says why it does not start
    STUCK = "stuck"  # begun on a cluster, which says why it does not go on
    INTERRUPTED = "interrupted"  # begun, does not run now; the next submit goes on with it
    WAITING = "waiting"  # never begun


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One stage, observed. `detail` is a line for people: the reason, the progress, how long it took."""

    state: StageState
    detail: str
    attempts: int = 0
    progress: Progress | None = None
    manifest: Manifest | None = None
    withdrawn: str = ""  # by whom and why, when its result was and nothing has begun since


def survey(
    stages: Sequence[PlannedStage], store: Store, *, alive: Callable[[str], bool | None] | None = None
) -> dict[str, Observation]:
    """Observe every stage of a plan, by key. `stages` holds every input of every stage, earlier ones first."""
    manifests = committed_many(store, [planned.stage for planned in stages])
    rest = [planned for planned in stages if planned.key not in manifests]
    begun = dict(zip([p.key for p in rest], concurrently(lambda p: _begun(p, store, alive), rest), strict=True))
    seen: dict[str, Observation] = {}
    labels = {planned.key: planned.label for planned in stages}
    for planned in stages:
        manifest = manifests.get(planned.key)
        if manifest is not None:
            seen[planned.key] = Observation(
                state=StageState.COMMITTED, detail=took(manifest), manifest=manifest, attempts=_attempt(manifest)
            )
            continue
        own = begun[planned.key]
        inputs = planned.stage.inputs.values()
        broken = [key for key in inputs if seen[key].state in (StageState.FAILED, StageState.BLOCKED)]
        if own.state is StageState.WAITING and broken:
            own = Observation(
                state=StageState.BLOCKED, detail=f"needs {labels[broken[0]]}, which {_is(seen[broken[0]])}"
            )
        elif own.state is StageState.WAITING:
            needs = [labels[key] for key in inputs if seen[key].state is not StageState.COMMITTED]
            more = f" and {len(needs) - 1} more" if len(needs) > 1 else ""
            next_ = f"needs {needs[0]}{more}" if needs else "" if own.detail else "could start"
            own = replace(own, detail="; ".join(text for text in (own.detail, next_) if text))
        seen[planned.key] = own
    return seen


def took(manifest: Manifest) -> str:
    """Say how long a committed stage took, as its worker measured it."""
    seconds: Mapping[str, float] = manifest.volatile.get("seconds", {})
    parts = [f"took {sum(seconds.values()):.1f} s"] if seconds else []
    if _attempt(manifest) > 1:
        parts.append(f"attempt {_attempt(manifest)}")
    return ", ".join(parts)


def describe_progress(progress: Progress) -> str:
    """`120 of 400 steps, loss 2.31`."""
    figures = [f"{name} {value:.4g}" for name, value in progress.figures.items()]
    return ", ".join([f"{progress.done} of {progress.total} {progress.unit}", *figures])


def _attempt(manifest: Manifest) -> int:
    return int(manifest.volatile.get("attempt", 0))


def _is(observation: Observation) -> str:
    return "failed" if observation.state is StageState.FAILED else "is blocked"


def _begun(planned: PlannedStage, store: Store, alive: Callable[[str], bool | None] | None) -> Observation:
    """Observe a stage that is not committed, without a look at its inputs."""
    attempts = Attempts(store, planned.stage)
    numbers = attempts.numbers()
    if not numbers:
        return Observation(state=StageState.WAITING, detail="")
    newest = numbers[-1]
    failure = attempts.failure(newest)
    if failure is not None and failure.outcome == "permanent":
        return Observation(state=StageState.FAILED, detail=failure.reason, attempts=newest)
    progress = attempts.progress()
    so_far = f"; {describe_progress(progress)}" if progress else ""
    if failure is not None:
        detail = f"attempt {newest} failed and will be repeated: {failure.reason}"
        return Observation(state=StageState.INTERRUPTED, detail=detail, attempts=newest, progress=progress)
    running = alive(planned.key) if alive is not None else None
    note = _newest_note(planned, store, attempts, newest)
    if note is not None:
        detail = f"since {note.time:%H:%M:%S} UTC: {note.text}"
        state = StageState.STUCK if attempts.starts(newest) else StageState.PENDING
        return Observation(state=state, detail=detail, attempts=newest, progress=progress)
    if not running and (waits := _waits(planned, store, attempts, newest)) is not None:
        return waits
    if running is None:
        running = _shows_life(store, planned, newest)
    state = StageState.RUNNING if running else StageState.INTERRUPTED
    detail = f"attempt {newest}{so_far}" if newest > 1 or not so_far else so_far.removeprefix("; ")
    return Observation(state=state, detail=detail, attempts=newest, progress=progress)


def _waits(planned: PlannedStage, store: Store, attempts: Attempts, newest: int) -> Observation | None:
    """The observation of a stage whose newest attempt is over, or only allowed: nothing has begun since."""
    started = attempts.last_start(newest)
    if started is None:
        detail = f"attempt {newest} is allowed, not begun"
        return Observation(state=StageState.WAITING, detail=detail, attempts=newest)
    withdrawals = retractions(store, planned.stage.kind, planned.key)
    if withdrawals and started <= withdrawals[-1].time:
        said = withdrawals[-1].describe()
        return Observation(state=StageState.WAITING, detail=said, attempts=newest, withdrawn=said)
    stale = store.head(manifest_path(planned.stage.kind, planned.key))
    if stale is not None and started <= stale.modified:  # made from an input that has been made anew since
        return Observation(state=StageState.WAITING, detail="", attempts=newest)
    return None


def _shows_life(store: Store, planned: PlannedStage, number: int) -> bool:
    """True when anything was written below the attempt a short while ago, by the store's own clock."""
    signs = [entry.modified for entry in store.list(f"{planned.stage.path}/attempts/{number}/")]
    return bool(signs) and store.now() - max(signs) < QUIET


def _newest_note(planned: PlannedStage, store: Store, attempts: Attempts, number: int) -> Note | None:
    """What an attempt waits for, when nothing has been written below it since that was noted.

    What took a pod away is no word of its worker: a lost node's pods are given up minutes after it was noted.
    """
    entries = store.list(f"{planned.stage.path}/attempts/{number}/")
    signs = [(entry.modified, entry.path) for entry in entries if "/disruptions/" not in entry.path]
    return attempts.noted(number) if signs and "/notes/" in max(signs)[1] else None
