"""Each rule of docs/architecture.md about a driver's Job, on rendered Jobs."""

from typing import Any

import pytest

from polyglot.schedulers.kubernetes.render.driver import driver_name, driver_values, render_driver
from tests.kit.chart_scenarios import DRIVERS, driver_job
from tests.kit.clusters import cluster

every_driver = pytest.mark.parametrize("name", DRIVERS)


def pod(name: str) -> dict[str, Any]:
    found: dict[str, Any] = driver_job(name)["spec"]["template"]["spec"]
    return found


class TestRestarts:
    @every_driver
    def test_whatever_passes_is_followed_by_another_driver(self, name: str) -> None:
        spec = driver_job(name)["spec"]
        assert spec["backoffLimit"] == 2**31 - 1
        assert (spec["podReplacementPolicy"], pod(name)["restartPolicy"]) == ("Failed", "Never")
        ends, disrupted = spec["podFailurePolicy"]["rules"]
        assert (ends["action"], ends["onExitCodes"]["values"]) == ("FailJob", [1, 2, 3])
        assert (disrupted["action"], disrupted["onPodConditions"][0]["type"]) == ("Ignore", "DisruptionTarget")

    @every_driver
    def test_no_queue_holds_a_driver_back(self, name: str) -> None:
        job = driver_job(name)
        assert "suspend" not in job["spec"]
        assert not [label for label in job["metadata"]["labels"] if "kueue" in label]


class TestSafety:
    @every_driver
    def test_it_is_restricted_and_its_root_is_read_only(self, name: str) -> None:
        (container,) = pod(name)["containers"]
        security = container["securityContext"]
        assert (security["readOnlyRootFilesystem"], security["allowPrivilegeEscalation"]) == (True, False)
        assert security["capabilities"] == {"drop": ["ALL"]}
        assert (pod(name)["securityContext"]["runAsNonRoot"], pod(name)["securityContext"]["runAsUser"]) == (
            True,
            10001,
        )

    def test_the_store_s_keys_are_files_and_only_where_there_is_a_secret(self) -> None:
        with_keys = {each["name"]: each["value"] for each in pod("full")["containers"][0]["env"]}
        assert with_keys["POLYGLOT_S3_SECRET_KEY_FILE"] == "/var/run/polyglot/store/secret-key"
        assert "POLYGLOT_S3_SECRET_KEY_FILE" not in {
            e["name"] for e in pod("workload-identity")["containers"][0]["env"]
        }
        assert [volume["name"] for volume in pod("workload-identity")["volumes"]] == ["work", "tmp"]


@pytest.mark.parametrize("study", ["a.b_c", "x" * 200, "{{ .Values }}", "--", "Ünï\u202ecode"])
def test_hostile_names_stay_data_and_names_stay_valid(study: str) -> None:
    values = driver_values(
        cluster(), study=study, title=study, digest12="0123456789ab", path="studies/o.json", store_url="s3://b/p"
    )
    job = render_driver(values)
    name = driver_name(study, "0123456789ab")
    assert job["metadata"]["name"] == name
    assert len(name) <= 63
    assert name.replace("-", "").isalnum()
    assert job["metadata"]["annotations"]["polyglot.dev/study"] == study
