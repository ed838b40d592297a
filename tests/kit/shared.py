"""The folder of real inputs that is not part of the product: tests that need it skip, by name, without it."""

import os
from pathlib import Path

SHARED = Path(os.environ.get("POLYGLOT_SHARED") or Path(__file__).parents[3] / "shared")
