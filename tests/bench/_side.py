"""One side of a bench of two checkouts: a piece of work by the code of whatever checkout is imported, b263a01 or later.

    PYTHONPATH=CHECKOUT CHECKOUT/.venv/bin/python -P tests/bench/_side.py WORK ARGUMENT …

What has moved since then is named here with all its names, and nowhere else. Only the standard library is imported
before a piece of work is chosen.
"""

import hashlib
import importlib
import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

SEEDS, RESAMPLES = (0, 1, 2), 10_000


def first_of(*names: str) -> ModuleType:
    """The first of these modules that there is."""
    for name in names[:-1]:
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name is None or not name.startswith(error.name):
                raise
    return importlib.import_module(names[-1])


def job_of(kind: str) -> ModuleType:
    """The module that does a kind's work."""
    return first_of(f"jobs.{kind}.job", f"jobs.{kind}")


def params_of(kind: str) -> Any:
    """The class of a kind's parameters."""
    registry = first_of("polyglot.kinds.registry", "polyglot.spec.params")
    return registry.kind_of(kind).params if hasattr(registry, "kind_of") else registry.KINDS[kind]


def say_seconds(work: Callable[[], object]) -> None:
    """Do it, and print its seconds as the last line."""
    clock, processors = time.perf_counter(), time.process_time()
    work()
    print(json.dumps({"clock": time.perf_counter() - clock, "processors": time.process_time() - processors}))


def study(root: str, *names: str) -> None:
    """Write what aggregate and report of a study of these mixes read, and print how many contrasts were found."""
    from polyglot.plan.contrasts import find_contrasts
    from tests.kit import fake_scores as kit

    folder, mixes = Path(root), [first_of("polyglot.core.mix", "polyglot.spec.mix").Mix.parse(name) for name in names]
    contrasts = find_contrasts("tiny", "built-in", mixes, kit.LANGUAGES)
    cells = tuple(kit.cells_of([mix.canonical for mix in mixes], SEEDS))
    made = kit.FakeStudy(cells=cells, contrasts=contrasts, ability=kit.usual_ability, resamples=RESAMPLES)
    read = {role: (str(source.root), source.key) for role, source in made.write(folder / "inputs").inputs.items()}
    for kind, params, left_out in (
        ("aggregate", made.aggregate_params(), ("references", "data", "mix", "train")),
        ("report", kit.report_params(), ("answers",)),
    ):
        inputs = {role: source for role, source in read.items() if role.partition(":")[0] not in left_out}
        if kind == "report":
            inputs["aggregate"] = (str(folder / "aggregate/out"), "0" * 64)
        given = {"params": params.document(), "inputs": inputs}
        (folder / f"{kind}.json").write_text(json.dumps(given), encoding="utf-8")
    print(len(contrasts))


def job(kind: str, root: str, out: str) -> None:
    """Run a job on what `KIND.json` gives it."""
    from tests.kit.fake_scores import fake_context

    source = first_of("tests.kit.folder_input", "tests.kit.data_jobs").FolderInput
    given = json.loads((Path(root) / f"{kind}.json").read_text(encoding="utf-8"))
    inputs = {role: source(Path(folder), key) for role, (folder, key) in given["inputs"].items()}
    job_of(kind).run(fake_context(params_of(kind).model_validate(given["params"]), inputs, Path(out)))


def ingest(rows: str, cpus: str) -> None:
    """The ingest stage of so many rows of each of two languages, with the processor seconds of what it starts."""
    from polyglot.core.stage import Resources
    from tests.bench.data_scale import CARD, ingest_stage
    from tests.kit import data_jobs

    job_of("ingest")
    data_jobs.Resources = partial(Resources, cpus=int(cpus))  # type: ignore[misc, assignment]
    with tempfile.TemporaryDirectory() as folder:
        found = ingest_stage(Path(folder), int(rows))
        card = hashlib.sha256(Path(folder, "ingest/out/card.json").read_bytes()).hexdigest()
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    found["processor"] += children.ru_utime + children.ru_stime
    print(json.dumps({**found, "rows": int(rows) * len(CARD), "card": card}))


def tokenize(root: str, language: str, most: str) -> None:
    """The tokenize stage over `rows/<LANGUAGE>.jsonl` with the tokenizer in `model`, on one core.

    The few rows in `first` go first, as what is imported late is not meant.
    """
    from tests.bench.data_scale import tokenize_stage

    tokenize_stage(Path(root) / "first", language, int(most), 1)
    found = tokenize_stage(Path(root), language, int(most), 1)
    print(json.dumps({"clock": found["wall"], "processors": found["processor"]}))


def judge(root: str, questions: str, base_url: str = "") -> None:
    """The judge stage over so many questions of two turns: by the built-in judge, or at an endpoint.

    One of one question goes first, for the same reason.
    """
    from tests.kit import judge_small

    settings = {"concurrency": 64, "timeout_seconds": 60, "call_deadline_seconds": 600}
    for name, count in (("first", 1), ("timed", int(questions))):
        endpoint = "openai" if base_url else "built-in"
        judge_small.stage(
            Path(root) / name, base_url or "http://not.asked", count=count, settings=settings, endpoint=endpoint
        )
    judge_small.run(Path(root) / "first")
    say_seconds(lambda: judge_small.run(Path(root) / "timed"))


if __name__ == "__main__":
    {one.__name__: one for one in (study, job, ingest, tokenize, judge)}[sys.argv[1]](*sys.argv[2:])
