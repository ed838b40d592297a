"""versitygw, an S3 server in one program: built once from Go modules and kept outside the checkout.

python -m tools.versitygw          # builds it when needed and prints the program's path
"""

import fcntl
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

VERSION = "v1.8.0"
MODULE = "github.com/versity/versitygw/cmd/versitygw"
BUILD_SECONDS = 900


class NotBuilt(Exception):
    """The program is not here, and there is no `go` to build it with."""


def program() -> Path:
    """Return the server's program, building it when it is not there yet. Raises NotBuilt."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "polyglot" / "bin"
    built = cache / f"versitygw-{VERSION}"
    if built.exists():
        return built
    go = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin")
    if go is None:
        raise NotBuilt(f"versitygw {VERSION} is not built, and there is no `go` to build it with")
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / f"{built.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # concurrent builds: the second finds the first one's program
        if not built.exists():
            with tempfile.TemporaryDirectory(dir=cache) as folder:
                subprocess.run(
                    [go, "install", f"{MODULE}@{VERSION}"],
                    env={**os.environ, "GOBIN": folder, "CGO_ENABLED": "0"},
                    check=True,
                    timeout=BUILD_SECONDS,
                    cwd=folder,
                )
                (Path(folder) / "versitygw").replace(built)
    return built


if __name__ == "__main__":
    print(program())
