"""Published schemas of instruction data, a function each: a record of the schema becomes a draft, or a `Reject`.

An adapter knows field names and nothing else: files, languages, ids seen before and faults of the text itself are
`jobs.ingest.normalise`'s. To add a schema, add a function, a line to `DATASETS`, and its name to `DatasetFormat` of
kinds/ingest.py.
"""

from collections.abc import Callable, Mapping

from jobs.ingest.adapters import mt_bench, normal
from jobs.ingest.adapters.fields import (
    Draft,
    Fields,
    Reject,
    chat,
    identifier,
    instruction,
    optional_text,
    sequence,
    text,
    texts,
)

_MESSAGE_ROLES = {
    "user": "user",
    "assistant": "assistant",
    "model": "assistant",  # Gemini and Gemma
    "system": "system",
    "developer": "system",
}
_SHAREGPT_ROLES = {
    "human": "user",
    "user": "user",
    **dict.fromkeys(("gpt", "chatgpt", "bing", "bard", "assistant", "model"), "assistant"),
    "system": "system",
}


def alpaca(record: Fields) -> Draft:
    """Alpaca (hub data set tatsu-lab/alpaca): `instruction`, `input` (may be empty or absent), `output`.

    Rows have no id and are numbered by position. `text` repeats the row inside one English prompt and is not read.
    """
    turns = (instruction(record, "instruction", "input"), text(record, "output"))
    return Draft(id=identifier(record, "id"), turns=turns, input=bool(optional_text(record, "input").strip()))


def bactrian_x(record: Fields) -> Draft:
    """Bactrian-X (hub data set MBZUAI/Bactrian-X): `instruction`, `input` (may be empty), `id`, `output`, all texts.

    The id is required: it is shared by the languages, and makes the set parallel. Our own built-in set has this schema
    too, with the optional `followups`: [{"instruction", "output"}, …] for later turns.
    """
    name = identifier(record, "id")
    if name is None:
        raise Reject("missing-field")
    turns = [instruction(record, "instruction", "input"), text(record, "output")]
    for later in sequence(record, "followups") if record.get("followups") is not None else ():
        if not isinstance(later, Mapping):
            raise Reject("wrong-type")
        turns += [text(later, "instruction"), text(later, "output")]
    return Draft(id=name, turns=tuple(turns), input=bool(optional_text(record, "input").strip()))


def dolly(record: Fields) -> Draft:
    """Dolly (hub data set databricks/databricks-dolly-15k): `instruction`, `context`, `response`, `category`.

    The context may be empty; rows have no id and are numbered by position.
    """
    return Draft(
        id=identifier(record, "id"),
        turns=(instruction(record, "instruction", "context"), text(record, "response")),
        category=optional_text(record, "category"),
        input=bool(optional_text(record, "context").strip()),
    )


def aya(record: Fields) -> Draft:
    """Aya (hub data set CohereLabs/aya_dataset): `inputs` and `targets`; all languages in one file, without ids."""
    return Draft(id=identifier(record, "id"), turns=(text(record, "inputs"), text(record, "targets")))


def messages(record: Fields) -> Draft:
    """Chat messages with `role` and `content`, a text or a list of text parts, under `messages`."""
    turns = chat(sequence(record, "messages"), "role", "content", _MESSAGE_ROLES)
    return Draft(id=identifier(record, "id", "prompt_id"), turns=turns)


def sharegpt(record: Fields) -> Draft:
    """ShareGPT: `conversations` of {"from", "value"}."""
    turns = chat(sequence(record, "conversations"), "from", "value", _SHAREGPT_ROLES)
    return Draft(id=identifier(record, "id"), turns=turns)


def lima_x(record: Fields) -> Draft:
    """Lima-X: LIMA's `conversations`, a list of texts that alternate between user and assistant, of two or more.

    Rows have no id and are numbered by position, which the languages share. A row whose `conversations` holds {"from",
    "value"} objects is read as ShareGPT's, and one with `instruction` and `output` as Alpaca's: translated editions of
    LIMA have been published in all three shapes.
    """
    if "conversations" not in record and "instruction" in record:
        return alpaca(record)
    turns = sequence(record, "conversations")
    if turns and isinstance(turns[0], Mapping):
        return sharegpt(record)
    return Draft(id=identifier(record, "id"), turns=texts(turns))


Adapter = Callable[[Fields], Draft]

DATASETS: Mapping[str, Adapter] = {
    "bactrian-x": bactrian_x,
    "lima-x": lima_x,
    "alpaca": alpaca,
    "dolly": dolly,
    "aya": aya,
    "messages": messages,
    "sharegpt": sharegpt,
    "normal": normal.form,
}
TABLES: Mapping[str, Mapping[str, Adapter]] = {
    "dataset": DATASETS,
    "questions": {"mt-bench": mt_bench.question, "normal": normal.form},
    "references": {"mt-bench": mt_bench.reference, "normal": normal.form},
}
