"""The aggregate job in processes of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

from jobs.aggregate import job as aggregate
from tests.kit.fake_scores import contrast, fake_context, study

FILES = ("scores.json", "scores.csv", "contrasts.json", "contrasts.csv")


def test_bytes_do_not_depend_on_the_number_of_threads(tmp_path: Path) -> None:
    made = study(("EN", "ENDE"), (0, 1), (contrast("custom", "ENDE", "EN"),), per_category=10, failed_share=0.1)
    made.write(tmp_path / "in")
    here = fake_context(made.aggregate_params(), made.inputs, tmp_path)
    aggregate.run(here)
    before = {name: (here.out / name).read_bytes() for name in FILES}
    script = (
        "import json, sys; from pathlib import Path; from jobs.aggregate import job as aggregate\n"
        "from polyglot.kinds.aggregate import AggregateParams\n"
        "from tests.kit.fake_scores import fake_context; from tests.kit.folder_input import FolderInput\n"
        "params, inputs, root = json.loads(sys.stdin.read())\n"
        "inputs = {role: FolderInput(Path(at), key) for role, (at, key) in inputs.items()}\n"
        "aggregate.run(fake_context(AggregateParams(**params), inputs, Path(root)))\n"
    )
    inputs = {role: (str(source.root), source.key) for role, source in made.inputs.items()}
    for threads in ("1", "2"):
        root = tmp_path / threads
        names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
        subprocess.run(
            [sys.executable, "-c", script],
            input=json.dumps([made.aggregate_params().document(), inputs, str(root)]),
            text=True,
            check=True,
            env=os.environ | dict.fromkeys(names, threads),
            cwd=Path(__file__).parents[3],
        )
        assert {name: (root / "out" / name).read_bytes() for name in FILES} == before
