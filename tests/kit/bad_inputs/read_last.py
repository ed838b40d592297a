"""Files that only a last stage reads, after every GPU hour is spent: refused before the first stage."""

import json
from collections.abc import Mapping
from pathlib import Path

from polyglot.core.canonical import sha256_bytes
from tests.kit.bad_inputs import Case
from tests.kit.bad_inputs.studies import load, study_text

SINGLE = {"name": "single-v1", "type": "single", "system_prompt": "", "prompt_template": "{question} {answer}"}
SECOND = {**SINGLE, "name": "single-v1-multi-turn", "prompt_template": "{question_1} {answer_1} {answer_2}"}
MARK = b"\xef\xbb\xbf"


def prompts(*rows: Mapping[str, object] | bytes) -> bytes:
    """A file of judge prompts."""
    return b"".join(row if isinstance(row, bytes) else json.dumps(row).encode() + b"\n" for row in rows)


PROMPTS: dict[str, bytes] = {
    "a broken first line": prompts(b'{"name": "single-v1",\n', SINGLE, SECOND),
    "no prompt for the second turn": prompts(SINGLE),
    "a byte order mark and nothing else": MARK,
    "in UTF-16": prompts(SINGLE, SECOND).decode().encode("utf-16"),
    "in Latin-1": prompts({**SINGLE}, SECOND) + '{"name": "über"}'.encode("latin-1"),
    "a name of one's own": prompts({**SINGLE, "name": "rate-me"}, SECOND),
    "a prompt that never shows the answer": prompts({**SINGLE, "prompt_template": "{question}"}, SECOND),
    "a key twice": prompts(b'{"name": "single-v1", "name": "x"}\n', SECOND),
    "an array": b"[" + prompts(SINGLE) + b"]",
}
RATED = {"rater": "r", "check": "c", "id": "1", "turn": 1, "score": None, "faults": {}, "penalty": 0.0}
RATINGS: dict[str, bytes] = {
    "a sheet in place of ratings": b"id;Wertung\n1;90\n",
    "a rating cut off": json.dumps(RATED).encode() + b'\n{"rater": "r", "chec',
    "a rating of text": json.dumps({**RATED, "score": "good"}).encode(),
}

VOTED = {"rater": "r", "language": "DE", "id": "81", "turn": 0, "first": "a", "second": "b", "outcome": "first"}
VOTES: dict[str, bytes] = {
    "a saved sheet in place of votes": b'{"format": "polyglot-votes-1", "votes": []}',
    "a vote with an outcome and a score": json.dumps({**VOTED, "score": 7}).encode(),
    "a vote for nobody": json.dumps({**VOTED, "outcome": "third", "score": None}).encode(),
    "no vote at all": b"",
}


def load_prompts(folder: Path, content: bytes) -> None:
    """Load a study whose German judge prompts have this content."""
    (folder / "p.jsonl").write_bytes(content)
    own = f"prompts: {{DE: {{path: p.jsonl, sha256: {sha256_bytes(content)}}}}}"
    load(folder, study_text(judge=f"{{endpoint: built-in, {own}}}").encode())


def load_ratings(folder: Path, content: bytes) -> None:
    """Load a study with human ratings of this content."""
    (folder / "r.jsonl").write_bytes(content)
    good = f"{{path: good.jsonl, sha256: {sha256_bytes(b'')}}}"
    (folder / "good.jsonl").write_bytes(b"")
    ratings = f"[{good}, {{path: r.jsonl, sha256: {sha256_bytes(content)}}}]"
    load(folder, study_text(quality="[{name: q, data: house, from: EN, to: DE}]", ratings=ratings).encode())


def load_votes(folder: Path, content: bytes) -> None:
    """Load a study with people's votes of this content."""
    (folder / "v.jsonl").write_bytes(content)
    load(folder, study_text(votes=f"{{path: v.jsonl, sha256: {sha256_bytes(content)}}}").encode())


CASES = [
    *(
        Case(room="Judge prompts", name=name, provoke=lambda folder, content=content: load_prompts(folder, content))
        for name, content in PROMPTS.items()
    ),
    *(
        Case(room="Ratings", name=name, provoke=lambda folder, content=content: load_ratings(folder, content))
        for name, content in RATINGS.items()
    ),
    *(
        Case(room="Votes", name=name, provoke=lambda folder, content=content: load_votes(folder, content))
        for name, content in VOTES.items()
    ),
]
