"""Apertium with two pairs, installed by apt when this is root on Debian: `python -m tests.kit.apertium`."""

import shutil
import subprocess

import pytest

from tools.cluster.packages import ensure

PACKAGES = {
    "apertium": "apertium",
    "/usr/share/apertium/modes/eng-spa.mode": "apertium-eng-spa",
    "/usr/share/apertium/modes/spa-ita.mode": "apertium-spa-ita",
}


def has_pairs(*pairs: str) -> bool:
    if shutil.which("apertium") is None:
        return False
    listed = subprocess.run(["apertium", "-l"], capture_output=True, text=True, check=False).stdout.split()
    return set(pairs) <= set(listed)


needs_apertium = pytest.mark.skipif(
    not has_pairs("eng-spa", "spa-ita"), reason="needs apertium with eng-spa and spa-ita: python -m tests.kit.apertium"
)

if __name__ == "__main__":
    ensure(PACKAGES)
