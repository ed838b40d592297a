"""Sizes beyond the ids that there can be, told before anything runs: a line of JSON Lines holds one row at most.

Counted are local files, plain or in gzip, as far as the largest size asks for. What cannot be counted here (the hub,
addresses, other formats) is counted by the mix stage, which refuses such a size in the same words.
"""

import gzip
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from polyglot.core.section import Place, Problem
from polyglot.kinds.kind import File
from polyglot.study.study import Study

MOST_BYTES = 2**30  # that are looked at of one file, decompressed; what is in a larger one stays unknown
_BLOCK_BYTES = 2**20


def size_problems(
    study: Study, files: Mapping[Place, tuple[File, ...]], local: Mapping[str, Path]
) -> Iterator[Problem]:
    """Yield a problem for every mix whose size is larger than its data; `files` and `local` are a lock's."""
    counts: dict[tuple[str, str], int | None] = {}
    enough = max((arm.size or 0 for arm in study.arms()), default=0)
    for name in study.datasets:
        root, held = _root(study, name), _held(study, name)
        for arm in study.arms():
            if arm.size is None or arm.form.canonical in study.datasets[name].published:
                continue  # a published mix may have ids of one language only, so the smallest language is no bound
            known = []
            for language in arm.languages:
                place = root[language]
                if place not in counts:
                    pinned = files.get(("datasets", place[0], "files", place[1]), ())
                    counts[place] = _rows(pinned, local, enough + held)
                known.append(counts[place])
            most = min((count for count in known if count is not None), default=None)
            if most is None or arm.size <= most - held:
                continue
            got = f"{arm.size} ids of data set {name}"
            expected = f"at most {max(most - held, 0)}" + (f", as {held} of {most} are for validation" if held else "")
            at = next((("mixes", number) for number, mix in enumerate(study.mixes) if mix == arm), None)
            at = at or ("sizes", study.sizes.index(arm.size))
            yield Problem(what=f"{arm.canonical} is larger than the data", place=at, got=got, expected=expected)


def _root(study: Study, name: str) -> dict[str, tuple[str, str]]:
    """By language of a translated data set, the data set and language of files that its rows are made of."""
    dataset = study.datasets[name]
    if dataset.translate is None:
        return {language: (name, language) for language in dataset.all_languages}
    first = dataset.translate[0]
    source = _root(study, first.of)[first.source]
    return dict.fromkeys(dataset.all_languages, source)


def _held(study: Study, name: str) -> int:
    """The ids that are held out of every mix of a data set, or of the one that it is translated from."""
    dataset = study.datasets[name]
    if dataset.translate is not None:
        return _held(study, dataset.translate[0].of)
    return dataset.validation if isinstance(dataset.validation, int) else 0


def _rows(files: tuple[File, ...], local: Mapping[str, Path], enough: int) -> int | None:
    """The rows that files can have, `enough` or so at most; None where one of them cannot be counted here."""
    total = 0
    for file in files:
        path = local.get(file.sha256) if file.uri is None else None
        plain = file.name.lower().removesuffix(".gz")
        if path is None or not plain.endswith((".jsonl", ".ndjson")):
            return None
        try:
            with path.open("rb") if plain == file.name.lower() else gzip.open(path) as content:
                found = count_lines(content.read, enough)
        except (OSError, EOFError, zlib.error):
            return None  # ingest says what is wrong with it
        if found is None:
            return None
        total += found
    return total if files else None


def count_lines(read: Callable[[int], bytes], enough: int) -> int | None:
    """Return the lines that are not blank, or some number from `enough` on; None for a stream beyond MOST_BYTES."""
    found, size, begun = 0, 0, False
    while found < enough and (block := read(_BLOCK_BYTES)):
        size += len(block)
        if size > MOST_BYTES:
            return None
        *ended, rest = block.split(b"\n")
        for line in ended:
            found += begun or bool(line.strip())
            begun = False
        begun = begun or bool(rest.strip())
    return found + begun
