"""A published mix: one file of rows in several languages, used as it is, by finding each of its rows in the data set.

The ingest of such a file writes `published.jsonl`, a row a record in the file's order: {"line", "id" | null, "digest"}.
A mix matches digests with those of the data set's rows. A record is of the row with equal turns; where several ids of
one language have them, of the record's own id, else of the first that no earlier record took.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from jobs.ingest import sources
from jobs.ingest.adapters import Adapter
from jobs.lib.context import Context
from jobs.lib.rows.content import content_key
from jobs.lib.rows.forms import Reject, json_line, text_fault
from polyglot.core.canonical import canonical
from polyglot.core.errors import Permanent
from polyglot.kinds.ingest import IngestParams

EVERY = "*"  # the place of a mixed file in parameters where others stand by language


def write_digests(params: IngestParams, adapter: Adapter, context: Context) -> None:
    """Write published.jsonl of a mixed file, rejected.jsonl with the records that have no turns, and card.json."""
    lines = 0
    reasons: Counter[str] = Counter()
    with (
        (context.out / "published.jsonl").open("w", encoding="utf-8", newline="\n") as found,
        (context.out / "rejected.jsonl").open("w", encoding="utf-8", newline="\n") as rejected,
    ):
        for document in sources.documents(params, EVERY, context):
            for record in document.records:
                if record.note is not None:
                    continue
                try:
                    if record.reason is not None or not isinstance(record.value, Mapping):
                        raise Reject(record.reason or "wrong-type")
                    draft = adapter(record.value)
                    for text in draft.turns:
                        if fault := text_fault(text):
                            raise Reject(fault)
                except Reject as reject:
                    reasons[reject.reason] += 1
                    row = {"file": document.name, "line": record.line, "reason": reject.reason}
                    rejected.write(json_line(row))
                    continue
                lines += 1
                found.write(json_line({"line": record.line, "id": draft.id, "digest": content_key(draft.turns)}))
            context.raise_if_stopping()
    if not lines:
        raise Permanent(f"published mix: no record was accepted: {dict(reasons) or 'no record at all'}")
    card: dict[str, Any] = {
        "what": "published",
        "languages": {},
        "records": lines,
        "rejected": dict(sorted(reasons.items())),
    }
    (context.out / "card.json").write_bytes(canonical(card))
    context.metrics["rows"] = lines
