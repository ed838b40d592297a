"""rocrate-validator, which says whether an RO-Crate is one: in an environment of its own, outside the checkout.

python -m tools.crate_validator CRATE          # installs it when needed, and validates a folder

Its libraries do not go with ours (another rich); requirements/crate.txt pins them. The JSON-LD context, which it would
fetch from w3id.org, is the copy that the library rocrate brings: nothing is asked over the network.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import rocrate

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements" / "crate.txt"
INSTALL_SECONDS = 600
VALIDATE_SECONDS = 300
PROFILE = "ro-crate-1.3"
_RUN = """
import io, sys, urllib.request
import requests
text = open(sys.argv.pop(1), "rb").read()

def opened(self, request, *rest, **more):
    answer = urllib.response.addinfourl(io.BytesIO(text), {"Content-Type": "application/ld+json"}, CONTEXT, 200)
    if getattr(request, "full_url", request) != CONTEXT:
        raise OSError(f"{request}: nothing is asked over the network")
    return answer

def asked(self, method, url, *rest, **more):
    found = requests.Response()
    found.status_code, found._content, found.url = (200, text, url) if url == CONTEXT else (504, b"", url)
    found.headers["Content-Type"] = "application/ld+json"
    return found

CONTEXT = "https://w3id.org/ro/crate/1.3/context"
urllib.request.OpenerDirector.open = opened
requests.Session.request = asked
from rocrate_validator.cli import cli
import requests_cache
requests_cache.CachedSession.request = asked
sys.exit(cli())
"""


def python() -> Path:
    """Return the Python of its environment, installing it when it is not there yet."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "polyglot" / "bin"
    place = cache / f"rocrate-validator-{hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]}"
    whole = place / ".whole"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / f"{place.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # who comes second finds what the first one has installed
        if not whole.exists():
            shutil.rmtree(place, ignore_errors=True)
            uv = Path(sys.executable).with_name("uv")
            environment = {**os.environ, "VIRTUAL_ENV": str(place)}
            install: list[str | Path] = [uv, "pip", "install", "--quiet", "--require-hashes", "-r", LOCK]
            subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, place], check=True, timeout=60)
            subprocess.run(install, check=True, timeout=INSTALL_SECONDS, env=environment)
            whole.touch()
    return place / "bin" / "python"


def validate(crate: Path) -> str:
    """What is wrong with a crate by the required rules of the specification; "" for nothing."""
    context = Path(rocrate.__file__).parent / "data" / "ro-crate.jsonld"
    command: list[str | Path] = [python(), "-c", _RUN, context, "--no-interactive", "--disable-color", "validate"]
    command += ["--no-paging", "--verbose", "--profile-identifier", PROFILE, "--no-cache", crate]
    done = subprocess.run(command, capture_output=True, text=True, timeout=VALIDATE_SECONDS, check=False)
    return "" if done.returncode == 0 else f"{done.stdout}\n{done.stderr}".strip()


if __name__ == "__main__":
    problems = validate(Path(sys.argv[1]))
    print(problems or "valid")
    sys.exit(bool(problems))
