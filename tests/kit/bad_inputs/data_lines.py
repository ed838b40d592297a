"""Bad records of data, each with the reason that it is rejected for; each stands between two good ones."""

import json

from jobs.ingest import streams
from tests.kit.data_ingests import bactrian, json_lines

FIRST, LAST = json_lines([bactrian("first")]), json_lines([bactrian("last")])


def line(**changes: object) -> bytes:
    return json.dumps(bactrian(2, **changes), ensure_ascii=False).encode()


def conversation(*turns: object) -> bytes:
    return json.dumps({"id": "c", "messages": list(turns)}).encode()


def said(role: str, content: object = "x") -> dict[str, object]:
    return {"role": role, "content": content}


BAD_LINES: dict[str, tuple[bytes, str]] = {
    "empty output": (line(output=""), "empty-output"),
    "blank output": (line(output=" \t\u00a0\u2003 "), "empty-output"),
    "output of zero width": (line(output="\u200b\ufeff\x07"), "empty-output"),
    "empty instruction": (line(instruction=""), "empty-instruction"),
    "blank instruction with an input": (line(instruction=" ", input="text"), "empty-instruction"),
    "no output": (b'{"id": "a-2", "instruction": "x"}', "missing-field"),
    "no id": (b'{"instruction": "x", "output": "y"}', "missing-field"),
    "null output": (line(output=None), "missing-field"),
    "number for output": (line(output=7), "wrong-type"),
    "list for instruction": (line(instruction=["x"]), "wrong-type"),
    "object for input": (line(input={"a": "b"}), "wrong-type"),
    "truth value for id": (line(id=True), "wrong-type"),
    "fraction for id": (line(id=1.5), "wrong-type"),
    "empty id": (line(id=""), "bad-id"),
    "id with a line break": (line(id="a\nb"), "bad-id"),
    "id with a right-to-left mark": (line(id="a\u202eb"), "bad-id"),
    "very long id": (line(id="a" * 513), "bad-id"),
    "id of the row before": (line(id="a-first"), "duplicate-id"),
    "followups that are no list": (line(followups="more"), "wrong-type"),
    "a followup without an output": (line(followups=[{"instruction": "x"}]), "missing-field"),
    "a followup with an empty output": (line(followups=[{"instruction": "x", "output": ""}]), "empty-output"),
    "a list": (b"[1, 2]", "wrong-type"),
    "a text": (b'"x"', "wrong-type"),
    "null": (b"null", "wrong-type"),
    "not JSON": (b"{'id': 1}", "not-json"),
    "two values on a line": (b"{} {}", "not-json"),
    "broken off": (b'{"id": "a-2", "instruction": "x', "not-json"),
    "NaN": (b'{"id": NaN}', "not-json"),
    "Infinity": (b'{"id": -Infinity}', "not-json"),
    "a number of 5,000 digits": (b'{"id": ' + b"9" * 5000 + b"}", "not-json"),
    "a raw control character": (b'{"id": "a\x01"}', "not-json"),
    "a key twice": (b'{"id": "a-2", "id": "a-3", "instruction": "x", "output": "y"}', "duplicate-key"),
    "100,000 brackets": (b"[" * 100_000, "too-deep"),
    "Latin-1": ("{\"id\": \"a-2\", \"instruction\": \"Größe\", \"output\": \"x\"}".encode("latin-1"), "not-utf8"),
    "an overlong encoding": (b'{"id": "\xc0\xaf"}', "not-utf8"),
    "a surrogate in UTF-8": (b'{"id": "\xed\xa0\x80"}', "not-utf8"),
    "a raw NUL": (b'{"id": "a\x00b"}', "nul"),
    "an escaped NUL": (rb'{"id": "a-2", "instruction": "x", "output": "a\u0000b"}', "nul"),
    "a lone surrogate": (rb'{"id": "a-2", "instruction": "x", "output": "\ud83d"}', "lone-surrogate"),
    "a lone surrogate in a followup": (
        rb'{"id": "a-2", "instruction": "x", "output": "y", "followups": [{"instruction": "\udc00", "output": "z"}]}',
        "lone-surrogate",
    ),
    "a line above the limit": (line(output="x" * streams.MAX_RECORD_BYTES), "too-long"),
}  # fmt: skip

BAD_CHATS: dict[str, tuple[bytes, str]] = {
    "no turn": (conversation(), "bad-turns"),
    "a question alone": (conversation(said("user")), "bad-turns"),
    "the assistant first": (conversation(said("assistant"), said("user")), "bad-turns"),
    "two users in a row": (conversation(said("user"), said("user"), said("assistant")), "bad-turns"),
    "the user last": (conversation(said("user"), said("assistant"), said("user")), "bad-turns"),
    "a system message": (conversation(said("system"), said("user"), said("assistant")), "system-message"),
    "a system message later": (conversation(said("user"), said("system"), said("assistant")), "bad-turns"),
    "an unknown role": (conversation(said("user"), said("tool")), "unknown-role"),
    "a turn that is a text": (conversation("x", "y"), "wrong-type"),
    "a part without text": (conversation(said("user", [{"type": "text"}]), said("assistant")), "missing-field"),
    "a part that is an image": (conversation(said("user", [{"type": "image_url"}]), said("assistant")), "not-text"),
    "a part that is a number": (conversation(said("user", [1]), said("assistant")), "wrong-type"),
    "no part": (conversation(said("user", []), said("assistant")), "empty-instruction"),
    "no content": (conversation({"role": "user"}, said("assistant")), "missing-field"),
    "messages that are no list": (b'{"messages": "x"}', "wrong-type"),
    "no messages": (b'{"id": "x"}', "missing-field"),
}

BAD_QUESTIONS: dict[str, tuple[object, str]] = {
    "no turn": ({"question_id": 2, "category": "x", "turns": []}, "bad-turns"),
    "three turns": ({"question_id": 2, "category": "x", "turns": ["a", "b", "c"]}, "bad-turns"),
    "an empty turn": ({"question_id": 2, "category": "x", "turns": ["a", " "]}, "empty-instruction"),
    "a number for a turn": ({"question_id": 2, "category": "x", "turns": ["a", 1]}, "wrong-type"),
    "no category": ({"question_id": 2, "turns": ["a"]}, "missing-field"),
    "another language's suffix": ({"question_id": "2_DE", "category": "x", "turns": ["a"]}, "other-language"),
}

BAD_REFERENCES: dict[str, tuple[object, str]] = {
    "no choice": ({"question_id": 2, "choices": []}, "no-reference"),
    "blank turns": ({"question_id": 2, "choices": [{"turns": ["", " "]}]}, "no-reference"),
    "a choice that is a text": ({"question_id": 2, "choices": ["a"]}, "wrong-type"),
    "a choice without turns": ({"question_id": 2, "choices": [{}]}, "missing-field"),
}
