"""What of this machine a process may compute on: its cores, and NVIDIA GPUs by their device files.

CUDA would have to be installed to be asked.
"""

import glob
import os

MACHINE_CPUS = "POLYGLOT_MACHINE_CPUS"  # of a worker's environment: how many it may take while nobody else does


def usable_cpus() -> int:
    """How many cores this process may compute on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def nvidia_devices() -> tuple[str, ...]:
    """Their numbers, in order."""
    devices = (path.removeprefix("/dev/nvidia") for path in glob.glob("/dev/nvidia[0-9]*"))
    return tuple(sorted((device for device in devices if device.isdigit()), key=int))
