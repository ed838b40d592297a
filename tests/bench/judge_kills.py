"""A judge killed by SIGKILL at random moments: what is asked again, what is lost, and what it costs.

    python -m tests.bench.judge_kills [--kills 20] [--latency 0.1]

MT-Bench-X in five languages with its own prompts and references (questions of ours where POLYGLOT_SHARED has none):
one model's answers singly, 800 calls, and two models' in pairs in both orders, 1,600. The endpoint is a loopback in a
process of its own, which alone counts. Each stage is killed so many times, then ends; beside it one that nobody
disturbs. Last the single one again with a budget of what it costs undisturbed, and as many kills. One line a figure:

- `arrived`, `again`: calls that arrived, and how many of them had arrived before; `in_flight`: the sum over all kills
  of the calls whose end was not on record; `again` is at most that
- `rows`, `twice`, `without`: verdicts, those on one turn twice, and those without a verdict
- `equal`: whether the files are those of the undisturbed stage, byte for byte
- `spent`, `budget`: dollars for what arrived, and the budget; `over` is beyond it, at most what `in_flight` costs. What
  was in flight at a kill counts against the budget at the most that it may have cost, so that less than it is spent
"""

import argparse
import json
import multiprocessing
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from polyglot.core.canonical import sha256_file
from polyglot.core.json_lines import numbered_lines
from tests.kit import judge_rows, judge_stage
from tests.kit import judge_server as js
from tests.kit.shared import SHARED

LANGUAGES = ("EN", "DE", "FR", "IT", "ES")
CHECKOUT = Path(__file__).parents[2]
FOLDER = SHARED / "mt-bench-x"
PRICES = {"price_usd_per_mtok_prompt": 10.0, "price_usd_per_mtok_completion": 30.0}
CALL_USD = js.Usage().prompt * 10e-6 + js.Usage().completion * 30e-6


@dataclass(frozen=True)
class Benchmark:
    """Its rows by language in the normal form, and its files of prompts."""

    questions: Mapping[str, Sequence[Mapping[str, Any]]]
    references: Mapping[str, Sequence[Mapping[str, Any]]]
    prompts: Mapping[str, Path]


def benchmark(folder: Path) -> Benchmark:
    """MT-Bench-X; 80 questions of ours without it."""
    if not FOLDER.is_dir():
        ours = {language: judge_rows.questions(language, 80) for language in LANGUAGES}
        prompts = judge_rows.prompt_file(folder / "prompts.jsonl")
        return Benchmark(ours, {}, dict.fromkeys(LANGUAGES, prompts))
    questions = {language: list(_questions(language)) for language in LANGUAGES}
    references = {language: list(_references(language)) for language in LANGUAGES}
    prompts_of = {language: FOLDER / f"mt_bench_{language}" / "judge_prompts.jsonl" for language in LANGUAGES}
    return Benchmark(questions, references, prompts_of)


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    return (json.loads(text) for _, text in numbered_lines(path, path.name))


def _questions(language: str) -> Iterator[dict[str, Any]]:
    for row in _rows(FOLDER / f"mt_bench_{language}" / "question.jsonl"):
        id_ = str(row["question_id"]).partition("_")[0]
        yield {"id": id_, "language": language, "category": row["category"], "turns": row["turns"]}


def _references(language: str) -> Iterator[dict[str, Any]]:
    for path in sorted((FOLDER / f"mt_bench_{language}" / "reference_answer").glob("*.jsonl")):
        for row in _rows(path):
            id_ = str(row["question_id"]).partition("_")[0]
            yield {"id": id_, "language": language, "turns": row["choices"][0]["turns"]}


def serve(channel: Connection, latency: float) -> None:
    """The endpoint: sends its URL; asked with anything but None, how many calls arrived and the id of each."""

    def verdict(call: js.Call) -> js.Step:
        number = int(call.id[:8], 16)
        said = f"[[{'ABC'[number % 3]}]]" if "[[A]]" in json.dumps(call.body) else f"Rating: [[{1 + number % 10}]]"
        return js.reply(said, after=latency)

    with js.ScriptedJudge(verdict) as server:
        channel.send(server.base_url)
        while channel.recv() is not None:
            channel.send(server.ids)


@contextmanager
def endpoint(latency: float) -> Iterator[tuple[str, Connection]]:
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(there, latency))
    process.start()
    try:
        yield here.recv(), here
    finally:
        here.send(None)
        process.join(10)


def arrived(channel: Connection) -> list[str]:
    channel.send("ids")
    ids: list[str] = channel.recv()
    return ids


def start(root: Path) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "tests.kit.judge_stage", str(root)]
    return subprocess.Popen(command, cwd=CHECKOUT, stderr=subprocess.DEVNULL)


def ended(root: Path) -> set[str]:
    """The calls whose end is on record."""
    return {record["id"] for record in judge_stage.records(root) if record["final"]}


def disturb(root: Path, channel: Connection, kills: int, calls: int, chance: random.Random) -> int:
    """Kill it so many times at random moments, then let it end; return the sum of calls in flight at the kills."""
    in_flight, each = 0, calls // (kills + 1)
    for _ in range(kills):
        process, before = start(root), len(arrived(channel))
        wanted = before + chance.randint(1, 2 * each - 1)
        while process.poll() is None and len(arrived(channel)) < wanted:
            time.sleep(0.005)
        time.sleep(chance.uniform(0, 0.1))
        process.send_signal(signal.SIGKILL)
        process.wait()
        in_flight += len(set(arrived(channel)) - ended(root))
    start(root).wait(600)
    return in_flight


def files(root: Path) -> dict[str, str]:
    return {path.name: sha256_file(path) for path in sorted((root / "out").glob("*/*.jsonl"))}


def figures(name: str, root: Path, calm: Path, ids: Sequence[str], in_flight: int) -> None:
    """Print what became of one stage."""
    rows = [row for path in sorted((root / "out").glob("*/*.jsonl")) for row in _rows(path)]
    places = Counter((row["language"], row["id"], row["sample"], row["turn"]) for row in rows)
    again = len(ids) - len(set(ids))
    without = sum(row["reason"] is not None for row in rows)
    print(f"{name}: arrived {len(ids)}, of {len(set(ids))} different; again {again}, in_flight {in_flight}")
    print(f"{name}: rows {len(rows)}, twice {len(rows) - len(places)}, without {without}, ", end="")
    print(f"equal {files(root) == files(calm)}")


def main() -> None:
    """Run all three."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--latency", type=float, default=0.1)
    options = parser.parse_args()
    chance = random.Random(20)
    with tempfile.TemporaryDirectory() as folder:
        given = benchmark(Path(folder))
        first = {one: judge_rows.answers(rows) for one, rows in given.questions.items()}
        second = {
            one: [
                row | {"turns": [judge_rows.spoken(f"other {turn['text']}") for turn in row["turns"]]} for row in rows
            ]
            for one, rows in first.items()
        }
        for name, calls, against, budget in (
            ("single", 800, None, None),
            ("pairs", 1600, second, None),
            ("budget", 800, None, 800 * CALL_USD),
        ):
            place = Path(folder) / name
            with endpoint(options.latency) as (url, channel), endpoint(0.0) as (calm_url, _):
                settings = {**PRICES, "concurrency": 32, "timeout_seconds": 30}
                made = {}
                for side, address in (("calm", calm_url), ("killed", url)):
                    made[side] = judge_stage.build(
                        place / side,
                        questions=given.questions,
                        references=given.references,
                        answers=first,
                        against=against,
                        prompts=given.prompts,
                        max_tokens=64,
                        settings={**settings, "base_url": address, **({"max_usd": budget} if budget else {})},
                    )
                if budget is None:
                    start(made["calm"]).wait(600)
                in_flight = disturb(made["killed"], channel, options.kills, calls, chance)
                ids = arrived(channel)
            if budget is None:
                figures(name, made["killed"], made["calm"], ids, in_flight)
            else:
                spent = len(ids) * CALL_USD
                over = max(0.0, spent - budget)
                print(f"{name}: arrived {len(ids)}, spent {spent:.2f}, budget {budget:.2f}, over {over:.2f}, ", end="")
                print(f"in_flight {in_flight} ({in_flight * CALL_USD:.2f})")


if __name__ == "__main__":
    main()
