"""The normal form itself, as an earlier stage wrote it: whatever it says of its origin stays."""

import msgspec

from jobs.ingest.adapters.fields import Draft, Fields, Reject
from polyglot.kinds.rows import Form, Question, Reference, Row


def form(record: Fields) -> Draft:
    """Return the draft of a row, a question or a reference answer. Rejects "wrong-type" for what is none of them."""
    kind: type[Form] = Question if "category" in record else Row if "origin" in record else Reference
    try:
        form: Form = msgspec.convert(record, kind)
        return written(form)
    except msgspec.ValidationError:
        raise Reject("wrong-type") from None


def written(form: Form) -> Draft:
    """Return the draft of what a stage of ours wrote."""
    row = isinstance(form, Row)
    return Draft(
        id=form.id,
        turns=tuple(form.texts),
        category=form.category if isinstance(form, Question) else "",
        origin=form.origin if row else None,
        licence=form.licence if row else None,
    )
