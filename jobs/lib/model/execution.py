"""How a model computes on this machine: threads, determinism, and what of it is recorded with the result."""

import ctypes
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch

from jobs.lib.context import Context
from jobs.lib.model.loading import choose_device
from jobs.lib.ranks import Ranks
from polyglot.core.canonical import Json
from polyglot.core.devices import nvidia_devices
from polyglot.core.errors import PolyglotError
from polyglot.kinds import settings

CPU_FOR_GPUS = "POLYGLOT_CPU_FOR_GPUS"


def threads_of(context: Context) -> int:
    """CPU threads of an attempt: the execution setting, else the CPUs that the plan gave."""
    return settings.threads_of(context.settings) or max(1, context.resources.cpus)


_M_MMAP_THRESHOLD = -3  # glibc's malloc.h
_LARGE = 2**20


def return_large_blocks() -> None:
    """Have this process give every block of 1 MiB or more back to the system when it is freed, where libc can.

    glibc keeps blocks of up to 32 MiB for later use, and the activations of steps of other sizes do not fit into the
    gaps: a training on a CPU grew by a fifth of its peak in a few steps.
    """
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)
    if set_option is not None:
        set_option(_M_MMAP_THRESHOLD, _LARGE)


# What libraries read of the environment that would change a result and is in no key: how accelerate casts and wraps
# a model, and in which type matrices are multiplied.
_AMBIENT = re.compile(r"ACCELERATE_\w+|(ONEDNN|DNNL)_DEFAULT_FPMATH_MODE|(TORCH_ALLOW|NVIDIA)_TF32_\w*OVERRIDE")


@contextmanager
def _without_ambient() -> Iterator[None]:
    before = {name: os.environ.pop(name) for name in list(os.environ) if _AMBIENT.fullmatch(name)}
    try:
        yield
    finally:
        os.environ.update(before)


@contextmanager
def computing(threads: int, *, deterministic: bool) -> Iterator[None]:
    """Compute with that many threads, on the CPU bit for bit the same each time; what was set before comes back.

    Variables of the environment that would change a result do not count meanwhile.
    """
    before = (
        torch.get_num_threads(),
        torch.are_deterministic_algorithms_enabled(),
        torch.utils.deterministic.fill_uninitialized_memory,  # type: ignore[attr-defined]
    )
    torch.set_num_threads(threads)
    if deterministic:
        torch.use_deterministic_algorithms(True)
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined] # nothing reads it
    try:
        with _without_ambient():
            yield
    finally:
        torch.set_num_threads(before[0])
        torch.use_deterministic_algorithms(before[1])
        torch.utils.deterministic.fill_uninitialized_memory = before[2]  # type: ignore[attr-defined]


def unused_gpus(asked: int) -> str:
    """What is to be said of GPUs that this pod has and its processes compute without; "" where there are none such.

    `asked` is how many the plan gave it. Raises PolyglotError where it gave some and none works, as the node's driver
    or a broken device plugin may have it: another node's may, and a CPU takes a hundred times as long. With
    POLYGLOT_CPU_FOR_GPUS=1 in the environment, for a cluster whose GPUs are made up, it computes there.
    """
    devices = len(nvidia_devices())
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES") == ""  # of a stage that asks for none: its driver has told it
    if not torch.cuda.is_available():
        if not asked and (hidden or not devices):
            return ""
        there = f"{devices} NVIDIA devices are there" if devices else "no NVIDIA device is there"
        why = "is built without CUDA" if torch.version.cuda is None else "does not get CUDA to work (driver, libraries)"
        said = f"{asked} GPUs were asked for, {there}, and torch {torch.__version__} {why}"
        if asked and os.environ.get(CPU_FOR_GPUS) != "1":
            raise PolyglotError(f"{said}. See `nvidia-smi` on the node: docs/images.md has the driver that it takes")
        return f"{said}: it computes on the CPU"
    found, used = torch.cuda.device_count(), Ranks.read().local_ranks
    verb = "is" if used == 1 else "are"
    return f"{found} GPUs are there and {used} {verb} used: a process computes on one" if found > used else ""


def tell_unused_gpus(context: Context) -> None:
    """Say so in the log. Raises PolyglotError as `unused_gpus` does."""
    if unused := unused_gpus(context.resources.gpus):
        context.log.warning("%s", unused)


def described(threads: int, *, dtype: str, ranks: int = 1) -> Mapping[str, Json]:
    """The environment class of a result: digests are compared within one, scores across."""
    device = choose_device()
    return {
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
        "threads": threads,
        "torch": torch.__version__,
        "dtype": dtype,
        "ranks": ranks,
    }
