"""The generated files that are made of what tests know: `python -m tools.generated --with tests.kit.generated`."""

from collections.abc import Callable, Mapping
from functools import partial

from tests.kit.bad_inputs import errors_page
from tests.kit.chart_scenarios import driver_ci_values, stage_ci_values

FILES: Mapping[str, Callable[[], str]] = {
    "docs/errors.md": errors_page,
    "charts/stage/ci/all-values.yaml": stage_ci_values,
    "charts/driver/ci/full-values.yaml": partial(driver_ci_values, "full"),
    "charts/driver/ci/workload-identity-values.yaml": partial(driver_ci_values, "workload-identity"),
}
