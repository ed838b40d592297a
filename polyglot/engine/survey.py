"""Where every stage of a plan is, read from the store alone: for `status`, `watch`, `plan` and `why`.

Whether a begun stage still runs is not in the store. `alive` knows it of what this machine has ever worked on (its lock
is held, or free); otherwise a sign of life in the last minutes is taken for it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

from polyglot.attempts.attempts import PERMANENT
from polyglot.attempts.history import History
from polyglot.attempts.progress import Progress
from polyglot.attempts.retract import retractions
from polyglot.core.stage import PlannedStage
from polyglot.core.units import show_first
from polyglot.plan.diagnose import NOTHING_WAITS
from polyglot.plan.plan import unneeded
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
    UNNEEDED = "not needed"  # a check: all that would come after it is committed


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One stage, observed. `detail` is a line for people: the reason, the progress, how long it took."""

    state: StageState
    detail: str
    attempts: int = 0
    progress: Progress | None = None
    manifest: Manifest | None = None
    history: History | None = None  # of its attempts, when it is not committed
    withdrawn: str = ""  # by whom and why, when its result was and nothing has begun since


def survey(
    stages: Sequence[PlannedStage], store: Store, *, alive: Callable[[str], bool | None] | None = None
) -> dict[str, Observation]:
    """Observe every stage of a plan, by key. `stages` holds all that any of them needs, earlier ones first."""
    manifests = committed_many(store, [planned.stage for planned in stages])
    idle = unneeded(stages, manifests)
    rest = [planned for planned in stages if planned.key not in manifests and planned.key not in idle]
    begun = dict(zip([p.key for p in rest], concurrently(lambda p: _begun(p, store, alive), rest), strict=True))
    seen: dict[str, Observation] = {}
    labels = {planned.key: planned.label for planned in stages}
    for planned in stages:
        manifest = manifests.get(planned.key)
        if manifest is not None:
            seen[planned.key] = Observation(
                state=StageState.COMMITTED, detail=took(manifest), manifest=manifest, attempts=manifest.attempt
            )
            continue
        if planned.key in idle:
            seen[planned.key] = Observation(state=StageState.UNNEEDED, detail=NOTHING_WAITS)
            continue
        own = begun[planned.key]
        broken = [key for key in planned.needs if seen[key].state in (StageState.FAILED, StageState.BLOCKED)]
        if own.state is StageState.WAITING and broken:
            needs = f"needs {labels[broken[0]]}, which {_is(seen[broken[0]])}"
            own = Observation(state=StageState.BLOCKED, detail=needs, history=own.history)
        elif own.state is StageState.WAITING:
            others = [labels[key] for key in planned.needs if seen[key].state is not StageState.COMMITTED]
            next_ = f"needs {show_first(others)}" if others else "" if own.detail else "could start"
            own = replace(own, detail="; ".join(text for text in (own.detail, next_) if text))
        seen[planned.key] = own
    return seen


def took(manifest: Manifest) -> str:
    """Say how long a committed stage took, as its worker measured it."""
    parts = [f"took {manifest.seconds:.1f} s"] if manifest.seconds is not None else []
    if manifest.attempt > 1:
        parts.append(f"attempt {manifest.attempt}")
    return ", ".join(parts)


def describe_progress(progress: Progress) -> str:
    """`120 of 400 steps, loss 2.31`, and what the job waits for."""
    figures = [f"{name} {value:.4g}" for name, value in progress.figures.items()]
    came = ", ".join([f"{progress.done} of {progress.total} {progress.unit}", *figures]) if progress.unit else ""
    return _joined(came, progress.remark)


def _joined(*parts: str) -> str:
    return "; ".join(part for part in parts if part)


def _is(observation: Observation) -> str:
    return "failed" if observation.state is StageState.FAILED else "is blocked"


def _begun(planned: PlannedStage, store: Store, alive: Callable[[str], bool | None] | None) -> Observation:
    """Observe a stage that is not committed, without a look at its inputs."""
    history = History(store, planned.stage)
    if not history.numbers:
        return Observation(state=StageState.WAITING, detail="", history=history)
    newest = history.numbers[-1]
    seen = Observation(state=StageState.RUNNING, detail="", attempts=newest, history=history)
    failure = history.failure(newest)
    if failure is not None and failure.outcome == PERMANENT:
        return replace(seen, state=StageState.FAILED, detail=failure.reason)
    seen = replace(seen, progress=history.progress())
    if failure is not None:
        detail = f"attempt {newest} failed and will be repeated: {failure.reason}"
        return replace(seen, state=StageState.INTERRUPTED, detail=detail)
    more = f"given {history.given(newest)}" if history.given(newest) else ""
    if note := history.waits(newest):
        state = StageState.STUCK if history.starts(newest) else StageState.PENDING
        return replace(seen, state=state, detail=_joined(f"since {note.time:%H:%M:%S} UTC: {note.text}", more))
    running = alive(planned.key) if alive is not None else None
    if not running and (waits := _waits(planned, store, seen, history)) is not None:
        return waits
    if running is None:
        sign = history.last_sign(newest)
        running = sign is not None and store.now() - sign < QUIET
    parts = [f"attempt {newest}"] if newest > 1 or seen.progress is None else []
    parts += [more] if more else []
    parts += [describe_progress(seen.progress)] if seen.progress else []
    return replace(seen, state=StageState.RUNNING if running else StageState.INTERRUPTED, detail="; ".join(parts))


def _waits(planned: PlannedStage, store: Store, seen: Observation, history: History) -> Observation | None:
    """The observation of a stage whose newest attempt is over, or only allowed: nothing has begun since."""
    waiting = replace(seen, state=StageState.WAITING, progress=None)
    started = history.last_start(seen.attempts)
    if started is None:
        more = history.given(seen.attempts)
        return replace(
            waiting, detail=_joined(f"attempt {seen.attempts} is allowed, not begun", more and f"given {more}")
        )
    withdrawals = retractions(store, planned.stage.kind, planned.key)
    if withdrawals and started <= withdrawals[-1].time:
        said = withdrawals[-1].describe()
        return replace(waiting, detail=said, withdrawn=said)
    stale = store.head(manifest_path(planned.stage.kind, planned.key))
    if stale is not None and started <= stale.modified:  # made from an input that has been made anew since
        return waiting
    return None
