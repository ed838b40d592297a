"""Each rule of docs/architecture.md about a stage's Job, on rendered Jobs."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from jobs.worker.secrecy import TERMINATION_LOG
from polyglot.core.errors import BadInput, PolyglotError
from polyglot.core.slug import slug
from polyglot.schedulers.kubernetes.render.manifests import render_jobs
from polyglot.schedulers.kubernetes.render.request import MAX_INLINE_BYTES, fits_inline, paths_of_large, request_bytes
from polyglot.schedulers.kubernetes.render.values import stage_values
from tests.kit.chart_scenarios import SCENARIOS, stage_job
from tests.kit.clusters import attempt, cluster

every_scenario = pytest.mark.parametrize("name", SCENARIOS)


def pod(name: str) -> dict[str, Any]:
    found: dict[str, Any] = stage_job(name)["spec"]["template"]["spec"]
    return found


def container(name: str) -> dict[str, Any]:
    (only,) = pod(name)["containers"]
    assert isinstance(only, dict)
    return only


def environment(name: str) -> dict[str, Any]:
    return {each["name"]: each.get("value", each.get("valueFrom")) for each in container(name)["env"]}


class TestRetries:
    @every_scenario
    def test_the_engine_is_the_only_owner_of_retries(self, name: str) -> None:
        spec = stage_job(name)["spec"]
        assert (spec["backoffLimit"], spec["podReplacementPolicy"]) == (0, "Failed")
        assert pod(name)["restartPolicy"] == "Never"

    @every_scenario
    def test_rules_are_in_the_table_s_order_and_ranks_restart_together(self, name: str) -> None:
        interrupted = "FailJob" if SCENARIOS[name].attempt.planned.resources.ranks > 1 else "Ignore"
        rules = stage_job(name)["spec"]["podFailurePolicy"]["rules"]
        assert [rule["action"] for rule in rules] == ["FailJob", interrupted, interrupted]
        exits = [rule["onExitCodes"] for rule in rules[:2]]
        assert [each["values"] for each in exits] == [[42, 45], [43]]
        assert {(each["containerName"], each["operator"]) for each in exits} == {("worker", "In")}
        assert rules[2]["onPodConditions"] == [{"type": "DisruptionTarget", "status": "True"}]

    def test_the_deadline_is_a_backstop_behind_the_worker_s_own(self) -> None:
        assert stage_job("plain")["spec"]["activeDeadlineSeconds"] == 3600 + 2 * 3600
        assert pod("plain")["terminationGracePeriodSeconds"] == 90
        assert stage_job("plain")["spec"]["ttlSecondsAfterFinished"] == 3600


class TestRestricted:
    @every_scenario
    def test_every_field_of_the_restricted_level_is_set(self, name: str) -> None:
        assert pod(name)["securityContext"] == {
            "runAsNonRoot": True,
            "runAsUser": 10001,
            "runAsGroup": 10001,
            "fsGroup": 10001,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        }
        assert container(name)["securityContext"] == {
            "runAsNonRoot": True,
            "readOnlyRootFilesystem": True,
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        }
        assert not {"hostNetwork", "hostPID", "hostIPC", "initContainers", "ephemeralContainers"} & set(pod(name))
        assert {kind for volume in pod(name)["volumes"] for kind in volume} <= {"name", "emptyDir", "secret"}

    @every_scenario
    def test_a_worker_gets_no_token_and_no_service_links(self, name: str) -> None:
        assert pod(name)["automountServiceAccountToken"] is False
        assert pod(name)["enableServiceLinks"] is False
        assert pod(name)["serviceAccountName"] == SCENARIOS[name].cluster.worker_service_account

    @every_scenario
    def test_secrets_are_files_and_never_values(self, name: str) -> None:
        assert not [each for each in container(name)["env"] if "secretKeyRef" in str(each)]
        assert "envFrom" not in container(name)
        mounted = {mount["name"] for mount in container(name)["volumeMounts"] if mount.get("readOnly")}
        assert {volume["name"] for volume in pod(name)["volumes"] if "secret" in volume} == mounted
        assert all(v["secret"]["defaultMode"] == 0o440 for v in pod(name)["volumes"] if "secret" in v)

    def test_the_judge_s_key_reaches_stages_that_call_an_endpoint_only(self) -> None:
        assert environment("judge-secret")["OPENAI_API_KEY_FILE"] == "/var/run/polyglot/judge/api-key"
        where = cluster(judge_secret="openai")
        jobs = render_jobs([attempt(kind) for kind in ("train", "mix", "answer")], study="s", cluster=where)
        assert "openai" not in str(jobs)

    def test_the_hub_s_token_reaches_stages_that_fetch_from_it_only(self) -> None:
        assert environment("hub-secret")["HF_TOKEN_PATH"] == "/var/run/polyglot/hub/token"
        where = cluster(hub_secret="the-hub-s")
        jobs = render_jobs([attempt(kind) for kind in ("ingest", "base", "answer")], study="s", cluster=where)
        assert "the-hub-s" not in str(jobs)

    def test_keys_of_trackers_reach_trainings_that_tell_some_over_the_network_only(self) -> None:
        assert environment("tracker-secret")["POLYGLOT_TRACKER_KEYS"] == "/var/run/polyglot/trackers"
        where = cluster(tracker_secret="the-trackers-")
        told: dict[str, Any] = {"trackers": ["tensorboard"]}
        others = [
            attempt("train"),
            attempt("train", settings=told, number=2),
            attempt("answer", settings={"threads": 1}),
        ]
        jobs = render_jobs(others, study="s", cluster=where)
        assert "the-trackers-" not in str(jobs)
        assert "tells-trackers" not in str(jobs)
        labels = stage_job("tracker-secret")["spec"]["template"]["metadata"]["labels"]
        assert labels["polyglot.dev/tells-trackers"] == "true"

    def test_workload_identity_needs_no_secret(self) -> None:
        assert not any("secret" in volume for volume in pod("workload-identity")["volumes"])
        assert not any(name.startswith("POLYGLOT_S3") for name in environment("workload-identity"))


class TestReasons:
    @every_scenario
    def test_the_reason_of_an_end_is_what_the_container_wrote_and_never_its_log(self, name: str) -> None:
        said = {key: value for key, value in container(name).items() if key.startswith("termination")}
        assert said == {"terminationMessagePath": str(TERMINATION_LOG), "terminationMessagePolicy": "File"}


class TestDisk:
    @every_scenario
    def test_whatever_a_library_writes_lies_under_work(self, name: str) -> None:
        caches = ("HOME", "HF_HOME", "TRITON_CACHE_DIR", "TORCHINDUCTOR_CACHE_DIR", "XDG_CACHE_HOME")
        caches += ("CUDA_CACHE_PATH", "MPLCONFIGDIR")
        assert all(environment(name)[cache].startswith("/work/") for cache in caches)
        assert {"/work", "/tmp"} <= {mount["mountPath"] for mount in container(name)["volumeMounts"]}

    @every_scenario
    def test_requests_are_limits_and_cover_the_disk(self, name: str) -> None:
        resources = container(name)["resources"]
        assert resources["requests"] == resources["limits"]
        sizes = {volume["name"]: volume["emptyDir"] for volume in pod(name)["volumes"] if "emptyDir" in volume}
        scratch = int(sizes["work"]["sizeLimit"].removesuffix("Gi"))
        assert resources["limits"]["ephemeral-storage"] == f"{scratch + 1}Gi"
        assert sizes["tmp"] == {"sizeLimit": "1Gi"}

    def test_shared_memory_is_the_trainer_s_and_within_its_limit(self) -> None:
        (shm,) = (volume for volume in pod("ranks")["volumes"] if volume["name"] == "shm")
        assert shm["emptyDir"] == {"medium": "Memory", "sizeLimit": "6Gi"}
        assert "shm" not in {volume["name"] for volume in pod("plain")["volumes"]}

    def test_disk_is_the_profile_s_unless_the_order_names_larger_files(self) -> None:
        def disk(name: str) -> str:
            return str(pod(name)["volumes"][0]["emptyDir"]["sizeLimit"])

        assert [disk(name) for name in ("plain", "gpu-pool", "workload-identity")] == ["10Gi", "200Gi", "21Gi"]


class TestPlacement:
    def test_a_pool_places_the_kinds_that_it_is_named_for(self) -> None:
        spec = pod("gpu-pool")
        assert spec["nodeSelector"] == {"polyglot.dev/pool": "big-gpu"}
        assert spec["runtimeClassName"] == "nvidia"
        assert spec["tolerations"][0] == {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}
        assert container("gpu-pool")["resources"]["limits"]["nvidia.com/gpu"] == "4"
        annotations = stage_job("gpu-pool")["spec"]["template"]["metadata"]["annotations"]
        assert annotations["karpenter.sh/do-not-disrupt"] == "true"
        where = SCENARIOS["gpu-pool"].cluster
        (other,) = render_jobs([attempt("mix")], study="s", cluster=where)
        assert not {"nodeSelector", "tolerations", "runtimeClassName"} & set(other["spec"]["template"]["spec"])

    def test_a_queue_gets_a_suspended_job(self) -> None:
        job = stage_job("queue")
        assert job["spec"]["suspend"] is True
        assert job["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "polyglot"
        assert pod("queue")["priorityClassName"] == "polyglot-urgent"
        assert stage_job("plain")["spec"]["suspend"] is False

    def test_ranks_are_indexed_find_each_other_and_are_packed(self) -> None:
        job, name = stage_job("ranks"), SCENARIOS["ranks"].attempt.name
        spec, values = job["spec"], environment("ranks")
        assert (spec["completionMode"], spec["completions"], spec["parallelism"]) == ("Indexed", 2, 2)
        assert pod("ranks")["subdomain"] == "polyglot-ranks"
        assert values["MASTER_ADDR"] == f"{name}-0.polyglot-ranks"
        assert (values["MASTER_PORT"], values["POLYGLOT_RANKS"]) == ("29500", "2")
        index = "metadata.annotations['batch.kubernetes.io/job-completion-index']"
        assert values["POLYGLOT_RANK"] == {"fieldRef": {"fieldPath": index}}
        (term,) = pod("ranks")["affinity"]["podAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
        assert term["podAffinityTerm"]["topologyKey"] == "kubernetes.io/hostname"
        assert term["podAffinityTerm"]["labelSelector"]["matchLabels"] == {"batch.kubernetes.io/job-name": name}

    def test_images_are_by_digest_and_by_kind(self) -> None:
        assert container("ranks")["image"] == cluster().images.trainer == environment("ranks")["POLYGLOT_IMAGE"]
        assert container("judge-secret")["image"] == cluster().images.worker


class TestNames:
    @every_scenario
    def test_labels_select_pods_and_annotations_are_exact(self, name: str) -> None:
        job, planned = stage_job(name), SCENARIOS[name].attempt.planned
        labels = job["spec"]["template"]["metadata"]["labels"]
        assert labels["polyglot.dev/study"] == labels["app.kubernetes.io/part-of"] == "quickstart"
        assert labels["polyglot.dev/kind"] == labels["app.kubernetes.io/component"] == planned.stage.kind
        assert labels["polyglot.dev/key"] == planned.key[:12]
        assert labels["polyglot.dev/attempt"] == str(SCENARIOS[name].attempt.number)
        assert labels.get("polyglot.dev/mix", "") == planned.mix
        for annotations in (job["metadata"]["annotations"], job["spec"]["template"]["metadata"]["annotations"]):
            assert annotations["polyglot.dev/key"] == planned.key
            assert annotations["polyglot.dev/label"] == planned.label

    def test_a_rank_s_host_name_fits(self) -> None:
        mix = "ENDEFRITES-sampled-and-a-long-tail-of-text"
        (job,) = render_jobs([attempt("train", mix=mix, number=99, ranks=999)], study="s", cluster=cluster())
        assert len(job["metadata"]["name"] + "-998") <= 63

    def test_names_that_are_too_long_or_equal_are_refused_before_helm_runs(self) -> None:
        long = attempt("aggregate", mix="m" * 28, number=10**9, ranks=4096)
        with pytest.raises(BadInput, match="name is too long"):
            render_jobs([long], study="s", cluster=cluster())
        with pytest.raises(BadInput, match="two attempts have one name"):
            render_jobs([attempt(), attempt()], study="s", cluster=cluster())

    def test_a_directory_is_no_store_for_a_cluster(self) -> None:
        here = replace(attempt(), store_url="file:///tmp/store")
        with pytest.raises(BadInput, match="a cluster's store is a bucket; got 'file:///tmp/store'"):
            render_jobs([here], study="s", cluster=cluster())


class TestRequests:
    def test_an_order_goes_with_its_job_as_it_is(self) -> None:
        assert environment("plain")["POLYGLOT_REQUEST"].encode() == request_bytes(SCENARIOS["plain"].attempt)

    def test_a_long_order_is_refused_unless_the_store_has_it(self) -> None:
        big = attempt("report", params={"facts": "x" * MAX_INLINE_BYTES})
        with pytest.raises(BadInput, match="request is too long for a variable; got 96.* KiB; expected at most 96"):
            render_jobs([big], study="s", cluster=cluster())
        paths = paths_of_large([big, attempt()])
        assert paths == {big.name: f"stages/report/{big.planned.key}/attempts/1/request.json"}
        (job,) = render_jobs([big], study="s", cluster=cluster(), request_paths=paths)
        assert paths[big.name] in str(job)
        assert len(str(job)) < 10_000

    def test_dollar_signs_count_twice(self) -> None:
        assert fits_inline(b"x" * MAX_INLINE_BYTES)
        assert not fits_inline(b"x" * (MAX_INLINE_BYTES - 1) + b"$")

    def test_by_path_the_order_is_not_in_the_job(self) -> None:
        values = environment("request-by-path")
        assert "POLYGLOT_REQUEST" not in values
        assert values["POLYGLOT_STORE"] == "s3://polyglot/studies"
        assert values["POLYGLOT_REQUEST_PATH"].startswith("stages/aggregate/")


class TestHelm:
    def test_no_attempts_need_no_helm(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("POLYGLOT_HELM", "/nowhere/helm")
        assert render_jobs([], study="s", cluster=cluster()) == []

    def test_a_missing_helm_is_said_in_one_line(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("POLYGLOT_HELM", "/nowhere/helm")
        with pytest.raises(BadInput, match="POLYGLOT_HELM: no such program; got '/nowhere/helm'"):
            render_jobs([attempt()], study="s", cluster=cluster())

    @pytest.mark.parametrize("helm", ["/bin/false", "/bin/true"])
    def test_a_helm_that_fails_or_prints_nothing_is_said_in_one_line(
        self, helm: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("POLYGLOT_HELM", helm)
        with pytest.raises(PolyglotError, match="helm cannot render chart stage: no reason|made 0 Jobs of 1 stages"):
            render_jobs([attempt()], study="s", cluster=cluster())

    def test_values_that_the_schema_does_not_know_are_refused(self) -> None:
        from polyglot.schedulers.kubernetes.render.helm import template

        document = stage_values(attempt(), study="s", cluster=cluster()).document()
        with pytest.raises(PolyglotError, match="(?s)values don't meet the specifications.*grace"):
            template("stage", {"stages": [{**document, "grace": 1}]})


def characters() -> Iterator[str]:
    yield from ("a" * 63, "A.b_c-9", "a" * 64, "-a", "a-", "é", "e\u0301", "{{ x }}", "../..", "\u202eabc", "a\u200bb")


def test_slugs_are_label_values_and_differ_where_the_texts_do() -> None:
    slugs = [slug(text) for text in characters()]
    assert slugs[:2] == list(characters())[:2]
    assert len(set(slugs)) == len(slugs)
    assert all(len(each) <= 63 and each[0].isalnum() and each[-1].isalnum() and each.isascii() for each in slugs)
    assert slug("") == ""
