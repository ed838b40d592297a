"""How many processes an attempt has: pods times GPUs where ranks work together."""

import pytest

from polyglot.core.stage import Resources
from polyglot.kinds.registry import kind_of


@pytest.mark.parametrize(
    ("kind", "resources", "settings", "inside", "size"),
    [
        ("train", Resources(), {}, 1, 1),
        ("train", Resources(gpus=1, ranks=3), {}, 1, 3),
        ("train", Resources(gpus=4, ranks=2), {}, 4, 8),
        ("train", Resources(ranks=2), {"processes": 3}, 3, 6),
        ("train", Resources(), {"processes": None}, 1, 1),
        ("train", Resources(gpus=2), {"processes": 3}, 2, 2),  # the GPUs say it
        ("answer", Resources(gpus=4, ranks=2), {"engine": "vllm"}, 1, 2),  # one on all of a pod
        ("mix", Resources(gpus=2), {"processes": 2}, 1, 1),
    ],
)
def test_of_a_pod_and_in_all(
    kind: str, resources: Resources, settings: dict[str, int | str | None], inside: int, size: int
) -> None:
    declared = kind_of(kind)
    assert declared.processes(resources, settings) == inside
    assert declared.world_size(resources, settings) == size


def test_gpus_of_all_pods() -> None:
    assert Resources(gpus=4, ranks=2).total_gpus == 8
