"""The files of the repository that are generated: written anew, or checked (`--check`) to be up to date.

    python -m tools.generated [--check] [--with MODULE …]

A module brings more of them: its FILES maps a path of the repository to the function that returns the file's text.
"""

import argparse
import importlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def study_schema() -> str:
    """docs/study.schema.json, for editors."""
    from polyglot.study.schema import study_schema as schema

    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def cli() -> str:
    """docs/cli.md: every verb with its options."""
    command = [sys.executable, "-m", "typer", "polyglot.cli.app", "utils", "docs", "--name", "polyglot"]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return done.stdout.strip().replace("* `--help`:", "* `-h, --help`:") + "\n"  # typer's writer knows one name alone


def study_file() -> str:
    """docs/study-file.md: its tables of keys; the prose around them is written by hand."""
    from tools.study_reference import study_page

    return study_page()


def formats() -> str:
    """docs/design/formats.md, off the declarations of the kinds."""
    from tools.formats_reference import formats_page

    return formats_page()


def stage_chart_schema() -> str:
    """What charts/stage takes, off its typed values."""
    from polyglot.schedulers.kubernetes.render.schema import values_schema
    from polyglot.schedulers.kubernetes.render.values import StagesValues

    return json.dumps(values_schema(StagesValues, title="Values of charts/stage"), indent=2) + "\n"


def polyglot_chart_schema() -> str:
    """What charts/polyglot takes, off its typed values."""
    from polyglot.schedulers.kubernetes.render.installation import InstallationValues
    from polyglot.schedulers.kubernetes.render.schema import values_schema

    return json.dumps(values_schema(InstallationValues, title="Values of charts/polyglot"), indent=2) + "\n"


def driver_chart_schema() -> str:
    """What charts/driver takes, off its typed values."""
    from polyglot.schedulers.kubernetes.render.driver import DriverValues
    from polyglot.schedulers.kubernetes.render.schema import values_schema

    return json.dumps(values_schema(DriverValues, title="Values of charts/driver"), indent=2) + "\n"


FILES: dict[str, Callable[[], str]] = {
    "docs/study.schema.json": study_schema,
    "docs/study-file.md": study_file,
    "docs/design/formats.md": formats,
    "docs/cli.md": cli,
    "charts/stage/values.schema.json": stage_chart_schema,
    "charts/driver/values.schema.json": driver_chart_schema,
    "charts/polyglot/values.schema.json": polyglot_chart_schema,
}


def main() -> int:
    """Write the files, or say which differ; exit 1 when one does."""
    parser = argparse.ArgumentParser(prog="python -m tools.generated", description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a file is not up to date")
    parser.add_argument("--with", dest="modules", action="append", default=[], metavar="MODULE", help="that has FILES")
    options = parser.parse_args()
    files = dict(FILES)
    for module in options.modules:
        files |= importlib.import_module(module).FILES
    stale = []
    for name, make in files.items():
        path, text = ROOT / name, make()
        if options.check:
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                stale.append(name)
        else:
            path.write_text(text, encoding="utf-8")
    if stale:
        print(f"not up to date: {', '.join(stale)}. Run `make generated`", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
