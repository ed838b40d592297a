"""Notes which GPUs it was given, and what its libraries are told of them."""

import os

from jobs.lib.context import Context
from tests.kit.noop_jobs import note


def run(context: Context) -> None:
    names = {"devices": "CUDA_VISIBLE_DEVICES", "omp": "OMP_NUM_THREADS", "nccl": "NCCL_DEBUG"}
    names["allocator"] = "PYTORCH_ALLOC_CONF"
    note(context, **{key: os.environ.get(name) for key, name in names.items()})
    (context.out / "text").write_text("x")
