"""Why a stage is where it is, in lines for a person: everything that the store knows about it, newest last."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from polyglot.attempts.attempts import Attempts
from polyglot.attempts.history import History
from polyglot.attempts.retract import retractions
from polyglot.attempts.takers import replies_of
from polyglot.core.stage import PlannedStage
from polyglot.engine.logs import log_tail
from polyglot.engine.survey import Observation, StageState, describe_progress, survey
from polyglot.store.committed import committed
from polyglot.store.manifest import Manifest
from polyglot.store.store import Store

_TAIL_LINES, _TAIL_RANKS = 8, 4
_DISRUPTIONS = 5  # the newest; a pool of preemptible nodes makes dozens

_CAME_SOMEWHERE = (StageState.RUNNING, StageState.STUCK, StageState.INTERRUPTED)
_SAYS = {
    StageState.COMMITTED: "is committed",
    StageState.FAILED: "failed for good",
    StageState.BLOCKED: "cannot run",
    StageState.RUNNING: "is running",
    StageState.PENDING: "is submitted and does not start",
    StageState.STUCK: "was begun and is stuck",
    StageState.INTERRUPTED: "was begun and does not run now; the next submit goes on with it",
    StageState.WAITING: "has not begun",
    StageState.UNNEEDED: "is not needed",
}


def explain(
    planned: PlannedStage,
    store: Store,
    by_key: Mapping[str, PlannedStage],
    *,
    alive: Callable[[str], bool | None] | None = None,
) -> Iterator[str]:
    """Yield the answer in one line, then what it rests on.

    `by_key` holds everything upstream of the stage, and of a check what comes after it; `alive` is as for `survey`.
    """
    behind = [other for other in by_key.values() if planned.key in other.after]
    seen = survey(_upstream([planned, *behind], by_key), store, alive=alive)
    own = seen[planned.key]
    says = "runs again at the next submit" if own.withdrawn else _SAYS[own.state]
    yield f"{planned.label} {says}" + (f": {own.detail}" if own.detail else "")
    yield f"  key {planned.key}"
    if own.manifest is not None:
        yield from _committed(own.manifest, by_key)
    else:
        stale = committed(store, planned.stage.kind, planned.key)
        if stale is not None:
            yield "  it was committed from an input that has been withdrawn or made anew since, so it runs again"
        yield from _inputs(planned, by_key, seen)
    for withdrawal in retractions(store, planned.stage.kind, planned.key):
        yield f"  withdrawn at {withdrawal.time:%Y-%m-%d %H:%M:%S} UTC by {withdrawal.who}: {withdrawal.reason}"
    number = own.manifest.attempt if own.manifest else 0
    history = own.history or History(store, planned.stage)
    yield from _attempts(history, committed_number=number)
    failure = history.failure(history.numbers[-1]) if own.state is StageState.FAILED else None
    yield from (f"    {line}" for line in (failure.findings if failure else ()))
    if own.state in (StageState.FAILED, StageState.INTERRUPTED):
        yield from _end_of_log(history, Attempts(store, planned.stage))
    if own.progress is not None and own.state in _CAME_SOMEWHERE:
        yield f"  it came to {describe_progress(own.progress)} ({own.progress.time:%Y-%m-%d %H:%M:%S} UTC)"
    if own.state is StageState.FAILED:
        again = "submit again" if behind else f"`polyglot retry {planned.name}` and submit again"
        yield f"  remedy: mend the cause, then {again}"


def _upstream(stages: Sequence[PlannedStage], by_key: Mapping[str, PlannedStage]) -> list[PlannedStage]:
    """Stages and all that they need, earlier ones first."""
    found: dict[str, PlannedStage] = {}
    path = list(stages)
    while path:
        missing = [by_key[key] for key in path[-1].needs if key not in found]
        if missing:
            path.append(missing[0])
        else:
            stage = path.pop()
            found[stage.key] = stage
    return list(found.values())


def _committed(manifest: Manifest, by_key: Mapping[str, PlannedStage]) -> Iterator[str]:
    yield f"  result {manifest.result}, {len(manifest.files)} files, {sum(f.bytes for f in manifest.files):,} bytes"
    if ended := manifest.volatile.get("ended"):
        yield f"  committed {ended}"
    ran = [f"{name} {value}" for name, value in manifest.execution.items() if isinstance(value, str | int)]
    yield f"  ran on {', '.join(ran)}"
    for role, key in sorted(manifest.stage.inputs.items()):
        yield f"  read {role}: {by_key[key].label}, result {manifest.inputs[role][:12]}"
    for origin, calls in replies_of(manifest).items():
        kind, _, key = origin.partition("/")
        asked = by_key[key].label if key in by_key else f"{kind} {key[:12]}"
        yield f"  took the replies to {calls} calls of {asked}, which had asked the same"


def _inputs(
    planned: PlannedStage, by_key: Mapping[str, PlannedStage], seen: Mapping[str, Observation]
) -> Iterator[str]:
    for role, key in planned.stage.inputs.items():
        if seen[key].state is not StageState.COMMITTED:
            detail = f": {seen[key].detail}" if seen[key].detail else ""
            yield f"  needs {role}: {by_key[key].label}, which {_SAYS[seen[key].state]}{detail}"
    for key in planned.after:
        if seen[key].state not in (StageState.COMMITTED, StageState.UNNEEDED):
            detail = f": {seen[key].detail}" if seen[key].detail else ""
            yield f"  comes after {by_key[key].label}, which {_SAYS[seen[key].state]}{detail}"


def _attempts(history: History, *, committed_number: int) -> Iterator[str]:
    for number in history.numbers:
        failure = history.failure(number)
        starts = history.starts(number)
        times = f", {starts} starts" if starts > 1 else ""
        times += f", given {given}" if (given := history.given(number)) else ""
        if failure is None:
            note = history.noted(number) if number != committed_number else None
            begun = "no end recorded" if starts else "not begun" if note else "allowed, not begun"
            ended = "committed" if number == committed_number else begun
            waited = f"; at {note.time:%Y-%m-%d %H:%M:%S} UTC it waited: {note.text}" if note else ""
            yield f"  attempt {number}{times}: {ended}{waited}"
        else:
            peak = f" (peak memory {failure.peak_memory_bytes / 2**30:.2f} GiB)" if failure.peak_memory_bytes else ""
            ended = f"{failure.outcome} at {failure.time:%Y-%m-%d %H:%M:%S} UTC"
            next_ = _went_on(history, number, starts, f"attempt {number + 1}") if history.starts(number + 1) else ""
            yield f"  attempt {number}{times}: {ended}: {failure.reason}{peak}{next_}"
        yield from _disruptions(history, number, starts)


def _end_of_log(history: History, attempts: Attempts) -> Iterator[str]:
    """The last lines of the newest attempt that has said anything, by rank."""
    for number in reversed(history.numbers):
        ends = {rank: log_tail(attempts.of_rank(rank), number, _TAIL_LINES) for rank in history.ranks(number)}
        for rank, lines in list(ends.items())[:_TAIL_RANKS]:
            if lines:
                whose = f"rank {rank} in " if len(ends) > 1 else ""
                yield f"  the end of the log of {whose}attempt {number}:"
                yield from (f"    {line}" for line in lines)
        if any(ends.values()):
            return


def _disruptions(history: History, number: int, starts: int) -> Iterator[str]:
    """What took the workers of an attempt away, a line each."""
    found = history.disruptions(number)
    if len(found) > _DISRUPTIONS:
        yield f"  attempt {number}: {len(found) - _DISRUPTIONS} earlier disruptions"
    for one in found[-_DISRUPTIONS:]:
        next_ = _went_on(history, number, one.start, f"start {one.start + 1}") if one.start < starts else ""
        yield f"  attempt {number}: {one.text}{next_}"


def _went_on(history: History, number: int, start: int, who: str) -> str:
    """Where the next one took up what was saved up to a start of an attempt."""
    step = history.step_reached(number, start)
    return f"; {who} went on from the checkpoint of step {step}" if step else f"; {who} followed"
