"""What a check has found: defects, for which nothing costly may start, and remarks, which a person should read."""

from dataclasses import dataclass, field

from polyglot.core.errors import BadInput


@dataclass(frozen=True)
class Found:
    """Both in the order in which they were found, each a line in the words of the study file."""

    defects: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def defect(self, what: str, *, where: str, got: str = "", expected: str = "", remedy: str = "") -> None:
        """Something that would spoil a costly stage, or make it end without a result."""
        self.defects.append(str(BadInput(what, where=where, got=got, expected=expected, remedy=remedy)))

    def remark(self, what: str, *, where: str, remedy: str = "") -> None:
        """Something that is as the study says, and that may surprise."""
        self.remarks.append(str(BadInput(what, where=where, remedy=remedy)))
