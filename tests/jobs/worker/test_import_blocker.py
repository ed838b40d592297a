"""Forbidding an import: who asks gets ImportError, and only in a process that forbade it."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_a_forbidden_library_cannot_be_imported_and_can_be_looked_for() -> None:
    code = """
import importlib.util
from jobs.worker.process import block_import
block_import("colorsys")
assert importlib.util.find_spec("colorsys") is not None
try:
    import colorsys
except ImportError as error:
    print(error)
import wave
"""
    assert python(code) == "colorsys is not used in this process"


def test_pyarrow_converts_without_pandas() -> None:
    code = """
import sys
from jobs.worker.process import block_import
block_import("pandas")
import numpy, pyarrow
table = pyarrow.table({"a": [[1, 2], [3]]})
assert pyarrow.array(numpy.arange(3)).to_numpy().sum() == 3
print(table["a"].combine_chunks().flatten().to_numpy().sum(), "pandas" in sys.modules)
"""
    assert python(code) == "6 False"
