"""What ingest, translate and mix write for fixed small inputs.

When this fails because the meaning of an output changed, raise `version` of the parameters' class, so that earlier
results are made again; then write the new digest here.
"""

import hashlib
import json
from pathlib import Path

from jobs.lib.context import Context
from polyglot.kinds.contamination import ContaminationParams
from polyglot.kinds.ingest import IngestParams
from polyglot.kinds.mix import MixParams
from polyglot.kinds.translate import TranslateParams
from tests.kit.data_ingests import bactrian, ingest_bytes, json_lines
from tests.kit.data_mixes import hits_of, mix_over
from tests.kit.translations import build, run

CODE = "See:\n```python\ndef f(x):\n    return x\n```"
ENGLISH = [bactrian(n, input="With" if n % 3 == 0 else "") for n in range(8)] + [bactrian(8, output=CODE)]
GERMAN = [bactrian(n, output=f"Sage {n}" if n != 2 else "") for n in range(8)]
GERMAN += [bactrian(8, output=CODE.replace("return", "gib")), bactrian(8)]


def digest(context: Context, *paths: str) -> str:
    return hashlib.sha256(b"\0".join((context.out / path).read_bytes() for path in paths)).hexdigest()[:16]


def test_outputs_change_only_with_the_version(tmp_path: Path) -> None:
    files = {"EN": [("e.jsonl", json_lines(ENGLISH))], "DE": [("d.jsonl", json_lines(GERMAN))]}
    rows = ingest_bytes(tmp_path / "rows", files, licence="MIT")
    asked = json_lines([{"question_id": "81", "category": "x", "turns": ["Say 3", "With Ask 1"]}])
    questions = ingest_bytes(tmp_path / "q", {"EN": [("q.jsonl", asked)]}, what="questions", format="mt-bench")
    hits = hits_of(tmp_path / "hits", rows, questions)
    mixed = mix_over(tmp_path / "mix", rows, name="ENDE-sampled", languages=("EN", "DE"), sampled=True, size=5)
    source = [json.loads(line) for line in (rows.out / "rows" / "EN.jsonl").read_text(encoding="utf-8").splitlines()]
    made = run(build(tmp_path / "made", source, engine="identity"))
    assert {
        "translate": (
            TranslateParams.version,
            digest(made, "rows/ES.jsonl", "rejected.jsonl", "records/ES.jsonl", "card.json"),
        ),
        "ingest": (IngestParams.version, digest(rows, "rows/EN.jsonl", "rows/DE.jsonl", "rejected.jsonl")),
        "ingest card": (IngestParams.version, digest(rows, "card.json")),
        "contamination": (ContaminationParams.version, digest(hits, "hits.jsonl", "card.json")),
        "mix": (MixParams.version, digest(mixed, "index.jsonl", "card.json")),
    } == {
        "translate": (1, "36b0e4184fe24b05"),
        "ingest": (3, "d39c5a76f7450d45"),
        "ingest card": (3, "c113079c82131cf0"),  # holds the rules' wording too, which may change without a new version
        "contamination": (1, "3e5d2adbb50a8b32"),
        "mix": (3, "b7be24eaa0effe9c"),
    }
