"""Five languages of 67,017 rows, tokenized, in all nine mixes, packed at 2,048 tokens: seconds, memory, efficiency.

    python -m tests.bench.data_scale [--rows 67017] [--rounds 1] [--tokens 2048] [--offsets | --card]

(ROWS=5000 in the environment makes it short.) Each kind of stage runs in a process of its own, so that its peak of
memory is its own; what it imports is loaded before the clock starts. Tokenizing alternates with a bare `encode_batch`
of the `tokenizers` library over the same texts, in memory and in all cores; rates are of UTF-8 bytes of text, by wall
clock a core and by processor seconds, which other work on the machine disturbs less. Packing is compared with TRL's
`pack_dataset` over the same rows, on this set and on docs-x.
"""

import argparse
import json
import multiprocessing
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from tests.kit.data_ingests import LANGUAGES
from tests.kit.scale_rows import real, records, write_rows, write_tokenizer
from tests.kit.shared import SHARED

BATCH = 64
BARE_ROWS = 1000  # texts in one call of the library
SYSTEM = "You are a helpful assistant."
CARD = ("EN", "DE")
REST = ("DE", "FR", "IT", "ES")
MIXES = {
    **{language: (language,) for language in LANGUAGES},
    "ENDEFRITES": LANGUAGES,
    "DEFRITES": REST,
    "ENDEFRITES-sampled": LANGUAGES,
    "DEFRITES-sampled": REST,
}


class Apart:
    """A fresh process for one kind of work, so that its peak of memory (`mib`) is that of this work."""

    def __init__(self) -> None:
        self._pool = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))

    def __call__(self, work: Callable[..., dict[str, Any]], *arguments: Any) -> dict[str, Any]:
        """Run a function there."""
        return self._pool.submit(_with_memory, work, arguments).result()


def _with_memory(work: Callable[..., dict[str, Any]], arguments: tuple[Any, ...]) -> dict[str, Any]:
    found = work(*arguments)
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return {**found, "mib": int(status.partition("VmHWM:")[2].split()[0]) / 1024}


def timed(work: Callable[[], object]) -> dict[str, float]:
    """Wall and processor seconds of this process."""
    wall, processor = time.perf_counter(), time.process_time()
    work()
    return {"wall": time.perf_counter() - wall, "processor": time.process_time() - processor}


def tokenize_stage(root: Path, language: str, most: int, cores: int, offsets: bool = False) -> dict[str, Any]:
    """The tokenize stage: from rows in a file to a token set and its card."""
    from jobs.tokenize import bulk
    from jobs.tokenize import job as tokenize
    from polyglot.kinds.tokenize import TokenizeParams
    from tests.kit.model_jobs import model_context

    if offsets:  # as if nothing were known of the tokenizer
        bulk.bytes_by_id = lambda backend: None
    params = TokenizeParams(language=language, system=SYSTEM, max_tokens=most, over_long="drop")
    inputs = {"rows": root, "base": root}
    context = model_context(root / f"tokens-{language}", params, inputs, settings={"threads": cores})
    return {**timed(lambda: tokenize.run(context)), "tokens": context.metrics["tokens"]}


def bare_library(root: Path, language: str) -> dict[str, Any]:
    """The library alone: the same texts, ready in memory, in all cores; ids are made and thrown away."""
    os.environ["TOKENIZERS_PARALLELISM"] = "true"
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(root / "model" / "tokenizer.json"))
    texts = []
    with (root / "rows" / f"{language}.jsonl").open(encoding="utf-8") as file:
        for asked, answered in (json.loads(line)["turns"] for line in file):
            text = f"<s>System: {SYSTEM}\nUser: {asked['content']}\nAssistant: {answered['content']}</s>"
            texts.append(text)

    def encode(method: Callable[..., object]) -> None:
        for first in range(0, len(texts), BARE_ROWS):
            method(texts[first : first + BARE_ROWS], add_special_tokens=False)

    return {
        **timed(lambda: encode(tokenizer.encode_batch)),
        "fast": timed(lambda: encode(tokenizer.encode_batch_fast)),
        "bytes": sum(len(text.encode()) for text in texts),
    }


def ingest_stage(root: Path, rows: int) -> dict[str, Any]:
    """The ingest stage of two languages in Bactrian-X's schema, the data card included; no two rows are equal."""
    from jobs.ingest import job as ingest
    from polyglot.kinds.ingest import IngestParams
    from tests.kit.data_jobs import data_context, staged

    context = data_context(root / "ingest")
    files = {}
    for language in CARD:
        made = (
            json.dumps({**record, "id": f"alpaca-{number}", "output": f"{record['output']} ({number})"}) + "\n"
            for number, record in enumerate(islice(cycle(list(records(language))), rows))
        )
        files[language] = (context.offer(f"{language}.jsonl", "".join(made).encode()),)
    staged(context, IngestParams(what="dataset", languages=CARD, source="files", format="bactrian-x", files=files))
    return timed(lambda: ingest.run(context))


def mix_stage(root: Path, name: str) -> dict[str, Any]:
    """The mix stage over the token sets."""
    import numpy  # noqa: F401 - before the clock starts, as a worker has it
    from pyarrow import compute  # noqa: F401

    from jobs.mix import job as mix
    from polyglot.kinds.mix import MixParams
    from tests.kit.model_jobs import model_context

    languages = MIXES[name]
    weights = (1 / len(languages),) * len(languages)
    params = MixParams(mix=name, languages=languages, weights=weights, sampled=name.endswith("-sampled"), size=None)
    inputs = {f"tokens:{language}": root / f"tokens-{language}" / "out" for language in languages}
    context = model_context(root / f"mix-{name}", params, inputs)
    found = timed(lambda: mix.run(context))
    return {**found, "bytes": sum(path.stat().st_size for path in context.out.iterdir())}


def packed(root: Path, name: str, capacity: int) -> dict[str, Any]:
    """One epoch of a mix in steps of 64, packed inside each, and the whole mix packed at once."""
    from jobs.train.batches import EpochSampler, sequences
    from jobs.train.packing import pack

    mixture = mixture_of(root, name)
    order = EpochSampler(samples=len(mixture), seed=0, batch_size=BATCH, steps=None, epochs=1)
    steps: list[list[int]] = []  # tokens of each sequence of each step
    whole: list[list[int]] = []

    def each_step() -> None:
        for number in range(order.steps):
            made = sequences(mixture, order.step(number), capacity)
            steps.append([int(mixture.lengths[sequence].sum()) for sequence in made])

    seconds = timed(each_step)
    at_once = timed(lambda: whole.extend(pack(mixture.lengths.tolist(), capacity)))
    tokens = int(mixture.lengths.sum())
    return {
        **seconds,
        "in_steps": tokens / (sum(map(len, steps)) * capacity),
        "possible": tokens / (sum(-(-sum(step) // capacity) for step in steps) * capacity),
        "padded": tokens / sum(len(step) * max(step) for step in steps),
        "whole": tokens / (len(whole) * capacity),
        "whole_wall": at_once["wall"],
        "rows": len(mixture),
    }


def mixture_of(root: Path, name: str) -> Any:
    """A mix as the train stage reads it."""
    from jobs.lib.token_set import TokenSet
    from jobs.train.mixture import Mixture

    with (root / f"mix-{name}" / "out" / "index.jsonl").open(encoding="utf-8") as file:
        index = [(entry["language"], entry["row"]) for entry in map(json.loads, file)]
    return Mixture({name: TokenSet(root / f"tokens-{name}" / "out" / "tokens.arrow") for name in MIXES[name]}, index)


def trl_packing(root: Path, name: str, capacity: int) -> dict[str, Any]:
    """TRL's packing of the same rows in the order of the mix, with its own batches of 1,000 rows."""
    import datasets
    import numpy
    import pyarrow
    from trl import pack_dataset

    datasets.disable_progress_bars()
    mixture = mixture_of(root, name)
    ids = numpy.concatenate([mixture.sample(number)[0] for number in range(len(mixture))])
    borders = numpy.concatenate([[0], mixture.lengths.cumsum()]).astype(numpy.int32)
    rows = datasets.Dataset(pyarrow.table({"input_ids": pyarrow.ListArray.from_arrays(borders, ids)}))
    found: dict[str, Any] = {}
    for strategy in ("bfd", "wrapped"):
        with tempfile.TemporaryDirectory() as cache:
            options = {"cache_file_name": str(Path(cache) / "packed.arrow")}
            wall = time.perf_counter()
            made = pack_dataset(rows, capacity, strategy=strategy, map_kwargs=options)
            found[f"{strategy}_wall"] = time.perf_counter() - wall
            found[strategy] = int(mixture.lengths.sum()) / (len(made) * capacity)
    ends = mixture.lengths.cumsum()
    starts = ends - mixture.lengths
    found["cut"] = float(((ends - 1) // capacity != starts // capacity).mean())
    return found


def ratio(ours: Mapping[str, Any], bare: Mapping[str, Any], clock: str) -> float:
    """Rate over rate, on the same bytes."""
    return float(bare[clock]) / float(ours[clock])


def main() -> None:
    """Print one line a figure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=int(os.environ.get("ROWS", "67017")))
    parser.add_argument("--rounds", type=int, default=1, help="passes over the five languages")
    parser.add_argument("--tokens", type=int, default=2048)
    parser.add_argument("--offsets", action="store_true", help="ask the tokenizer for offsets; tokenizing alone")
    parser.add_argument("--card", action="store_true", help="the ingest stage with its data card alone")
    options = parser.parse_args()
    cores = len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        if options.card:
            report_card(root, options.rows)
            return
        share = write_rows(root, options.rows)
        write_tokenizer(root)
        source = "help-x repeated" if real() else "made of the built-in set's words"
        print(f"rows: 5 x {options.rows}, {source}; with an input {100 * share:.0f} %; {cores} cores")
        tokenizing = report_tokenizing(root, options, cores)
        if options.offsets:
            return
        mixing = report_mixes(root, tokenizing)
        report_packing(root, "ENDEFRITES", options.tokens, "this set, ENDEFRITES")
        print(f"peak memory of any stage: {max(tokenizing['mib'], mixing):.0f} MiB")
    if (SHARED / "data" / "docs-x").is_dir():
        with tempfile.TemporaryDirectory() as folder:
            docs_x(Path(folder), options.tokens, cores)


def report_tokenizing(root: Path, options: argparse.Namespace, cores: int) -> dict[str, float]:
    """Ours and the bare library in turns, a language at a time."""
    ours, bare = Apart(), Apart()
    pairs = [
        (
            ours(tokenize_stage, root, language, options.tokens, cores, options.offsets),
            bare(bare_library, root, language),
        )
        for _ in range(options.rounds)
        for language in LANGUAGES
    ]
    for name, side in (("tokenize stage", 0), ("bare encode_batch", 1)):
        rates = [pair[1]["bytes"] / 1e6 / pair[side]["wall"] / cores for pair in pairs]
        by_processor = [pair[1]["bytes"] / 1e6 / pair[side]["processor"] for pair in pairs]
        print(
            f"{name}: median {statistics.median(rates):.2f} MB/s a core ({min(rates):.2f}-{max(rates):.2f}), "
            f"{statistics.median(by_processor):.2f} MB a processor second"
        )
    for clock in ("wall", "processor"):
        ratios = [ratio(stage, library, clock) for stage, library in pairs]
        fast = statistics.median(ratio(stage, library["fast"], clock) for stage, library in pairs)
        print(
            f"stage over bare, {clock}: median {statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f}); "
            f"over encode_batch_fast {fast:.2f}"
        )
    whole, processor, tokens = (
        sum(stage[name] for stage, _ in pairs) / options.rounds for name in ("wall", "processor", "tokens")
    )
    memory = max(stage["mib"] for stage, _ in pairs)
    size = sum(library["bytes"] for _, library in pairs) / options.rounds / 1e6
    print(
        f"tokenize all five: {whole:.1f} s, {size:.0f} MB of text, {tokens / 1e6:.1f} M tokens, peak {memory:.0f} MiB"
    )
    return {"wall": whole, "processor": processor, "mib": memory}


def report_mixes(root: Path, tokenizing: Mapping[str, float]) -> float:
    """All nine against ENDEFRITES alone: of the mix stages, of all data stages, and in bytes kept; peak memory."""
    apart = Apart()
    made = {name: apart(mix_stage, root, name) for name in MIXES}
    memory = max(found["mib"] for found in made.values())
    print(f"peak memory of a mix stage: {memory:.0f} MiB")
    for clock in ("wall", "processor"):
        nine, one = sum(found[clock] for found in made.values()), made["ENDEFRITES"][clock]
        print(
            f"cost of nine over ENDEFRITES, {clock}: {(tokenizing[clock] + nine) / (tokenizing[clock] + one):.2f} with "
            f"tokenizing; mix stages alone {nine:.2f} s over {one:.2f} s, {nine / one:.1f}"
        )
    sets = {name: (root / f"tokens-{name}" / "out" / "tokens.arrow").stat().st_size for name in LANGUAGES}
    kept = sum(sets.values()) + sum(found["bytes"] for found in made.values())
    copied = sum(
        sum(sets[language] for language in MIXES[name]) / (len(MIXES[name]) if name.endswith("-sampled") else 1)
        for name in MIXES
    )
    least = sum(sets.values()) + made["ENDEFRITES"]["bytes"]
    print(f"bytes of nine over ENDEFRITES: {kept / least:.2f} ({kept / 1e6:.0f} MB); copied {copied / least:.2f}")
    return memory


def report_packing(root: Path, name: str, capacity: int, what: str) -> None:
    """Ours inside steps and over all, TRL over its batches of 1,000 rows."""
    ours, theirs = Apart()(packed, root, name, capacity), Apart()(trl_packing, root, name, capacity)
    print(
        f"packing of {what} ({ours['rows']} rows) at {capacity}: inside steps of {BATCH} {ours['in_steps']:.4f} of "
        f"{ours['possible']:.4f} possible, {ours['padded']:.4f} of the longest in the step; whole set "
        f"{ours['whole']:.4f}; TRL bfd {theirs['bfd']:.4f}, wrapped {theirs['wrapped']:.4f} with "
        f"{100 * theirs['cut']:.0f} % of the samples cut"
    )
    print(
        f"seconds: an epoch of steps {ours['wall']:.2f}, whole set {ours['whole_wall']:.2f}; "
        f"TRL bfd {theirs['bfd_wall']:.2f}, wrapped {theirs['wrapped_wall']:.2f} (it copies the rows); "
        f"peak {ours['mib']:.0f} MiB against {theirs['mib']:.0f}"
    )


def report_card(root: Path, rows: int) -> None:
    """Ingest with its card, in one process of its own as a stage has it."""
    found = Apart()(ingest_stage, root, rows)
    total = len(CARD) * rows
    print(
        f"ingest with data card, {total} rows in {' '.join(CARD)}: {found['wall']:.0f} s, {total / found['wall']:.0f} "
        f"rows/s; {total / found['processor']:.0f} rows a processor second; peak {found['mib']:.0f} MiB"
    )


def docs_x(root: Path, capacity: int, cores: int) -> None:
    """The curated set: rows long enough for packing to be hard."""
    (root / "rows").mkdir()
    for language in LANGUAGES:
        with (
            (SHARED / "data" / "docs-x" / f"train_docsx_{language}.jsonl").open(encoding="utf-8") as source,
            (root / "rows" / f"{language}.jsonl").open("w", encoding="utf-8") as target,
        ):
            for record in map(json.loads, source):
                turns = [
                    {"role": "user", "content": record["instruction"]},
                    {"role": "assistant", "content": record["output"]},
                ]
                target.write(json.dumps({"id": record["id"], "turns": turns}, ensure_ascii=False) + "\n")
    write_tokenizer(root)
    apart = Apart()
    for language in LANGUAGES:
        apart(tokenize_stage, root, language, capacity, cores)
    for name in ("EN", "ENDEFRITES"):
        apart(mix_stage, root, name)
        report_packing(root, name, capacity, f"docs-x, {name}")


if __name__ == "__main__":
    main()
