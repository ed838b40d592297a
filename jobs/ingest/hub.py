"""Data sets of the Hugging Face hub, at a revision of 40 hex digits and nothing less.

Two ways in. With `data_files`, the files of the repository that match are fetched and read by our own readers, so that
every row has its file and line and one bad row costs one row. Without, `datasets` reads the configuration and split;
rows are then numbered in the split. Repository code is never run; HF_ENDPOINT, HF_TOKEN and
HF_TOKEN_PATH are honoured.

`{language}` and `{LANGUAGE}` in `config` and `data_files` become "de" and "DE".
"""

import gzip
import os
import re
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path

from jobs.ingest.reading import read_records
from jobs.ingest.streams import Record
from jobs.lib.http_errors import asking_hub
from jobs.lib.patience import Patience
from polyglot.core.errors import Permanent, PolyglotError
from polyglot.kinds.ingest import IngestParams

_REVISION = re.compile(r"[0-9a-f]{40}")


def files(
    params: IngestParams, language: str, work: Path, patience: Patience
) -> Iterator[tuple[str, Iterable[Record]]]:
    """Yield (name, records) for each file of a language, or once for a whole split."""
    name, revision = params.hub or "", params.revision or ""
    if not _REVISION.fullmatch(revision):
        raise Permanent(f"hub {name}: got revision {revision!r}; expected 40 hex digits, as branches and tags move")
    if params.data_files is None:
        yield f"{filled(params.config or 'default', language)}/{params.split}", _split(params, language, work)
        return
    yield from _matching(name, revision, filled(params.data_files, language), language, work, patience)


def _matching(
    name: str, revision: str, pattern: str, language: str, work: Path, patience: Patience
) -> Iterator[tuple[str, Iterable[Record]]]:
    from huggingface_hub import HfApi

    hub, what = HfApi(endpoint=os.environ.get("HF_ENDPOINT")), f"hub {name}@{revision[:12]}"
    with asking_hub(what):
        names = patience.ask(what, lambda: hub.list_repo_files(name, repo_type="dataset", revision=revision))
    matching = sorted(path for path in names if path == pattern or fnmatchcase(path, pattern))
    if not matching:
        raise Permanent(f"{what}: no file matches {pattern!r} for {language}")
    for path in matching:
        with asking_hub(what):  # a gated repository is listed to everybody
            local = patience.ask(
                what, partial(hub.hf_hub_download, name, path, repo_type="dataset", revision=revision, cache_dir=work)
            )
        yield path, read_records(Path(local), path)


def filled(pattern: str, language: str) -> str:
    """Put a language into a pattern's placeholders; other braces stay as they are."""
    return pattern.replace("{language}", language.lower()).replace("{LANGUAGE}", language)


def _split(params: IngestParams, language: str, work: Path) -> Iterator[Record]:
    from datasets import load_dataset

    config = None if params.config is None else filled(params.config, language)
    try:
        with asking_hub(f"hub {params.hub}"):
            rows = load_dataset(
                params.hub, config, revision=params.revision, split=params.split, streaming=True, cache_dir=str(work)
            )
            for number, row in enumerate(rows, 1):
                yield Record(number, row)
    except Exception as error:
        if _may_pass(error):
            raise
        # whatever the library raises of what it cannot read: pyarrow's and pandas' errors, TypeError for a column whose
        # later rows have another type, ValueError for an unknown split, RuntimeError for code, which is never run, …
        remedy = "Name `data-files` to have them read row by row"
        raise Permanent(f"hub {params.hub}: {_first_line(error)}. {remedy}") from error


def _may_pass(error: Exception) -> bool:
    """Whether another attempt may succeed: the network's failures and this machine's, which say nothing of the data."""
    from httpx2 import TransportError

    if isinstance(error, FileNotFoundError | gzip.BadGzipFile):  # OSErrors, but of the repository's files
        return False
    return isinstance(error, PolyglotError | TransportError | OSError | MemoryError)


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    said = lines[0].rstrip(".") if lines else ""
    return said if " " in said else f"{type(error).__name__} {said}".strip()
