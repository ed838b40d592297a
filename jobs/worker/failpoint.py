"""Hold-points: places where a test can stop a worker, look at it, and kill it.

`POLYGLOT_HOLD="<kind>:<point>:<file>"` makes a worker of that kind create `<file>.reached` at the named point and wait
until `<file>` exists. Points, in order: `started` (nothing read yet), `claimed`, `inputs` (all verified), `ran` (the
job has returned), `blobs` (every blob is stored, the manifest is not), `published`. Without the variable a point costs
one look into the environment.
"""

import os
import time
from pathlib import Path

POINTS = ("started", "claimed", "inputs", "ran", "blobs", "published")


def hold(kind: str, point: str) -> None:
    """Wait here when the environment says so."""
    wanted = os.environ.get("POLYGLOT_HOLD")
    if wanted is None:
        return
    wanted_kind, wanted_point, file = wanted.split(":", 2)
    if (wanted_kind, wanted_point) != (kind, point):
        return
    Path(f"{file}.reached").touch()
    while not Path(file).exists():
        time.sleep(0.02)
