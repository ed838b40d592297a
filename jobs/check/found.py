"""What a check has found: defects, for which nothing costly may start, and remarks, which a person should read."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from polyglot.core.errors import BadInput, Permanent


@dataclass(frozen=True)
class Found:
    """Both in the order in which they were found, each a line in the words of the study file."""

    defects: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def defect(self, what: str, *, where: str, got: str = "", expected: str = "", remedy: str = "") -> None:
        """Something that would spoil a costly stage, or make it end without a result."""
        self.defects.append(str(BadInput(what, where=where, got=got, expected=expected, remedy=remedy)))

    @contextmanager
    def refusals(self, where: str) -> Iterator[None]:
        """What is Permanent in this block is a defect."""
        try:
            yield
        except Permanent as error:
            self.defect(str(error), where=where)

    def remark(self, what: str, *, where: str, remedy: str = "") -> None:
        """Something that is as the study says, and that may surprise."""
        self.remarks.append(str(BadInput(what, where=where, remedy=remedy)))
