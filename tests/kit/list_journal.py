"""A journal in memory, and what stands for a kill."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


class Stop(Exception):
    """Stands for a kill: the process is gone at this point."""


@dataclass
class ListJournal:
    """A journal in memory. `die_after` kills the run right after that many records."""

    records: list[dict[str, Any]] = field(default_factory=list)
    die_after: int | None = None

    def append(self, record: Mapping[str, Any]) -> None:
        self.records.append(json.loads(json.dumps(record)))
        if len(self.records) == self.die_after:
            raise Stop(f"killed after record {len(self.records)}")

    def flush(self) -> None:
        """Every record is durable already."""

    def read(self) -> list[dict[str, Any]]:
        return list(self.records)
