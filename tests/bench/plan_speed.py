"""How long plans of 600, 2,000 and 20,000 stages take: building each with its keys, and saying what would run.

    python -m tests.bench.plan_speed

The comparison is with hashing alone: the canonical JSON and SHA-256 of the same documents, which no plan can avoid.
The last lines give the exponent with which each grows from the middle to the largest plan. Garbage is collected as
rarely as the command has it.
"""

import math
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import polyglot.__main__  # noqa: F401 - sets the collector
from polyglot.core.canonical import digest
from polyglot.plan.build import build_plan
from polyglot.plan.diagnose import diagnose
from polyglot.study.load import load_study
from polyglot.study.lock import lock_study
from polyglot.study.profile import load_profile

STUDY = """
study: large
models: {{tiny: {{built-in: {{}}}}}}
datasets: {{house: {{built-in: instructions}}}}
mixes: [EN, DE, FR, IT, ES, ENDEFRITES, DEFRITES, ENDEFRITES-sampled, DEFRITES-sampled]
sizes: [100, 200, 300, 400, full]
seeds: {seeds}
training: {{steps: 10}}
benchmark: {{built-in: verifiable}}
judge: {{endpoint: built-in}}
"""
REPEATS = 7
SEEDS = (4, 14, 148)


def large_study(seeds: int) -> str:
    """Nine mixes at five sizes: about 135 stages a seed."""
    return STUDY.format(seeds=list(range(seeds)))


def measure(work: Callable[[], object]) -> float:
    """Wall seconds of one call."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def medians(seeds: int) -> tuple[int, dict[str, float]]:
    """The stages of a plan, and the seconds that each side took; they alternate. Prints median and range of each."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "study.yaml"
        path.write_text(large_study(seeds), encoding="utf-8")
        locked, profile = lock_study(load_study(path)), load_profile("local")
    plan = build_plan(locked, profile)
    documents = [planned.stage.document() for planned in plan]
    earlier = plan.document()
    sides: dict[str, Callable[[], object]] = {
        "hash the documents alone": lambda: [digest(document) for document in documents],
        "build the plan": lambda: build_plan(locked, profile),
        "diagnose it": lambda: diagnose(plan, committed={}, failures={}, earlier=earlier),
    }
    times: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(REPEATS):
        for name, work in sides.items():
            times[name].append(measure(work))
    for name, seconds in times.items():
        low, high = min(seconds), max(seconds)
        print(f"{len(plan)} stages, {name}: median {statistics.median(seconds):.3f} s ({low:.3f} to {high:.3f})")
    return len(plan), {name: statistics.median(seconds) for name, seconds in times.items()}


def main() -> None:
    """Measure every size and print the growth."""
    *_, (few, before), (many, after) = [medians(seeds) for seeds in SEEDS]
    for name, seconds in after.items():
        power = math.log(seconds / before[name]) / math.log(many / few)
        print(f"{name}: grows with the power {power:.2f} of the stages")


if __name__ == "__main__":
    main()
