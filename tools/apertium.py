"""Apertium with two pairs, installed by apt when this is root on Debian: `python -m tools.apertium`."""

import sys

from tools.cluster.packages import ensure
from tools.cluster.shell import ClusterError

PACKAGES = {
    "apertium": "apertium",
    "/usr/share/apertium/modes/eng-spa.mode": "apertium-eng-spa",
    "/usr/share/apertium/modes/spa-ita.mode": "apertium-spa-ita",
}

if __name__ == "__main__":
    try:
        ensure(PACKAGES)
    except ClusterError as error:
        sys.exit(f"apertium: {error}")
