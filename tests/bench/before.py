"""What users and workers do most, beside another checkout: the command line's usual verbs and the jobs without a model.

    python -m tests.bench.before [THING …] [--rounds 5] [--other CHECKOUT] [--stages 2000] [--rows 10000] [--calls 800]

help: `polyglot --help`. plan: of a study of so many stages, nothing computed. render: these as Jobs of a cluster.
cached: `submit` of the quickstart of one mix and few steps where all is committed. aggregate: of 5 mixes x 3 seeds x 5
languages, 10,000 resamples. tokenize: so many English rows by a byte-level tokenizer of 32,000. judge: so many verdicts
of the built-in judge. endpoint: as many of an endpoint on the loopback that answers at once.

Sides alternate. Each thing is a process of its own, measured from its start to its end; tokenize, judge and endpoint
without what they import. The other checkout may be as old as b263a01.
"""

import argparse
import json
import multiprocessing
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from shutil import copytree, rmtree

from tests.bench._sides import ROOT, Took, add_options, alternate, polyglot, sides, tell, took, work
from tests.bench.looking_speed import A_SEED
from tests.bench.plan_speed import large_study
from tests.bench.study_scale import made, run

MIXES, MIX, MOST_TOKENS = ("EN", "DE", "ENDE", "DEFRITES", "ENDEFRITES"), "DEFRITES", "2048"
FEWER = {"steps: 450": "steps: 20", "steps: 80": "steps: 8", "max-new-tokens: 24": "max-new-tokens: 4"}
IMAGES = "".join(
    f"    {name}: r/{name[0]}@sha256:{digit * 64}\n"
    for name, digit in (("controller", "c"), ("worker", "d"), ("trainer", "e"))
)
CLUSTER = f"store: s3://bucket/studies\nbackend: kubernetes\nkubernetes:\n  images:\n{IMAGES}"
Run = Callable[[str, Path], Took]  # a side and its checkout


def main() -> None:
    """Print what each thing takes."""
    parser = argparse.ArgumentParser()
    parser.add_argument("things", nargs="*", default=THINGS, help=", ".join(THINGS))
    parser.add_argument("--stages", type=int, default=2000)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--calls", type=int, default=800)
    add_options(parser)
    options = parser.parse_args()
    checkouts = sides(options.other)
    for thing in options.things:
        with (
            tempfile.TemporaryDirectory(prefix="before-") as name,
            THINGS[thing](Path(name), checkouts, options) as run,
        ):
            tell(thing, alternate(checkouts, options.rounds, run))


@contextmanager
def helped(folder: Path, checkouts: Mapping[str, Path], options: argparse.Namespace) -> Iterator[Run]:
    """The verbs and what each does."""
    del checkouts, options
    yield lambda _, place: took(polyglot(place, "--help"), place, folder)


@contextmanager
def planned(folder: Path, checkouts: Mapping[str, Path], options: argparse.Namespace) -> Iterator[Run]:
    """The plan of a large study over an empty store."""
    del checkouts
    words = ("plan", large(folder, options.stages), "--store", f"file://{folder}/store")
    yield lambda _, place: took(polyglot(place, *words), place, folder)


@contextmanager
def rendered(folder: Path, checkouts: Mapping[str, Path], options: argparse.Namespace) -> Iterator[Run]:
    """The Jobs of a large study; helm is a part of it."""
    del checkouts
    (folder / "cluster.yaml").write_text(CLUSTER, encoding="utf-8")
    words = ("render", large(folder, options.stages), "-p", str(folder / "cluster.yaml"))
    yield lambda _, place: took(polyglot(place, *words), place, folder)


@contextmanager
def cached(folder: Path, checkouts: Mapping[str, Path], options: argparse.Namespace) -> Iterator[Run]:
    """The quickstart again; the first time, of a few steps, which fills the store, is not counted."""
    del options
    text = (ROOT / "studies/quickstart.yaml").read_text(encoding="utf-8")
    for long, short in FEWER.items():
        text = text.replace(long, short)
    (folder / "study.yaml").write_text(text, encoding="utf-8")

    def submitted(side: str, place: Path) -> Took:
        own = {"POLYGLOT_STATE": f"{folder}/{side}-state", "POLYGLOT_STORE": f"file://{folder}/{side}"}
        words = ("submit", str(folder / "study.yaml"), "--mix", MIX)
        return took(polyglot(place, *words), place, folder, **own)

    for side, place in checkouts.items():
        submitted(side, place)
    yield submitted


@contextmanager
def aggregated(folder: Path, checkouts: Mapping[str, Path], options: argparse.Namespace) -> Iterator[Run]:
    """As study_scale does, of few arms."""
    del options
    for side, place in checkouts.items():
        made(folder / side, MIXES, place)
    yield lambda side, place: run("aggregate", folder / side, place)


@contextmanager
def tokenized(folder: Path, checkouts: Mapping[str, Path], options: argparse.Namespace) -> Iterator[Run]:
    """The same rows and tokenizer for both sides, anew each time."""
    from tests.kit.scale_rows import write_rows, write_tokenizer

    given = folder / "given"
    write_rows(given, options.rows)
    write_tokenizer(given)
    write_rows(given / "first", 10)
    copytree(given / "model", given / "first/model")

    def one(side: str, place: Path) -> Took:
        own = folder / side
        rmtree(own, ignore_errors=True)
        copytree(given, own)
        return took(work(place, "tokenize", str(own), "EN", MOST_TOKENS), place, folder).inside()

    yield one


@contextmanager
def judged(folder: Path, checkouts: Mapping[str, Path], options: argparse.Namespace, url: str = "") -> Iterator[Run]:
    """A stage of two verdicts a question, anew each time."""
    del checkouts

    def one(side: str, place: Path) -> Took:
        own = folder / side
        rmtree(own, ignore_errors=True)
        return took(work(place, "judge", str(own), str(options.calls // 2), url), place, folder).inside()

    yield one


@contextmanager
def asked(folder: Path, checkouts: Mapping[str, Path], options: argparse.Namespace) -> Iterator[Run]:
    """The same at an endpoint, which is a process of its own and of neither side."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(there,))
    process.start()
    try:
        with judged(folder, checkouts, options, here.recv()) as run:
            yield run
    finally:
        here.send(None)
        process.join(10)


def serve(channel: Connection) -> None:
    """Answer every call at once, and send the URL."""
    from tests.kit import judge_server as js

    reply = js.http("200 OK", json.dumps(js.completion("Fine.\n\nRating: [[7]]")).encode())
    with js.ScriptedJudge(lambda _: js.raw(reply)) as server:
        channel.send(server.base_url)
        channel.recv()


def large(folder: Path, stages: int) -> str:
    """The file of a study of about so many stages."""
    path = folder / "study.yaml"
    path.write_text(large_study(max(1, round(stages / A_SEED))), encoding="utf-8")
    return str(path)


THINGS = {
    "help": helped,
    "plan": planned,
    "render": rendered,
    "cached": cached,
    "aggregate": aggregated,
    "tokenize": tokenized,
    "judge": judged,
    "endpoint": asked,
}

if __name__ == "__main__":
    sys.exit(main())
