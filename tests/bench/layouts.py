"""The layouts that `layout: auto` takes for the study's models on 1 to 16 GPUs, by estimate and as Jobs.

    python -m tests.bench.layouts [MODEL …]

The training is of Bactrian-X's five languages, an epoch in steps of 64. Nothing runs: a row says what a GPU would hold,
how long it would take, and whether the rendered Job has the pods and GPUs of its layout. 16 GPUs are two pods of 8 with
3,200 Gbit/s between them; each GPU has 12 CPUs. "beside" is what lies in the machine's memory.
"""

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

from polyglot.estimates.estimate import Estimated
from polyglot.schedulers.base import Attempt
from polyglot.schedulers.kubernetes.render.manifests import render_jobs
from tests.kit import estimates

GIB = 2**30
MODELS = ("teuken-7b", "mixtral-8x7b")
DEVICES = ("h100", "h200")
PLACES = ((1, 1), (2, 1), (4, 1), (8, 1), (8, 2))  # GPUs of a pod, pods
PARTS = ("weights", "gradients", "optimiser", "activations", "logits", "fetched", "process")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("models", nargs="*", default=MODELS)
    head = ["model", "GPUs", "layout", *PARTS, "GiB of a GPU", "beside", "hours", "Job: pods x GPUs"]
    print(f"| {' | '.join(head)} |")
    print(f"|{' --- |' * len(head)}")
    for model in parser.parse_args().models:
        for device in DEVICES:
            for gpus, ranks in PLACES:
                print(f"| {' | '.join(row(model, device, gpus, ranks))} |", flush=True)


def row(model: str, device: str, gpus: int, ranks: int) -> list[str]:
    """One line, cell by cell."""
    with TemporaryDirectory(prefix="layouts-") as folder:
        session, found = estimates.laid_out(Path(folder), model, device, gpus=gpus, ranks=ranks)
        cluster = session.profile.cluster
        assert cluster is not None  # noqa: S101
        attempt = Attempt(planned=found.planned, number=1, store_url="s3://bucket/prefix")
        (job,) = render_jobs([attempt], study="layouts", cluster=cluster)
    forecast = found.forecast
    parts = [f"{forecast.memory.get(part, 0) / GIB:.1f}" for part in PARTS]
    (container,) = job["spec"]["template"]["spec"]["containers"]
    limits = container["resources"]["limits"]
    return [
        model,
        f"{gpus * ranks} x {device.upper()}",
        layout(found),
        *parts,
        f"{(forecast.memory_bytes or 0) / GIB:.0f}",
        f"{(forecast.host_bytes or 0) / GIB:.0f}",
        f"{(forecast.seconds or 0) / 3600:.1f}",
        f"{job['spec']['completions']} x {limits.get('nvidia.com/gpu', 0)}",
    ]


def layout(found: Estimated) -> str:
    """What was chosen, in few words."""
    settings, resources = found.planned.settings, found.planned.resources
    again = settings["recompute"]
    words = {True: "all layers again", False: "none again"}.get(again, f"{again} layers again")  # type: ignore[arg-type]
    offload = ", offloaded" if settings.get("offload") else ""
    return f"{resources.ranks} x {resources.gpus}, {settings['micro_batch_tokens']:,} tokens, {words}{offload}"


if __name__ == "__main__":
    main()
