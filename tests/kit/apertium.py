"""A mark for tests that need Apertium with the two pairs that `python -m tools.apertium` installs."""

import shutil
import subprocess

import pytest


def has_pairs(*pairs: str) -> bool:
    if shutil.which("apertium") is None:
        return False
    listed = subprocess.run(["apertium", "-l"], capture_output=True, text=True, check=False).stdout.split()
    return set(pairs) <= set(listed)


needs_apertium = pytest.mark.skipif(
    not has_pairs("eng-spa", "spa-ita"), reason="needs apertium with eng-spa and spa-ita: python -m tools.apertium"
)
