"""A published mix: one file of rows in several languages, used as it is, by finding each of its rows in the data set.

The ingest of such a file writes `published.jsonl`, a row a record in the file's order: {"line", "id" | null, "digest"}.
A mix matches digests with those of the data set's rows. A record is of the row with equal turns; where several ids of
one language have them, of the record's own id, else of the first that no earlier record took.
"""

from collections import Counter
from collections.abc import Mapping

from jobs.ingest import sources
from jobs.ingest.adapters.fields import Reject, text_fault
from jobs.ingest.adapters.schemas import Adapter
from jobs.lib.context import Context
from jobs.lib.rows.content import content_key
from polyglot.core.errors import Permanent
from polyglot.core.records import line, to_json
from polyglot.kinds.ingest import IngestParams, PublishedCard, PublishedRejection, PublishedRow

EVERY = "*"  # the place of a mixed file in parameters where others stand by language


def write_digests(params: IngestParams, adapter: Adapter, context: Context) -> None:
    """Write published.jsonl of a mixed file, rejected.jsonl with the records that have no turns, and card.json."""
    lines = 0
    reasons: Counter[str] = Counter()
    with (
        (context.out / "published.jsonl").open("wb") as found,
        (context.out / "rejected.jsonl").open("wb") as rejected,
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
                    row = PublishedRejection(file=document.name, line=record.line, reason=reject.reason)
                    rejected.write(line(row))
                    continue
                lines += 1
                key = content_key(draft.turns)
                found.write(line(PublishedRow(line=record.line, id=draft.id, digest=key)))
            context.raise_if_stopping()
    if not lines:
        raise Permanent(f"published mix: no record was accepted: {dict(reasons) or 'no record at all'}")
    card = PublishedCard(what="published", records=lines, rejected=dict(sorted(reasons.items())))
    (context.out / "card.json").write_bytes(to_json(card))
    context.metrics["rows"] = lines
