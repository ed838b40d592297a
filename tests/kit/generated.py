"""The files of the repository that are generated: written anew, or checked (`--check`) to be up to date.

python -m tests.kit.generated [--check]
"""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def study_schema() -> str:
    """docs/study.schema.json, for editors."""
    from polyglot.spec.schema import study_schema as schema

    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def errors() -> str:
    """docs/errors.md: every bad input that the tests know, with the line it gets."""
    from tests.kit.bad_inputs import errors_page

    return errors_page()


def cli() -> str:
    """docs/cli.md: every verb with its options."""
    command = [sys.executable, "-m", "typer", "polyglot.cli.app", "utils", "docs", "--name", "polyglot"]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return done.stdout.strip().replace("* `--help`:", "* `-h, --help`:") + "\n"  # typer's writer knows one name alone


def study_file() -> str:
    """docs/study-file.md: its tables of keys; the prose around them is written by hand."""
    from tests.kit.study_reference import study_page

    return study_page()


FILES: dict[str, Callable[[], str]] = {
    "docs/study.schema.json": study_schema,
    "docs/study-file.md": study_file,
    "docs/errors.md": errors,
    "docs/cli.md": cli,
}


def main() -> int:
    """Write the files, or say which differ; exit 1 when one does."""
    stale = []
    for name, make in FILES.items():
        path, text = ROOT / name, make()
        if "--check" in sys.argv[1:]:
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                stale.append(name)
        else:
            path.write_text(text, encoding="utf-8")
    if stale:
        print(f"not up to date: {', '.join(stale)}. Run `make generated`", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
