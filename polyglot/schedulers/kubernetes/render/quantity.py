"""Bytes as a Kubernetes quantity."""


def quantity(count: int) -> str:
    """4294967296 -> `4Gi`: the largest unit that is exact, so that equal sizes are equal texts."""
    for power, unit in ((4, "Ti"), (3, "Gi"), (2, "Mi"), (1, "Ki")):
        if count and count % 1024**power == 0:
            return f"{count // 1024**power}{unit}"
    return str(count)
