"""Apertium on the whole of docs-x (EN -> ES, ES -> IT, and that ES -> IT) and MT-Bench-X (EN -> ES): rates, rejections,
and how many code blocks of questions and references are byte for byte those of the English original, against the
published translations.
"""

import shutil
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from jobs.lib.text.texts import Text
from tests.kit.data_ingests import ingest_paths, rows_of
from tests.kit.shared import SHARED
from tests.kit.translations import build, card, run, written

Row = dict[str, Any]


def main() -> None:
    if shutil.which("apertium") is None or not SHARED.is_dir():
        print("translation: skipped; needs apertium (python -m tests.kit.apertium) and the shared data")
        return
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        docs = {lang: [SHARED / "data" / "docs-x" / f"train_docsx_{lang}.jsonl"] for lang in ("EN", "ES")}
        rows = ingest_paths(root / "docs", docs)
        spanish = _translate(root / "a", "docs-x EN -> ES", rows_of(rows, "rows/EN.jsonl"), "dataset", "EN", "ES")
        _translate(root / "b", "docs-x ES -> IT (human ES)", rows_of(rows, "rows/ES.jsonl"), "dataset", "ES", "IT")
        _translate(root / "c", "docs-x EN -> ES -> IT", spanish, "dataset", "ES", "IT")
        for what, name in (("questions", "question.jsonl"), ("references", "reference_answer/gpt-4.jsonl")):
            files = {lang: [SHARED / "mt-bench-x" / f"mt_bench_{lang}" / name] for lang in ("EN", "ES")}
            found = ingest_paths(root / what, files, what=what, format="mt-bench")
            english, published = (rows_of(found, f"{what}/{lang}.jsonl") for lang in ("EN", "ES"))
            made = _translate(root / f"m-{what}", f"MT-Bench-X {what} EN -> ES", english, what, "EN", "ES")
            for title, other in (("Apertium", made), ("published", published)):
                print(f"  code blocks as in English, {what}, {title}: {_kept(english, other)}")


def _translate(root: Path, title: str, rows: list[Row], what: str, source: str, target: str) -> list[Row]:
    started = time.perf_counter()
    build(root, rows, what=what, source=source, target=target, engine="apertium")
    run(root)
    seconds, found = time.perf_counter() - started, card(root)
    rate = f"{len(rows) / seconds:.1f} rows/s, {found['characters']['source'] / seconds / 1e3:.1f} kB/s"
    print(f"{title}: {len(rows)} rows in {seconds:.1f} s: {rate}; rejected {found['rejected']}: {found['reasons']}")
    print(f"  units {found['units']}, repeated {found['units_repeated']}, in parts {found['units_in_parts']}")
    print(f"  protected {found['protected']}")
    return written(root, f"{'rows' if what == 'dataset' else what}/{target}.jsonl")


def _kept(english: list[Row], other: list[Row]) -> str:
    """Blocks of English texts that are in the same turn of the other, and texts of which all are."""
    by_id, counts = {row["id"]: row for row in other}, Counter[str]()
    for row in english:
        for number, text in enumerate(row["turns"]):
            wanted = Counter(block.code for block in Text(text).blocks)
            twin = by_id.get(row["id"], {"turns": []})["turns"]
            there = Counter(block.code for block in Text(twin[number]).blocks) if number < len(twin) else Counter[str]()
            counts.update(blocks=wanted.total(), kept=(wanted & there).total())
            counts.update(texts=bool(wanted), whole=bool(wanted) and wanted == there)
    return f"{counts['kept']} of {counts['blocks']} blocks, all in {counts['whole']} of {counts['texts']} texts"


if __name__ == "__main__":
    main()
