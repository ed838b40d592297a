"""What the journal says of batches: which of them are open, what they hold, and how far each had come.

A request goes out by its usual record "sent", which names its batch, and has its usual end when the batch's files were
read. Beside these a batch has records of its own, `{"id": name, "outcome": "batch", "status": …}`:

- "intended", after all of its requests' and before anything is uploaded: with `requests`, `at` (Unix seconds), the
  endpoint's `base_url` and the `limit` (the field by which the length of a reply is bounded)
- "uploaded", with the `file`
- "created", with the provider's id as `batch`
- "cancelling", when it was we who asked for that
- "ended", with the provider's last word as `as`, when each of its requests has its end
"""

from dataclasses import dataclass, field

from jobs.lib.chat.call_record import CallRecord


@dataclass(slots=True, kw_only=True)
class OpenBatch:
    """One batch. `ids` are its requests without an end, in their order; `batch_id` is "" until it is known."""

    name: str
    ids: dict[str, None] = field(default_factory=dict)
    at: float = 0.0
    base_url: str = ""
    limit: str = ""
    batch_id: str = ""
    cancelled_by_us: bool = False


class BatchLog:
    """Fed with records in their order."""

    def __init__(self) -> None:
        self.open: dict[str, OpenBatch] = {}
        self.holding: dict[str, str] = {}  # id of a request -> the open batch that has it
        self.limit = ""  # of the newest batch

    def hold(self, id_: str, name: str | None) -> None:
        """A request was sent, in the batch of that name, or (None) alone."""
        if name is not None:
            self.holding[id_] = name
            self.open.setdefault(name, OpenBatch(name=name)).ids[id_] = None

    def release(self, id_: str) -> None:
        """A request has its end."""
        name = self.holding.pop(id_, None)
        if name is not None:
            batch = self.open[name]
            del batch.ids[id_]

    def take(self, record: CallRecord) -> None:
        """Take in one of a batch's own records."""
        batch = self.open.setdefault(record.id, OpenBatch(name=record.id))
        match record.status:
            case "intended":
                batch.at, batch.base_url, batch.limit = record.at, record.base_url, record.limit
                self.limit = batch.limit
            case "created":
                batch.batch_id = record.batch or ""
            case "cancelling":
                batch.cancelled_by_us = True
            case "ended":
                for id_ in self.open.pop(record.id).ids:  # none, unless the journal was written by others
                    self.holding.pop(id_, None)
