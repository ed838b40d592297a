"""MT-Bench and MT-Bench-X: questions, and reference answers in either of the two published shapes.

Questions: `question_id` ("81", 81 or "81_DE"), `category`, `turns`, and sometimes `reference`. Reference answers:
`question_id` and `choices`: [{"turns": […]}], of which the first is used as FastChat does; or a question's `reference`
list, in which "" says that the turn has none.
"""

from collections.abc import Mapping

from jobs.ingest.adapters.fields import Draft, Fields, Reject, identifier, is_blank, sequence, text, texts

MOST_TURNS = 2  # that there are judge prompts for: what has more would fail in the judge, after the training


def question(record: Fields) -> Draft:
    """Return the draft of one question."""
    turns = texts(sequence(record, "turns"))
    if not 1 <= len(turns) <= MOST_TURNS:
        raise Reject("bad-turns")
    category = text(record, "category")
    if not category.strip():
        raise Reject("missing-field")
    return Draft(id=_id(record), turns=turns, category=category, reference=_reference(record))


def reference(record: Fields) -> Draft:
    """Return the draft of one question's reference answers. Rejects "no-reference" where there are none."""
    if record.get("choices") is None:
        turns = _reference(record) or ()
    else:
        choices = sequence(record, "choices")
        if not choices:
            raise Reject("no-reference")
        if not isinstance(choices[0], Mapping):
            raise Reject("wrong-type")
        turns = texts(sequence(choices[0], "turns"))
    if all(map(is_blank, turns)):
        raise Reject("no-reference")
    return Draft(id=_id(record), turns=turns)


def _id(record: Fields) -> str:
    name = identifier(record, "question_id", "id")
    if name is None:
        raise Reject("missing-field")
    return name


def _reference(record: Fields) -> tuple[str, ...] | None:
    return None if record.get("reference") is None else texts(sequence(record, "reference"))
