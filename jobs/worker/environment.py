"""How libraries compute in this process; on what and from which code a result was made, as its manifest has it."""

import importlib.metadata
import os
import platform
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from jobs.lib.ranks import Ranks
from polyglot.core.canonical import Json
from polyglot.core.stage import Resources
from polyglot.kinds.registry import kind_of

# torch reads them when a GPU's memory is first asked for
_ALLOCATORS = ("PYTORCH_ALLOC_CONF", "PYTORCH_CUDA_ALLOC_CONF")
_ALLOCATOR_SINCE = (2, 15)  # known to know them: one that does not ends at a name, when a GPU is first used
ALLOCATOR = "pinned_max_round_threshold_mb:1,expandable_segments:True"


def set_threads(threads: int) -> None:
    """Fix the number of compute threads of this process: sums of floats depend on it."""
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(threads)
    torch = sys.modules.get("torch")
    if torch is not None:  # imported before the fork, so the variable was read already
        torch.set_num_threads(threads)


def prepare_for_gpus(*, own_torch: bool) -> None:
    """Say how libraries shall use GPUs, as far as the environment does not say it; before CUDA is touched.

    NCCL says why it leaves a network device unused. Torch rounds pinned blocks up to powers of two, by up to 1.4 times
    for the weights and gradients that `offload` holds in them; above 1 MB (c10/core/AllocatorConfig.h) it shall not.
    Segments that grow leave no gaps among tensors of unequal sizes. `own_torch` false: another program's torch, which
    may know none of this.
    """
    os.environ.setdefault("NCCL_DEBUG", "WARN")
    if own_torch and _torch_version() >= _ALLOCATOR_SINCE and not any(os.environ.get(name) for name in _ALLOCATORS):
        os.environ[_ALLOCATORS[0]] = ALLOCATOR


def _torch_version() -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in importlib.metadata.version("torch").split(".")[:2])
    except (importlib.metadata.PackageNotFoundError, ValueError):
        return ()


def execution(
    kind: str, *, threads: int, resources: Resources, ranks: Ranks, settings: Mapping[str, Json]
) -> dict[str, Json]:
    """What the job ran on. Call it after the job, when the device is known.

    `gpus` are those of a pod. `ranks` are the processes that worked together; how many of them shared a pod is said
    where that is more than one.
    """
    found: dict[str, Json] = {
        "device": "cpu",
        "threads": threads,
        "gpus": resources.gpus,
        "world_size": ranks.ranks,
        **({"local_world_size": ranks.local_ranks} if ranks.local_ranks > 1 else {}),
        "python": platform.python_version(),
        "platform": f"{platform.system()}-{platform.machine()}".lower(),
        "settings": {name: _without_credentials(value) for name, value in settings.items()},
    }
    for library in kind_of(kind).libraries:
        try:
            found[library] = importlib.metadata.version(library)
        except importlib.metadata.PackageNotFoundError:
            continue
    torch = sys.modules.get("torch") if kind_of(kind).kernels else None
    if torch is not None:
        if resources.gpus and torch.cuda.is_available():
            found["device"] = torch.cuda.get_device_name()
            found["kernels"] = f"cuda-{torch.version.cuda}"
        else:
            found["kernels"] = torch.backends.cpu.get_cpu_capability().lower()
    if image := os.environ.get("POLYGLOT_IMAGE"):
        found["image"] = image
    return found


def device_peak() -> dict[str, Json]:
    """The most of its GPU's memory that this process has held: what torch had reserved, without CUDA's own context."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        return {}
    return {"peak_device_memory_bytes": int(torch.cuda.max_memory_reserved())}


def provenance() -> dict[str, Json]:
    """The version of this package, and the git revision when it is known."""
    found: dict[str, Json] = {}
    try:
        found["polyglot-lab"] = importlib.metadata.version("polyglot-lab")
    except importlib.metadata.PackageNotFoundError:
        found["polyglot-lab"] = "unknown"
    revision = os.environ.get("POLYGLOT_REVISION") or _git_revision(Path(__file__).resolve().parents[2])
    if revision:
        found["git"] = revision
    return found


def _without_credentials(value: Json) -> Json:
    """A setting as it may be recorded: a URL with a user in it keeps its place and loses its content."""
    return "(hidden)" if isinstance(value, str) and re.search(r"//[^/]*@", value) else value


def _git_revision(root: Path) -> str:
    """The commit that a checkout is at, read from its files: starting git would cost every stage some milliseconds."""
    git = root / ".git"
    try:
        head = (git / "HEAD").read_text(encoding="ascii").strip()
        if not head.startswith("ref: "):
            return head
        name = head.removeprefix("ref: ")
        if (git / name).exists():
            return (git / name).read_text(encoding="ascii").strip()
        for line in (git / "packed-refs").read_text(encoding="utf-8").splitlines():
            if line.endswith(f" {name}"):
                return line.split()[0]
    except (OSError, UnicodeDecodeError):
        pass
    return ""
