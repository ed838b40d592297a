"""What a stage computes on: how fast it is, and how much memory one has.

Peaks of GPUs are their makers' figures for bfloat16 without sparsity, bandwidths likewise (of links between the GPUs of
a node one way: NVLink, or PCIe 4 where they have none), memory as `nvidia-smi` shows it. What a training reaches of a
peak is assumed (`UTILISATION`): published loops of the same make (no fused kernels) reach 17 to 33 % on an H100. The
CPU's figures were measured on one thread of a shared x86-64 machine
(tests/bench/cost_estimate.py), and are what its training reaches, so that its utilisation is 1.
"""

import re
from dataclasses import dataclass

MIB = 2**20
BYTES_PER_GBIT = 125_000_000
UTILISATION = 0.25
NETWORK_GBIT = 10  # between nodes, where a pool does not say: what TCP reaches nearly everywhere; RDMA is to be said


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """`flops` are floating-point operations a second at the peak, `utilisation` is what a training reaches of them."""

    name: str
    flops: float
    bytes_per_second: float  # of its memory
    utilisation: float = UTILISATION
    memory_bytes: int = 0  # of a GPU; of a CPU its machine's counts
    link_bytes_per_second: float = 0.0  # to the GPUs of its node, one way; 0: not counted
    network_bytes_per_second: float = 0.0  # of its node to others
    is_gpu: bool = True
    threads: int = 1

    @property
    def reached(self) -> float:
        """Floating-point operations a second of a training."""
        return self.flops * self.utilisation

    def __str__(self) -> str:
        speed = self.reached / 1e12
        if not self.is_gpu:
            return f"{self.name} of {self.threads} thread{'s' * (self.threads > 1)} at {speed * 1e3:.0f} GFLOP/s"
        return f"{self.name} at {self.flops / 1e12:.0f} TFLOP/s, {self.utilisation:.0%} of them used: {speed:.0f}"


def _gpu(name: str, tflops: float, gb_per_second: float, mib: int, link: float) -> Device:
    return Device(
        name=name,
        flops=tflops * 1e12,
        bytes_per_second=gb_per_second * 1e9,
        memory_bytes=mib * MIB,
        link_bytes_per_second=link * 1e9,
        network_bytes_per_second=NETWORK_GBIT * BYTES_PER_GBIT,
    )


# by the name in a profile, in the order of their memory: what a pool is refused with is the first that does
GPUS = {
    "l4": _gpu("L4", 121, 300, 23034, 32),
    "a10": _gpu("A10", 125, 600, 23028, 32),
    "a100-40gb": _gpu("A100-40GB", 312, 1555, 40536, 300),
    "l40s": _gpu("L40S", 362, 864, 46068, 32),
    "h100": _gpu("H100", 989, 3350, 81559, 450),
    "a100": _gpu("A100-80GB", 312, 2039, 81920, 300),
    "h200": _gpu("H200", 989, 4800, 143771, 450),
    "b200": _gpu("B200", 2250, 8000, 183359, 900),
}

# By what CUDA calls it. Another make of one chip (H100 PCIe, H100 NVL, A10G) has another peak, and is not among them.
_CUDA_NAMES = {
    r"L4": "l4",
    r"A10": "a10",
    r"A100-(SXM4|PCIE)-40GB": "a100-40gb",
    r"L40S": "l40s",
    r"H100( 80GB HBM3)?": "h100",
    r"A100(-SXM4-80GB|-SXM-80GB| 80GB PCIe)": "a100",
    r"H200": "h200",
    r"B200": "b200",
}


def gpu_of(cuda_name: str) -> Device | None:
    """The GPU that CUDA calls so, such as "NVIDIA H100 80GB HBM3"; None for one whose peak is not known here."""
    model = cuda_name.removeprefix("NVIDIA ")
    return next((GPUS[name] for pattern, name in _CUDA_NAMES.items() if re.fullmatch(pattern, model)), None)


THREAD_FLOPS = 50e9  # measured: what training of models of 5 to 135 million parameters reaches in float32
THREAD_BYTES_PER_SECOND = 8e9


def cpu(threads: int) -> Device:
    """So many threads of a processor; more than one helps by less than as much."""
    scale = threads**0.8
    return Device(
        name="CPU",
        flops=THREAD_FLOPS * scale,
        bytes_per_second=THREAD_BYTES_PER_SECOND * min(scale, 2.0),
        utilisation=1.0,
        is_gpu=False,
        threads=threads,
    )
