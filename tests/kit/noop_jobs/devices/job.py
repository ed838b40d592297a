"""Notes which GPUs it was given."""

import os

from jobs.lib.context import Context
from tests.kit.noop_jobs import note


def run(context: Context) -> None:
    note(context, devices=os.environ.get("CUDA_VISIBLE_DEVICES"), omp=os.environ.get("OMP_NUM_THREADS"))
    (context.out / "text").write_text("x")
