"""Everything that is rendered or applied fits the schemas of Kubernetes 1.31 to 1.34, offline; `helm lint --strict`."""

import json
import subprocess
from pathlib import Path

import pytest
import yaml

from polyglot.schedulers.kubernetes.render.helm import helm_program
from tests.kit.chart_scenarios import (
    CHARTS,
    DRIVERS,
    INSTALLATIONS,
    SCENARIOS,
    VERSIONS,
    driver_job,
    installation,
    stage_job,
)
from tests.kit.kubernetes_schemas import problems

ALL = ["stage", "driver", "polyglot"]


@pytest.mark.parametrize("version", VERSIONS)
class TestSchemas:
    @pytest.mark.parametrize("name", SCENARIOS)
    def test_jobs(self, name: str, version: str) -> None:
        assert problems(stage_job(name), version) == []

    @pytest.mark.parametrize("name", DRIVERS)
    def test_drivers(self, name: str, version: str) -> None:
        assert problems(driver_job(name), version) == []

    @pytest.mark.parametrize("name", INSTALLATIONS)
    def test_installations(self, name: str, version: str) -> None:
        assert [problem for each in installation(name) for problem in problems(each, version)] == []

    def test_an_unknown_field_is_seen(self, version: str) -> None:
        job = json.loads(json.dumps(stage_job("plain")))
        job["spec"]["podFailurePolicies"] = {}
        assert any("podFailurePolicies" in problem for problem in problems(job, version))


@pytest.mark.parametrize("chart", ALL)
def test_helm_lint_is_clean(chart: str) -> None:
    scenarios = sorted((CHARTS / chart / "ci").glob("*-values.yaml"))
    assert scenarios
    defaults = [] if chart == "driver" else [CHARTS / chart / "values.yaml"]  # a driver always has an order
    for values in (*defaults, *scenarios):
        command = [helm_program(), "lint", "--strict", "--quiet", str(CHARTS / chart), "--values", str(values)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{values.name}: {done.stdout}{done.stderr}"


def described(path: Path) -> list[str]:
    """The values of a file that no comment stands above."""
    lines, bare = path.read_text(encoding="utf-8").splitlines(), []
    for number, line in enumerate(lines):
        key = line.strip().partition(":")[0]
        if line.strip() and not line.strip().startswith("#") and not lines[number - 1].strip().startswith("#"):
            bare.append(key)
    return bare


@pytest.mark.parametrize("chart", ALL)
def test_every_value_is_commented(chart: str) -> None:
    assert described(CHARTS / chart / "values.yaml") == []


@pytest.mark.parametrize("chart", ALL)
def test_one_kind_a_file_named_for_component_and_kind(chart: str) -> None:
    for path in (CHARTS / chart / "templates").glob("*.yaml"):
        kinds = [line.split()[1] for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("kind:")]
        assert len(kinds) == 1
        assert path.stem.rpartition("-")[2] == kinds[0].lower()


def closed(schema: object) -> bool:
    """Whether every object of a schema says what else it takes."""
    if isinstance(schema, dict):
        if schema.get("type") == "object" and "Helm" not in schema.get("description", ""):
            assert "additionalProperties" in schema, schema
        return all(closed(each) for each in schema.values())
    return all(closed(each) for each in schema) if isinstance(schema, list) else True


@pytest.mark.parametrize("chart", ALL)
def test_schemas_are_closed_and_described(chart: str) -> None:
    schema = json.loads((CHARTS / chart / "values.schema.json").read_text(encoding="utf-8"))
    assert schema["additionalProperties"] is False
    assert closed(schema)
    assert all("description" in each for each in schema["properties"].values())


def test_the_defaults_of_the_chart_are_those_of_its_typed_values() -> None:
    from polyglot.schedulers.kubernetes.render.installation import InstallationValues

    assert yaml.safe_load((CHARTS / "polyglot" / "values.yaml").read_text()) == InstallationValues().document()
