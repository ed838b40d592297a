"""What a plan would do, and because of what: a pure join of a plan with what was observed in a store."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from polyglot.core.stage import PlannedStage, PlanRow, StageDocument
from polyglot.core.units import show_first
from polyglot.plan.plan import Plan, checks, unneeded

NOTHING_WAITS = "all that would come after it is committed"


class State(StrEnum):
    """What would become of a stage if the study were submitted now."""

    CACHED = "cached"
    WILL_RUN = "will run"
    BLOCKED = "blocked"
    UNNEEDED = "not needed"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One stage's state with its cause in one line: "judge changed: params.prompts_sha256.EN 1a2b… -> 3c4d…"."""

    planned: PlannedStage
    state: State
    because: str


def diagnose(
    plan: Plan,
    *,
    committed: Mapping[str, object],
    failures: Mapping[str, str],
    earlier: Sequence[PlanRow],
    withdrawn: Mapping[str, str] | None = None,
) -> list[Diagnosis]:
    """Say for every stage what would happen.

    `committed` has the keys whose manifests stand, `failures` maps keys to the reason of a permanent failure, `earlier`
    holds rows of `Plan.document()` from earlier submissions of the study, in any order, `withdrawn` maps keys to what
    is said of the withdrawal of their result.
    """
    past: dict[str, list[StageDocument]] = {}
    for row in earlier:
        past.setdefault(row["label"], []).append(row["stage"])
    states: dict[str, State] = {}
    found = []
    idle = unneeded(plan, committed)
    looks = {planned.key for planned in checks(plan)}
    for planned in plan:
        if planned.key in idle:
            state, because = State.UNNEEDED, NOTHING_WAITS
        elif planned.key in looks and planned.key in failures:
            state, because = State.WILL_RUN, f"it is looked at anew; it failed: {failures[planned.key]}"
        else:
            state, because = _judge(planned, plan, committed, failures, states, past)
        if state is State.WILL_RUN and withdrawn and planned.key in withdrawn:
            because = withdrawn[planned.key]
        states[planned.key] = state
        found.append(Diagnosis(planned, state, because))
    return found


def _judge(
    planned: PlannedStage,
    plan: Plan,
    committed: Mapping[str, object],
    failures: Mapping[str, str],
    states: Mapping[str, State],
    past: Mapping[str, list[StageDocument]],
) -> tuple[State, str]:
    if planned.key in committed:
        return State.CACHED, "committed"
    if planned.key in failures:
        remedy = f"`polyglot retry {planned.name}` lets it try again"
        return State.BLOCKED, f"failed for good: {failures[planned.key]}; {remedy}"
    sources = [plan.by_key[key] for key in planned.needs]
    for source in sources:
        if states[source.key] is State.BLOCKED:
            return State.BLOCKED, f"needs {source.label}, which is blocked"
    change = _nearest_change(planned, past.get(planned.label, ()))
    waits = [source.label for source in sources if states[source.key] is State.WILL_RUN]
    if change:
        return State.WILL_RUN, change
    if waits:
        return State.WILL_RUN, f"needs {show_first(waits)}"
    return State.WILL_RUN, "not computed yet"


def _nearest_change(planned: PlannedStage, documents: Sequence[StageDocument]) -> str:
    """Compare with the most similar stage that an earlier plan had under the same label."""
    own = planned.stage.document()
    others = [list(_differences(document, own)) for document in documents]
    nearest = min(others, key=len, default=[])
    if not nearest:
        return ""
    params = [text for path, text in nearest if not path.startswith("inputs")]
    shown = params or [f"input {path.removeprefix('inputs.')} changed" for path, _ in nearest]
    more = f" and {len(shown) - 2} more" if len(shown) > 2 else ""
    return f"{planned.stage.kind} changed: " + "; ".join(shown[:2]) + more


def _differences(old: object, new: object, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield (path, "path old -> new") for every leaf that differs."""
    if old == new:
        return
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for name in sorted({*old, *new}):
            yield from _differences(old.get(name), new.get(name), f"{path}.{name}" if path else name)
    else:
        yield path, f"{path} {_short(old)} -> {_short(new)}"


def _short(value: object) -> str:
    """A value as the study file spells it; of a list or a mapping the count."""
    if isinstance(value, Mapping):
        return f"{len(value)} key" + ("s" if len(value) != 1 else "")
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(str, value))}]" if _is_plain(value) else f"a list of {len(value)}"
    if value is None or isinstance(value, bool):
        return {None: "nothing", True: "true", False: "false"}[value]
    text = str(value) or "''"
    if len(text) == 64 and all(c in "0123456789abcdef" for c in text):
        return text[:8] + "…"
    return text if len(text) <= 40 else text[:39] + "…"


def _is_plain(values: Sequence[object]) -> bool:
    """Whether a list is short and of words or numbers."""
    return len(values) <= 5 and all(isinstance(value, str | int | float) and len(str(value)) <= 20 for value in values)
