"""Node pools: how the pods of a stage kind are placed on a cluster."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from polyglot.core.section import Broken, Problem, Section, tuple_of
from polyglot.study.amounts import Bytes, GpuName
from polyglot.study.objects import DnsName, LabelValue, QualifiedName, Text

Operator = Literal["Exists", "Equal"]
_OWN_RESOURCES = ("cpu", "memory", "ephemeral-storage")  # of a stage
_MOST = 2**53  # Helm reads numbers as floating point
Effect = Literal["NoSchedule", "PreferNoSchedule", "NoExecute"]


class Toleration(Section):
    """A taint that the pods of a pool put up with."""

    key: QualifiedName | None = None
    """Of the taint; left out with operator Exists: every taint."""
    operator: Operator = "Equal"
    value: LabelValue = ""
    effect: Effect | None = None
    """Left out: every effect."""
    toleration_seconds: int | None = Field(None, ge=0)
    """How long a NoExecute taint is put up with."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.operator == "Exists" and self.value:
            raise Broken(Problem(what="means nothing with operator Exists", place=("value",), remedy="Remove it"))
        if self.operator == "Equal" and self.key is None:
            raise Broken(Problem(what="no key", remedy="Add `key:`, or write `operator: Exists`"))
        if self.toleration_seconds is not None and self.effect != "NoExecute":
            what = "means nothing without effect NoExecute"
            raise Broken(Problem(what=what, place=("toleration-seconds",), remedy="Remove it"))
        return self


class Pool(Section):
    """How the pods of a node pool are placed."""

    node_selector: Mapping[QualifiedName, LabelValue] = Field(default_factory=dict)
    """Labels that a node must have."""
    tolerations: Annotated[tuple[Toleration, ...], BeforeValidator(tuple_of)] = ()
    """Taints that they put up with."""
    annotations: Mapping[QualifiedName, Text] = Field(default_factory=dict)
    """Of the pods, such as `karpenter.sh/do-not-disrupt`."""
    runtime_class: DnsName | None = None
    """RuntimeClass of the pods, such as nvidia."""
    most_memory_bytes: Bytes | None = Field(None, alias="most-memory")
    """The most memory that a pod may ask for here: a stage that runs out of what it has is given more, up to this."""
    device: GpuName | None = None
    """Its GPU, such as h100: how much memory it has, and how long a stage will take (docs/cost.md)."""
    network_gbit: int | None = Field(None, ge=1, le=100_000)
    """Gigabits a second between its nodes, over which a training's pods exchange weights; 10 where nothing is said.
    More than TCP reaches takes RDMA (docs/kubernetes.md)."""
    gpu_resource: QualifiedName = "nvidia.com/gpu"
    """The extended resource that a stage's gpus are counted in."""
    # no field of submissions made before it: drivers are named by their digest
    resources: Mapping[QualifiedName, int] = Field(default_factory=dict, exclude_if=lambda named: not named)
    """What each pod has besides, such as `rdma/hca: 1` or `hugepages-2Mi: 5368709120`: whole numbers."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        problems: list[Problem] = []
        for name, count in self.resources.items():
            if name in (*_OWN_RESOURCES, self.gpu_resource):
                remedy = "The profile's `resources` say it by stage kind. Remove it"
                problems.append(Problem(what="not the pool's to say", place=("resources", name), remedy=remedy))
            elif not 1 <= count < _MOST:
                expected = "a whole number from 1 on"
                problems.append(
                    Problem(what="bad value", place=("resources", name), got=str(count)[:40], expected=expected)
                )
        if problems:
            raise Broken(*problems)
        return self
