"""Plans of tiny stages, and a driver process for them.

    python -m tests.kit.graphs STORE STATE GRAPH [--warm] [--patient]

Runs the graph by name as `polyglot submit` would: engine, local scheduler, exit codes.
"""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from polyglot.core.canonical import Json
from polyglot.core.errors import Exit, PolyglotError
from polyglot.core.stage import PlannedStage, Resources, Stage
from polyglot.engine.engine import run
from polyglot.engine.outcomes import Limits
from polyglot.schedulers.local.budget import Budget
from polyglot.schedulers.local.scheduler import LocalScheduler
from polyglot.store.locate import open_store

MIB = 2**20
JOBS = {"POLYGLOT_JOBS_PACKAGE": "tests.kit.noop_jobs"}


def stage(
    kind: str,
    name: str,
    needs: Sequence[PlannedStage] = (),
    *,
    resources: Resources | None = None,
    settings: Mapping[str, Json] | None = None,
    **params: Json,
) -> PlannedStage:
    """One planned stage; `needs` become inputs "a", "b", …"""
    return PlannedStage(
        stage=Stage(
            kind=kind,
            version=1,
            params={"name": name, **params},
            inputs={f"{chr(97 + i)}": one.key for i, one in enumerate(needs)},
        ),
        label=f"{kind} {name}",
        resources=resources or Resources(memory_bytes=256 * MIB, grace_seconds=5),
        settings=settings or {},
    )


def diamonds(seconds: float = 0.05) -> list[PlannedStage]:
    """Twelve stages: a root, two layers of diamonds with a stage of steps among them, a sink."""
    root = stage("noop", "root", seconds=seconds)
    left = [stage("noop", f"left{i}", [root], seconds=seconds) for i in range(4)]
    middle = stage("steps", "middle", [root], steps=8, seconds=seconds / 2)
    right = [stage("noop", f"right{i}", [left[i], left[(i + 1) % 4]], seconds=seconds) for i in range(4)]
    late = stage("noop", "late", [middle, right[0]], seconds=seconds)
    sink = stage("noop", "sink", [*right, late], seconds=seconds)
    return [root, *left, middle, *right, late, sink]


def chain(length: int, **params: Json) -> list[PlannedStage]:
    """Stages one after the other; `params` are every stage's, so that the same chain can be made again."""
    stages: list[PlannedStage] = []
    for i in range(length):
        stages.append(stage("noop", f"link{i}", stages[-1:], **params))
    return stages


def fan(width: int, **params: Json) -> list[PlannedStage]:
    """Stages that need nothing."""
    return [stage("noop", f"one{i}", **params) for i in range(width)]


def deaf(grace_seconds: int) -> PlannedStage:
    """A stage that never looks whether it shall stop."""
    resources = Resources(memory_bytes=256 * MIB, grace_seconds=grace_seconds)
    return stage("failing", "deaf", how="stuck", resources=resources)


GRAPHS = {
    "diamonds": diamonds,
    "slow": lambda: [stage("steps", "slow", steps=200, seconds=0.05)],
    "short": lambda: [stage("steps", "short", steps=30, seconds=0.05)],
    "chain": lambda: chain(5),
    "polite": lambda: [stage("failing", "polite", how="polite")],
    "deaf": lambda: [deaf(grace_seconds=2)],
    "deaf-for-long": lambda: [deaf(grace_seconds=60)],
    "deaf-steps": lambda: [
        stage("steps", "deaf", steps=6, deaf_after=3, resources=Resources(memory_bytes=256 * MIB, grace_seconds=1))
    ],
    "starving": lambda: [stage("failing", "starving", how="eat", resources=Resources(memory_bytes=1024 * MIB))],
    "broken": lambda: [stage("failing", "broken", how="permanent")],
}


def small_budget(cpus: int = 4) -> Budget:
    """Room for a few tiny workers, whatever the machine has."""
    return Budget(cpus=cpus, memory_bytes=2048 * MIB)


def main() -> int:
    """Drive one graph to its end."""
    parser = argparse.ArgumentParser()
    parser.add_argument("store")
    parser.add_argument("state", type=Path)
    parser.add_argument("graph", choices=sorted(GRAPHS))
    parser.add_argument("--warm", action="store_true")
    parser.add_argument("--patient", action="store_true")
    options = parser.parse_args()
    store = open_store(options.store)
    if options.patient:
        store.impatient = lambda: store  # type: ignore[method-assign]
    limits = Limits(max_attempts=50, backoff_seconds=0.05, max_backoff_seconds=0.1)
    try:
        with LocalScheduler(
            options.state, budget=small_budget(), warm=options.warm, environment={**os.environ, **JOBS}
        ) as scheduler:
            summary = run(GRAPHS[options.graph](), store, scheduler, limits=limits)
    except PolyglotError as error:
        print(error, file=sys.stderr)
        return int(error.exit_code)
    print(summary.describe(), file=sys.stderr)
    return int(Exit.FAILED if summary.failed or summary.blocked else Exit.FINE)


if __name__ == "__main__":
    sys.exit(main())
