"""The kubernetes section of a profile, and the Cluster that the other rooms read."""

import re
from pathlib import Path
from typing import Any

import pytest

from polyglot.core.errors import BadInput
from polyglot.core.stage import PlannedStage, Stage
from polyglot.kinds.registry import KINDS
from polyglot.study.cluster import Cluster
from polyglot.study.pool import Pool, Toleration
from polyglot.study.profile import load_profile

DIGEST = "sha256:" + "0123456789abcdef" * 4
IMAGES = f"images: {{controller: 'r/c@{DIGEST}', worker: 'r:5000/w:1.2@{DIGEST}', trainer: 'r/t@{DIGEST}'}}"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("POLYGLOT_STORE", raising=False)


def load(section: str = "", *, store: str = "s3://bucket/prefix") -> Cluster:
    text = f"store: {store}\nbackend: kubernetes\nkubernetes:\n  {IMAGES}\n"
    Path("p.yaml").write_text(text + "".join(f"  {line}\n" for line in section.splitlines()), encoding="utf-8")
    cluster = load_profile("p.yaml").cluster
    assert cluster is not None
    return cluster


def in_trainer(cluster: Cluster, stage: Stage) -> bool:
    return cluster.image_of(PlannedStage(stage=stage, label="")) == cluster.images.trainer


def test_what_is_left_out_has_its_default() -> None:
    cluster = load()
    assert (cluster.namespace, cluster.context, cluster.queue) == ("polyglot", None, None)
    assert (cluster.store_secret, cluster.judge_secret) == ("polyglot-store", None)
    assert (cluster.worker_service_account, cluster.driver_service_account) == ("polyglot-worker", "polyglot-driver")
    assert (cluster.ttl_seconds, cluster.pending_deadline_seconds, cluster.scratch_bytes) == (3600, 1800, 10 * 2**30)
    assert (cluster.lost_node, cluster.image_pull_policy, cluster.priority_class) == (
        "report",
        "IfNotPresent",
        "polyglot-study",
    )
    assert cluster.pools == {"default": Pool()}


def test_what_may_be_done_without_is_null() -> None:
    cluster = load("store-secret: null\npriority-class: null\nqueue: null\ncontext: null")
    assert (cluster.store_secret, cluster.priority_class, cluster.queue, cluster.context) == (None, None, None, None)


def test_kinds_have_images_pools_and_secrets() -> None:
    cluster = load(
        "judge-secret: openai\n"
        "pool-of: {train: big, judge: default}\n"
        "pools:\n"
        "  big:\n"
        "    node-selector: {cloud.example/pool: a100}\n"
        "    tolerations: [{key: nvidia.com/gpu, operator: Exists, effect: NoExecute, toleration-seconds: 5}]\n"
        "    annotations: {karpenter.sh/do-not-disrupt: 'true'}\n"
        "    runtime-class: nvidia\n"
        "    gpu-resource: amd.com/gpu\n"
    )
    big = cluster.pool_of("train")
    assert big.tolerations == (
        Toleration(key="nvidia.com/gpu", operator="Exists", effect="NoExecute", toleration_seconds=5),
    )
    assert (big.runtime_class, big.gpu_resource) == ("nvidia", "amd.com/gpu")
    assert cluster.pool_of("judge") == cluster.pool_of("mix") == Pool()
    stages = [Stage(kind=kind, version=1, params={"endpoint": "openai"}) for kind in KINDS if kind != "translate"]
    assert {each.kind for each in stages if in_trainer(cluster, each)} == {
        "base",
        "tokenize",
        "check",
        "train",
        "answer",
    }
    assert {each.kind for each in stages if cluster.judge_secret_of(each)} == {
        "probe",
        "ask",
        "judge",
        "compare",
        "reference",
    }


def test_what_a_pool_has_besides_is_counted_and_changes_no_submission_that_names_none() -> None:
    fast = load("pools: {fast: {resources: {rdma/hca: 8, hugepages-2Mi: 5368709120}}}\n").pools["fast"]
    assert fast.resources == {"rdma/hca": 8, "hugepages-2Mi": 5 * 2**30}
    assert "resources" not in Pool().model_dump()


@pytest.mark.parametrize(
    ("named", "line"),
    [
        ("{cpu: 4}", "resources.cpu: not the pool's to say"),
        ("{nvidia.com/gpu: 4}", "not the pool's to say"),
        ("{rdma/hca: 0}", "got 0; expected a whole number from 1 on"),
        ("{rdma/hca: 1Gi}", "rdma/hca"),
        ("{'no such name!': 1}", "no such name!"),
    ],
)
def test_what_a_pool_cannot_have_besides_is_refused(named: str, line: str) -> None:
    with pytest.raises(BadInput, match=re.escape(line)):
        load(f"pools: {{fast: {{resources: {named}}}}}\n")


def test_translations_get_what_their_engine_needs_and_nothing_else() -> None:
    cluster = load("judge-secret: openai\ndeepl-secret: deepl\n")
    engines = ("identity", "apertium", "deepl", "openai", "marian", "nllb")
    stages = {name: Stage(kind="translate", version=1, params={"engine": name}) for name in engines}
    found = {name: (cluster.judge_secret_of(each), cluster.deepl_secret_of(each)) for name, each in stages.items()}
    assert found == dict.fromkeys(engines, (None, None)) | {"openai": ("openai", None), "deepl": (None, "deepl")}
    assert {name for name in engines if in_trainer(cluster, stages[name])} == {"marian", "nllb"}
    assert cluster.deepl_secret_of(Stage(kind="judge", version=1, params={})) is None


@pytest.mark.parametrize("kind", ["ask", "judge", "reference"])
def test_the_built_in_judge_gets_no_key(kind: str) -> None:
    cluster = load("judge-secret: openai\n")
    stages = [Stage(kind=kind, version=1, params={"endpoint": endpoint}) for endpoint in ("openai", "built-in")]
    assert [cluster.judge_secret_of(each) for each in stages] == ["openai", None]


@pytest.mark.parametrize(
    ("kind", "params", "fetches"),
    [
        ("ingest", {"source": "hub", "hub": "owner/name"}, True),
        ("ingest", {"source": "files", "hub": None}, False),
        ("base", {"source": "hub", "hub": "owner/name"}, True),
        ("base", {"source": "built-in", "hub": None}, False),
        ("translate", {"engine": "marian", "model": "owner/name", "files": []}, True),
        ("translate", {"engine": "nllb", "files": [{"sha256": "0" * 64}]}, False),
        ("translate", {"engine": "openai", "model": "gpt"}, False),
        ("quality", {"comet_model": "owner/name"}, True),
        ("quality", {"comet_model": ""}, False),
        ("train", {}, False),
    ],
)
def test_the_hub_s_token_goes_to_stages_that_fetch_from_it(kind: str, params: dict[str, Any], fetches: bool) -> None:
    cluster = load("hub-secret: hub\n")
    assert cluster.hub_secret_of(Stage(kind=kind, version=1, params=params)) == ("hub" if fetches else None)


@pytest.mark.parametrize(("trackers", "told"), [(["wandb"], True), (["tensorboard"], False), (None, False)])
def test_keys_of_trackers_go_to_trainings_that_send_to_some(trackers: list[str] | None, told: bool) -> None:
    cluster, settings = load("tracker-secret: keys\n"), {} if trackers is None else {"trackers": trackers}
    train = PlannedStage(stage=Stage(kind="train", version=1, params={}), label="t", settings=settings)
    assert cluster.tracker_secret_of(train) == ("keys" if told else None)


def test_the_profile_of_this_machine_has_no_cluster() -> None:
    assert load_profile("local").cluster is None


def test_the_environment_s_store_must_be_a_bucket_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLYGLOT_STORE", "s3://other/prefix")
    load(store="file:///data")
    monkeypatch.setenv("POLYGLOT_STORE", "file:///data")
    with pytest.raises(BadInput, match="POLYGLOT_STORE: a cluster's store is a bucket; got 'file:///data'"):
        load()


@pytest.mark.parametrize("image", ["r/w", "r/w:latest", f"r/w@{DIGEST[:-1]}", f"R/w@{DIGEST}", f"r/w @{DIGEST}", "@"])
def test_an_image_without_a_digest_is_refused_with_a_way_to_get_it(image: str) -> None:
    global_images = IMAGES.replace(f"r/t@{DIGEST}", image)
    Path("p.yaml").write_text(f"store: s3://b1b/p\nbackend: kubernetes\nkubernetes:\n  {global_images}\n")
    with pytest.raises(BadInput, match=r"images.trainer: not .*`docker buildx imagetools inspect .* prints the digest"):
        load_profile("p.yaml")


def test_resources_may_name_their_disk() -> None:
    Path("p.yaml").write_text("resources: {train: {scratch: 200Gi}}\n")
    resources = load_profile("p.yaml").resources
    assert (resources["train"].scratch_bytes, resources["mix"].scratch_bytes) == (200 * 2**30, 0)


def test_answers_by_vllm_have_an_image_of_their_own() -> None:
    with pytest.raises(BadInput, match=r"no image for vllm.* Add it as `vllm:` to the `images:`"):
        profile_with("settings: {answer: {engine: vllm}}\n", IMAGES)
    own = f"r/v@{DIGEST}"
    cluster = profile_with("settings: {answer: {engine: vllm}}\n", IMAGES.replace("}", f", vllm: '{own}'}}"))
    made = Stage(kind="answer", version=1, params={})
    assert cluster.image_of(PlannedStage(stage=made, label="", settings={"engine": "vllm"})) == own
    assert cluster.image_of(PlannedStage(stage=made, label="")) == cluster.images.trainer
    with pytest.raises(BadInput, match="names folders of this machine"):
        profile_with("environments: {vllm: /opt/vllm}\n", IMAGES)


def profile_with(section: str, images: str) -> Cluster:
    text = f"store: s3://bucket/prefix\nbackend: kubernetes\n{section}kubernetes:\n  {images}\n"
    Path("p.yaml").write_text(text, encoding="utf-8")
    cluster = load_profile("p.yaml").cluster
    assert cluster is not None
    return cluster
