"""The files of the repository that are generated: written anew, or checked (`--check`) to be up to date.

python -m tools.generated [--check]
"""

import json
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def study_schema() -> str:
    """docs/study.schema.json, for editors."""
    from polyglot.study.schema import study_schema as schema

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
    from tools.study_reference import study_page

    return study_page()


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


def stage_chart_ci() -> str:
    """Values of every scenario that the tests render, for `helm lint`."""
    from tests.kit.chart_scenarios import stage_ci_values

    return stage_ci_values()


def driver_chart_ci(name: str) -> str:
    """Values of a driver that the tests render, for `helm lint`."""
    from tests.kit.chart_scenarios import driver_ci_values

    return driver_ci_values(name)


FILES: dict[str, Callable[[], str]] = {
    "docs/study.schema.json": study_schema,
    "docs/study-file.md": study_file,
    "docs/errors.md": errors,
    "docs/cli.md": cli,
    "charts/stage/values.schema.json": stage_chart_schema,
    "charts/driver/values.schema.json": driver_chart_schema,
    "charts/polyglot/values.schema.json": polyglot_chart_schema,
    "charts/stage/ci/all-values.yaml": stage_chart_ci,
    "charts/driver/ci/full-values.yaml": partial(driver_chart_ci, "full"),
    "charts/driver/ci/workload-identity-values.yaml": partial(driver_chart_ci, "workload-identity"),
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
