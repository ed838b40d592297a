"""Studies that cost more, or need more, than there is."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from polyglot.cli.cost import confirm
from polyglot.estimates.fits import check_fits
from tests.kit import estimates
from tests.kit.bad_inputs import Case

_H100 = estimates.cluster("gpu: {device: h100, most-memory: 200GiB}, big: {}")
_SMALL = estimates.cluster("gpu: {device: h200, most-memory: 24GiB}, big: {most-memory: 64GiB}")
_CPU = "memory: 2GiB\n"


def _fits(folder: Path, profile: str) -> None:
    session = estimates.seven(folder, profile)
    check_fits(session.estimated, session.profile, session.site.capacity)


def _confirm(folder: Path) -> None:
    session = estimates.seven(folder, f"{_H100}ask-above: {{usd: 50, gpu-hours: 1}}\n")
    confirm(session.estimated, session.profile.prices, session.profile.ask_above, yes=False)


def _case(name: str, provoke: Callable[[Path], None]) -> Case:
    return Case(room="Costs", name=name, provoke=provoke)


CASES = [
    _case("a model that no GPU of its pool holds", partial(_fits, profile=_H100)),
    _case("a checkpoint that the machine beside the GPU cannot hold", partial(_fits, profile=_SMALL)),
    _case("a model that this machine cannot hold", partial(_fits, profile=_CPU)),
    _case("an estimate above the profile's limit, and nobody to ask", _confirm),
]
