"""Tries from inside what a worker must not be able to do, and writes what came of it as JSON into `text`."""

import ctypes
import errno
import json
import os
import shutil
import ssl
import urllib.error
import urllib.request
from pathlib import Path

from jobs.lib.context import Context
from tests.kit.noop_jobs import note

_MOUNTED = Path("/var/run/polyglot")
_TOKENS = Path("/var/run/secrets")


def run(context: Context) -> None:
    note(context)
    status = dict(line.split(":\t", 1) for line in Path("/proc/self/status").read_text().splitlines() if ":\t" in line)
    namespace = str(context.stage.params["namespace"])
    found = {
        "ids": [os.getuid(), os.geteuid(), os.getgid(), os.getegid()],
        "capabilities": {name: int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")},
        "no_new_privileges": int(status["NoNewPrivs"]),
        "seccomp": int(status["Seccomp"]),
        "mount": _mount(),
        "token": _TOKENS.exists(),
        "api": {
            what: _asked(f"/api/v1/namespaces/{namespace}/{what}")
            for what in ("secrets", "secrets/polyglot-store", "pods", "configmaps")
        },
        "writable": sorted(str(folder) for folder in _folders() if _can_write(folder)),
        "secret_files": sorted(str(p.relative_to(_MOUNTED)) for p in _MOUNTED.rglob("*") if p.is_file() and _own(p)),
        "secret_file_writable": [str(p) for p in _MOUNTED.rglob("*") if p.is_file() and os.access(p, os.W_OK)],
        "secrets_in_environment": sorted(
            name for name, value in os.environ.items() for path in _MOUNTED.rglob("*")
            if path.is_file() and path.read_text().strip() in value
        ),
        "services_in_environment": sorted(n for n in os.environ if n.endswith("_SERVICE_HOST")),
        "processes": sorted(int(p.name) for p in Path("/proc").iterdir() if p.name.isdigit()),
        "kubectl": shutil.which("kubectl"),
        "devices": sorted(p.name for p in Path("/dev").iterdir() if p.is_block_device()),
    }  # fmt: skip
    (context.out / "text").write_text(json.dumps(found, indent=1), encoding="utf-8")


def _own(path: Path) -> bool:
    """A Secret's volume has its files twice: as links, and in a folder that names the version."""
    return not any(part.startswith("..") for part in path.parts)


def _folders() -> list[Path]:
    """Every folder of the container's file system, /proc, /sys and /dev left out."""
    found = [Path("/")]
    for root, names, _ in os.walk("/"):
        names[:] = [name for name in names if Path(root, name) not in (Path("/proc"), Path("/sys"), Path("/dev"))]
        found += [Path(root, name) for name in names]
    return found


def _can_write(folder: Path) -> bool:
    probe = folder / ".polyglot-probe"
    try:
        probe.write_bytes(b"x")
    except OSError:
        return False
    probe.unlink()
    return True


def _mount() -> str:
    """The error that mounting ends with; "" when it works."""
    failed = ctypes.CDLL(None, use_errno=True).mount(b"none", b"/tmp", b"tmpfs", 0, None)
    return errno.errorcode.get(ctypes.get_errno(), "unknown") if failed else ""


def _asked(path: str) -> int:
    """The status of a request to the API server without a token, which is all that a worker has."""
    host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ["KUBERNETES_SERVICE_PORT"]
    anyone = ssl._create_unverified_context()  # noqa: S323 - it has no certificate of the cluster's either
    try:
        with urllib.request.urlopen(f"https://{host}:{port}{path}", timeout=20, context=anyone) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0  # a network policy keeps it away
