"""How long 2,000 stages take to become Jobs, in one run of helm; the goal is 20 s.

    python -m tests.bench.render_speed

The parts: making values, helm alone, reading what it printed.
"""

import time
from collections.abc import Callable

from polyglot.schedulers.kubernetes.render.helm import template
from polyglot.schedulers.kubernetes.render.manifests import parse_manifests, render_jobs
from polyglot.schedulers.kubernetes.render.values import stage_values
from tests.kit.clusters import attempt, cluster

STAGES = 2000
REPEATS = 3


def measure(what: str, work: Callable[[], object]) -> None:
    """Print the best and the worst of a few wall times."""
    times = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    print(f"{STAGES} stages, {what}: {min(times):.2f} s at best, {max(times):.2f} s at worst of {REPEATS}", flush=True)


def main() -> None:
    """Print the figures."""
    where = cluster(environment={"AWS_ENDPOINT_URL_S3": "http://store.example:7070", "AWS_REGION": "us-east-1"})
    attempts = [attempt("train", seed=number, ranks=1 + number % 2) for number in range(STAGES)]
    values = [stage_values(one, study="large", cluster=where).document() for one in attempts]
    text = template("stage", {"stages": values})
    print(f"{len(text) / 2**20:.1f} MiB of manifests")
    measure("values", lambda: [stage_values(one, study="large", cluster=where).document() for one in attempts])
    measure("helm template", lambda: template("stage", {"stages": values}))
    measure("parse", lambda: parse_manifests(text))
    measure("all: render_jobs", lambda: render_jobs(attempts, study="large", cluster=where))


if __name__ == "__main__":
    main()
