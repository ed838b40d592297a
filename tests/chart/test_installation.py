"""charts/polyglot: who may do what, who may call whom, and the nightly job."""

from collections.abc import Mapping
from typing import Any

import pytest

from polyglot.core.errors import PolyglotError
from polyglot.schedulers.kubernetes.render.helm import Manifest
from polyglot.schedulers.kubernetes.render.installation import Network, Nightly, Peer, installation_values
from tests.kit.chart_scenarios import INSTALLATIONS, install, installation
from tests.kit.clusters import IMAGES, cluster

OPEN: Mapping[str, Any] = {"networkPolicy": {"enabled": False}}
PEERS = {"apiServer": [{"cidr": "10.96.0.1/32", "port": 443}], "store": [{"cidr": "10.0.7.0/24", "port": 7070}]}
NIGHTLY: Mapping[str, Any] = {
    **OPEN,
    "image": IMAGES["controller"],
    "profile": {"content": "backend: kubernetes\n"},
    "nightly": {"enabled": True, "studies": ["quickstart"]},
}


def policy(name: str, values: Mapping[str, Any]) -> Manifest:
    found = install({"networkPolicy": {**PEERS, **values}})
    spec: Manifest = found["NetworkPolicy", f"polyglot-{name}"]["spec"]
    return spec


class TestRights:
    def test_a_driver_may_do_this_and_nothing_else(self) -> None:
        rules = install(OPEN)["Role", "polyglot-driver"]["rules"]
        granted = {
            (group, kind): sorted(rule["verbs"])
            for rule in rules
            for group in rule["apiGroups"]
            for kind in rule["resources"]
        }
        assert granted == {
            ("batch", "jobs"): ["create", "delete", "get", "list", "watch"],
            ("", "pods"): ["delete", "list", "watch"],
            ("", "pods/log"): ["get"],
            ("", "events"): ["create", "list", "watch"],
            ("kueue.x-k8s.io", "workloads"): ["list", "watch"],
        }

    @pytest.mark.parametrize("name", INSTALLATIONS)
    def test_no_role_names_secrets_and_no_secret_is_made(self, name: str) -> None:
        assert not {"Secret", "ClusterRole", "ClusterRoleBinding"} & {each["kind"] for each in installation(name)}
        for role in (each for each in installation(name) if each["kind"] == "Role"):
            assert "secrets" not in str(role)
            assert "*" not in str(role)

    @pytest.mark.parametrize("name", INSTALLATIONS)
    def test_no_account_gives_its_token_away(self, name: str) -> None:
        accounts = [each for each in installation(name) if each["kind"] == "ServiceAccount"]
        assert accounts
        assert all(each["automountServiceAccountToken"] is False for each in accounts)

    def test_only_the_driver_is_bound(self) -> None:
        found = install({**OPEN, "driver": {"name": "boss"}})
        (subject,) = found["RoleBinding", "boss"]["subjects"]
        assert subject == {"kind": "ServiceAccount", "name": "boss", "namespace": "polyglot"}
        assert [name for kind, name in found if kind == "RoleBinding"] == ["boss"]

    def test_accounts_that_are_there_already_are_not_made(self) -> None:
        found = install({**OPEN, "driver": {"create": False}, "worker": {"create": False}})
        assert not [name for kind, name in found if kind == "ServiceAccount"]


def test_ranks_meet_before_they_are_ready() -> None:
    spec = install(OPEN)["Service", "polyglot-ranks"]["spec"]
    assert (spec["clusterIP"], spec["publishNotReadyAddresses"]) == ("None", True)
    assert spec["selector"] == {"app.kubernetes.io/name": "polyglot", "polyglot.dev/ranked": "true"}


class TestNetwork:
    """Static: a bridge plugin does not enforce policies, so no cluster here can show that they hold."""

    def test_everything_is_denied_first(self) -> None:
        assert policy("deny", {}) == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}

    def test_names_are_asked_over_udp_and_tcp(self) -> None:
        spec = policy("dns", {"dns": {"cidrs": ["169.254.20.10/32"]}})
        (rule,) = spec["egress"]
        assert {(port["protocol"], port["port"]) for port in rule["ports"]} == {("UDP", 53), ("TCP", 53)}
        assert rule["to"][0]["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "kube-system"}
        assert rule["to"][1] == {"ipBlock": {"cidr": "169.254.20.10/32"}}

    def test_ranks_call_ranks(self) -> None:
        spec = policy("ranks", {})
        ranks = {"matchLabels": {"app.kubernetes.io/name": "polyglot", "polyglot.dev/ranked": "true"}}
        assert spec["podSelector"] == ranks
        assert spec["ingress"] == [{"from": [{"podSelector": ranks}]}]
        assert spec["egress"] == [{"to": [{"podSelector": ranks}]}]

    @pytest.mark.parametrize(
        ("name", "key", "components", "label"),
        [
            ("driver", "apiServer", ["driver", "nightly"], None),
            ("judge", "judge", None, "polyglot.dev/calls-endpoint"),
            ("sources", "sources", None, "polyglot.dev/fetches-sources"),
            ("store", "store", None, None),
            ("trackers", "trackers", None, "polyglot.dev/tells-trackers"),
            ("webhook", "webhook", ["nightly"], None),
        ],
    )
    def test_an_address_is_open_to_those_who_need_it(
        self, name: str, key: str, components: list[str] | None, label: str | None
    ) -> None:
        spec = policy(name, {key: [{"cidr": "203.0.113.7/32", "port": 8443}]})
        rule = {"to": [{"ipBlock": {"cidr": "203.0.113.7/32"}}], "ports": [{"protocol": "TCP", "port": 8443}]}
        assert spec["egress"] == [rule]
        assert spec["policyTypes"] == ["Egress"]
        chosen = spec["podSelector"].get("matchExpressions")
        assert (chosen and chosen[0]["values"]) == components
        labels = {"app.kubernetes.io/name": "polyglot", **({label: "true"} if label else {})}
        assert spec["podSelector"]["matchLabels"] == labels

    @pytest.mark.parametrize("key", ["apiServer", "store"])
    def test_an_installation_that_could_not_work_is_refused_with_its_remedy(self, key: str) -> None:
        with pytest.raises(PolyglotError, match=rf"networkPolicy\.{key}: name the"):
            install({"networkPolicy": {**PEERS, key: []}})

    def test_a_bad_address_is_refused(self) -> None:
        with pytest.raises(PolyglotError, match=r"networkPolicy\.store\.0\.cidr"):
            install({"networkPolicy": {**PEERS, "store": [{"cidr": "store.example", "port": 443}]}})


class TestNightly:
    def test_it_never_overlaps_and_misses_in_the_open(self) -> None:
        spec = install(NIGHTLY)["CronJob", "polyglot-nightly"]["spec"]
        assert spec["concurrencyPolicy"] == "Forbid"
        assert (spec["schedule"], spec["timeZone"], spec["suspend"]) == ("0 2 * * *", "Etc/UTC", False)
        assert 0 < spec["startingDeadlineSeconds"] < 24 * 3600
        assert (spec["successfulJobsHistoryLimit"], spec["failedJobsHistoryLimit"]) == (7, 7)

    def test_it_is_a_driver_that_evaluates_anew(self) -> None:
        job = install(NIGHTLY)["CronJob", "polyglot-nightly"]["spec"]["jobTemplate"]["spec"]
        spec = job["template"]["spec"]
        (driver,) = spec["containers"]
        assert driver["args"] == ["reevaluate", "--profile", "/etc/polyglot/profile.yaml", "quickstart"]
        assert driver["image"] == IMAGES["controller"]
        assert (spec["serviceAccountName"], spec["automountServiceAccountToken"]) == ("polyglot-driver", True)
        rules = job["podFailurePolicy"]["rules"]
        assert [rule["action"] for rule in rules] == ["FailJob", "Ignore"]
        assert rules[0]["onExitCodes"]["values"] == [2, 3]
        assert driver["securityContext"]["readOnlyRootFilesystem"] is True
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert "secretKeyRef" not in str(driver)

    def test_the_profile_is_mounted_and_may_be_another_s(self) -> None:
        found = install(NIGHTLY)
        assert found["ConfigMap", "polyglot-profile"]["data"] == {"profile.yaml": "backend: kubernetes\n"}
        ours = install({**NIGHTLY, "profile": {"existingConfigMap": "ours"}})
        assert not [name for kind, name in ours if kind == "ConfigMap"]
        assert "'configMap': {'name': 'ours'}" in str(ours["CronJob", "polyglot-nightly"])

    @pytest.mark.parametrize(
        ("change", "line"),
        [
            ({"image": ""}, "image: the nightly job needs"),
            ({"nightly": {"enabled": True}}, "nightly.studies: name the"),
            ({"profile": {}}, "profile.content: the nightly job needs"),
            ({"image": "registry.example/polyglot:latest"}, "image: Does not match pattern"),
            ({"nightly": {"enabled": True, "studies": ["s"], "name": "n" * 53}}, "nightly.name: Does not match"),
            ({"nightly": {"enabled": True, "studies": ["s"], "shedule": "x"}}, "shedule is not allowed"),
            ({"nightly": {"enabled": True, "studies": ["s"], "schedule": "daily"}}, "schedule: Does not match"),
        ],
    )
    def test_what_could_not_run_is_refused_in_one_line(self, change: Mapping[str, Any], line: str) -> None:
        with pytest.raises(PolyglotError, match=line) as caught:
            install({**NIGHTLY, **change})
        assert "\n" not in str(caught.value)

    def test_hostile_values_stay_data(self) -> None:
        text = '{{ fail "out" }}\n---\nkind: Secret $(HOME)'
        values = {**NIGHTLY, "environment": {"A": text}, "nightly": {"enabled": True, "studies": [text]}}
        found = install({**values, "profile": {"content": text}})
        (driver,) = found["CronJob", "polyglot-nightly"]["spec"]["jobTemplate"]["spec"]["template"]["spec"][
            "containers"
        ]
        assert driver["args"][-1].replace("$$", "$") == text
        assert {e["name"]: e.get("value") for e in driver["env"]}["A"].replace("$$", "$") == text
        assert found["ConfigMap", "polyglot-profile"]["data"]["profile.yaml"] == text
        assert len(found) == 7


def test_values_of_an_installation_come_from_the_profile_s_cluster() -> None:
    where = cluster(driver_service_account="d", worker_service_account="w", ranks_service="r", store_secret=None)
    network = Network(api_server=(Peer(cidr="10.0.0.2/32", port=6443),), store=(Peer(cidr="10.0.7.0/24", port=7070),))
    nightly = Nightly(enabled=True, studies=("quickstart",))
    values = installation_values(where, profile="backend: kubernetes\n", nightly=nightly, network_policy=network)
    found = install(values.document())
    assert {("ServiceAccount", "d"), ("ServiceAccount", "w"), ("Service", "r"), ("Role", "d")} <= set(found)
