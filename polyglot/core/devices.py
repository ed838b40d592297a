"""NVIDIA GPUs of this machine, by their device files: CUDA would have to be installed to be asked."""

import glob


def nvidia_devices() -> tuple[str, ...]:
    """Their numbers, in order."""
    devices = (path.removeprefix("/dev/nvidia") for path in glob.glob("/dev/nvidia[0-9]*"))
    return tuple(sorted((device for device in devices if device.isdigit()), key=int))
