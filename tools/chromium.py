"""Chromium, which tests of pages drive, installed by apt when this is root on Debian: `python -m tools.chromium`."""

import sys

from tools.cluster.packages import ensure
from tools.cluster.shell import ClusterError

if __name__ == "__main__":
    try:
        ensure({"chromium": "chromium"})
    except ClusterError as error:
        sys.exit(f"chromium: {error}")
