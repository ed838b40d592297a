"""What running stages as Jobs costs beside the Jobs: polyglot's driver against bare Jobs, on a cluster.

    python -m tests.bench.orchestration [--rounds 2] [--links 30] [--width 100]

Both sides create the very same Jobs: rendered by the chart, the worker's image, its real entry
(`jobs.worker.container`, then `jobs.worker`), an order of a stage that writes one word, and the store: claim, blob,
manifest. So the two sides differ in orchestration alone. The bare side has its manifests rendered beforehand, keeps
one watch, creates the next Job of a chain as soon as it sees that the last one is complete, and asks the store
nothing.

The third side runs `true` in the same Jobs: what a cluster needs for a pod that does nothing. Its ratio says how
small a stage may be before Jobs are the wrong tool, and nothing of polyglot's driver.

Sides alternate, round by round; ended Jobs are removed before the next. It takes ten minutes a round on two
cores. Needs the test cluster, or another one with KUBECONFIG and the variables of tests/kit/cluster/target.py.
"""

import argparse
import os
import statistics
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from polyglot.core.stage import PlannedStage
from polyglot.engine.engine import run
from polyglot.schedulers.base import Attempt
from polyglot.schedulers.kubernetes.api import Api
from polyglot.schedulers.kubernetes.client import Client
from polyglot.schedulers.kubernetes.documents import condition
from polyglot.schedulers.kubernetes.names import MANAGED
from polyglot.schedulers.kubernetes.render.manifests import renderer
from polyglot.schedulers.kubernetes.scheduler import KubernetesScheduler
from tests.kit.cluster.installation import Installation, installed
from tests.kit.cluster.noop_study import images_of, submitted
from tests.kit.cluster.target import noop_reference, target
from tests.kit.graphs import chain, fan

Manifest = dict[str, Any]
_AT_ONCE = 8  # as many as the scheduler creates side by side
_LONGEST_SECONDS = 1800


class Bench:
    """An installation, and the three ways to run the same stages in it."""

    def __init__(self, installation: Installation, api: Api) -> None:
        """`api` is the bare side's; the driver gets one of its own, whose calls are counted."""
        self.installation, self.api = installation, api
        self.calls: Counter[str] = Counter()

    def driven(self, stages: Sequence[PlannedStage]) -> float:
        """Seconds that polyglot needs, from the first list to the last commit."""
        study, store = submitted(self.installation, stages), self.installation.store
        api = Api(Client(self.installation.namespace.target.api), self.installation.namespace.name)
        began = time.perf_counter()
        with KubernetesScheduler(
            api, study.submission.cluster, renderer(study.submission.cluster, study.submission.study, store)
        ) as scheduler:
            summary = run(stages, store, scheduler)
        took = time.perf_counter() - began
        if summary.committed != len(stages):
            raise RuntimeError(summary.describe())
        self.calls = api.calls
        return took

    def manifests(self, stages: Sequence[PlannedStage], command: Sequence[str] = ()) -> list[Manifest]:
        """The Jobs of the stages' first attempts; with a `command`, that in place of the worker."""
        study, store = submitted(self.installation, stages), self.installation.store
        attempts = [
            Attempt(
                planned=planned,
                number=1,
                store_url=store.url,
                input_kinds=dict.fromkeys(planned.stage.inputs, "noop"),
            )
            for planned in stages
        ]
        found = [dict(each) for each in renderer(study.submission.cluster, study.submission.study, store)(attempts)]
        for manifest in found if command else ():
            (container,) = manifest["spec"]["template"]["spec"]["containers"]
            del container["args"]
            container["command"] = list(command)
        return found

    def one_after_the_other(self, manifests: Sequence[Manifest]) -> float:
        """Seconds of bare Jobs, each created when the last is complete."""
        completions, began = self._completions(), time.perf_counter()
        for manifest in manifests:
            self.api.create_job(manifest)
            while next(completions) != manifest["metadata"]["name"]:
                pass
        return time.perf_counter() - began

    def at_once(self, manifests: Sequence[Manifest]) -> float:
        """Seconds of bare Jobs that are all created at once."""
        completions, began = self._completions(), time.perf_counter()
        left = {manifest["metadata"]["name"] for manifest in manifests}
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(self.api.create_job, manifests))
        while left:
            left.discard(next(completions))
        return time.perf_counter() - began

    def _completions(self) -> Iterator[str]:
        _, version = self.api.list("jobs", MANAGED)
        for event in self.api.watch("jobs", version, selector=MANAGED, seconds=_LONGEST_SECONDS):
            if event["type"] != "BOOKMARK" and condition(event["object"], "Failed"):
                raise RuntimeError(f"{event['object']['metadata']['name']} failed")
            if event["type"] != "BOOKMARK" and condition(event["object"], "Complete"):
                yield str(event["object"]["metadata"]["name"])

    def clear(self) -> None:
        """Remove all Jobs with their pods, and wait until they are gone."""
        core, name = self.installation.namespace.target.core, self.installation.namespace.name
        batch = self.installation.namespace.target.batch
        batch.delete_collection_namespaced_job(name, propagation_policy="Background")
        while core.list_namespaced_pod(name).items:
            time.sleep(1)


def measure(
    bench: Bench,
    what: str,
    rounds: int,
    stages: Callable[[str], Sequence[PlannedStage]],
    bare: Callable[[Sequence[Manifest]], float],
) -> None:
    """Run the sides in turn and print the figures."""
    sides: dict[str, list[float]] = {"driven": [], "bare": [], "true": []}
    for number in range(rounds):
        turn = list(sides) if number % 2 == 0 else list(sides)[::-1]
        for side in turn:
            one = stages(uuid.uuid4().hex)
            if side == "driven":
                sides[side].append(bench.driven(one))
            else:
                sides[side].append(bare(bench.manifests(one, ["true"] if side == "true" else [])))
            bench.clear()
            print(f"  round {number + 1}, {side}: {sides[side][-1]:.1f} s", flush=True)
    driven, plain, nothing = (statistics.median(times) for times in sides.values())
    num = len(stages(""))
    ratios = [one / other for one, other in zip(sides["driven"], sides["bare"], strict=True)]
    print(
        f"{what}: driven {driven:.1f} s, the same Jobs bare {plain:.1f} s, ratio {statistics.median(ratios):.2f} "
        f"({min(ratios):.2f} to {max(ratios):.2f}), {1000 * (driven - plain) / num:.0f} ms a stage"
    )
    print(f"{what}: Jobs that run `true` {nothing:.1f} s, ratio {driven / nothing:.2f}")
    watches = sum(count for name, count in bench.calls.items() if name.startswith("watch"))
    others = sum(bench.calls.values()) - watches
    print(f"{what}: {others / num:.2f} requests a stage and {watches} watches: {dict(bench.calls)}", flush=True)


def main() -> None:
    """Print one line a figure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--links", type=int, default=30, help="stages of the chain; 0: no chain")
    parser.add_argument("--width", type=int, default=100, help="stages side by side; 0: none")
    options = parser.parse_args()
    cluster = target()
    with (
        tempfile.TemporaryDirectory() as folder,
        installed(cluster, images_of(noop_reference(cluster)), Path(folder)) as installation,
    ):
        os.environ.update(installation.environment)  # the engine opens the store anew, less patient
        bench = Bench(installation, Api(Client(cluster.api), installation.namespace.name))
        if options.links:
            what = f"a chain of {options.links}"
            measure(
                bench, what, options.rounds, lambda nonce: chain(options.links, nonce=nonce), bench.one_after_the_other
            )
        if options.width:
            what = f"{options.width} side by side"
            measure(bench, what, options.rounds, lambda nonce: fan(options.width, nonce=nonce), bench.at_once)


if __name__ == "__main__":
    main()
