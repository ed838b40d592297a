"""The choice of rows in processes of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import json, sys
from jobs.mix.selection import select
ids = {language: {f"é-{number}" for number in range(200)} for language in ("EN", "DE", "FR")}
found = select(mix="M", languages=tuple(ids), tokenized=ids, dropped=dict.fromkeys(ids, {}), sampled=True,
               weights=(0.5, 0.3, 0.2), size=150, draw=4)
json.dump(found.pairs, sys.stdout)
"""


def test_the_choice_is_the_same_in_every_process_whatever_its_hash_seed() -> None:
    root = Path(__file__).parents[3]
    outputs = set()
    for seed in ("0", "1", "4242"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(root)}
        done = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, check=True)
        outputs.add(done.stdout)
    assert len(outputs) == 1
    assert len(json.loads(outputs.pop())) == 150
