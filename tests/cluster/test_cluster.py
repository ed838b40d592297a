"""The cluster does what the tests of polyglot on it take for granted."""

import subprocess
import sys
import uuid
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.kit.cluster.namespace import Namespace
from tests.kit.cluster.target import Target

_TOLERATE_ALL: list[dict[str, Any]] = [{"operator": "Exists"}]


def test_job_completes_and_its_log_is_read(namespace: Namespace) -> None:
    namespace.run("hello", "echo hello from $(hostname)")
    assert namespace.wait_job("hello") == "Complete"
    (pod,) = namespace.pods("hello")
    assert namespace.log(pod).strip() == f"hello from {pod.metadata.name}"


def test_memory_limit_ends_in_oom_killed(namespace: Namespace) -> None:
    namespace.run("hog", "head -c 200m /dev/zero | tail -c 150m >/dev/null", resources={"limits": {"memory": "32Mi"}})
    assert namespace.wait_job("hog") == "Failed"
    (pod,) = namespace.pods("hog")
    terminated = pod.status.container_statuses[0].state.terminated
    assert (terminated.reason, terminated.exit_code) == ("OOMKilled", 137)


def test_exit_42_under_a_fail_job_rule_leaves_one_pod(namespace: Namespace) -> None:
    rule = {"action": "FailJob", "onExitCodes": {"operator": "In", "values": [42]}}
    more = {"backoffLimit": 3, "podReplacementPolicy": "Failed", "podFailurePolicy": {"rules": [rule]}}
    namespace.run("bug", "exit 42", job=more)
    assert namespace.wait_job("bug") == "Failed"
    assert len(namespace.pods("bug")) == 1


def test_pod_fetches_from_a_pod_on_the_other_node(namespace: Namespace) -> None:
    first, second = _two_nodes(namespace.target)
    serve = "mkdir /tmp/www && echo page >/tmp/www/index.html && httpd -f -p 8000 -h /tmp/www"
    namespace.run("server", serve, nodeName=second, tolerations=_TOLERATE_ALL)
    address = namespace.wait_running("server").status.pod_ip
    fetch = f"until wget -q -O - http://{address}:8000/; do sleep 0.2; done"
    namespace.run("reader", fetch, nodeName=first, job={"activeDeadlineSeconds": 60})
    assert namespace.wait_job("reader") == "Complete"
    assert namespace.log(namespace.pods("reader")[0]) == "page\n"


def test_store_honours_a_conditional_put_through_the_relay(cluster: Target) -> None:
    store = cluster.store
    client = boto3.client(
        "s3",
        endpoint_url=store.endpoint,
        region_name="us-east-1",
        aws_access_key_id=store.access_key,
        aws_secret_access_key=store.secret_key,
    )
    key = f"tests/{uuid.uuid4().hex}"
    client.put_object(Bucket=store.bucket, Key=key, Body=b"first", IfNoneMatch="*")
    with pytest.raises(ClientError) as refused:
        client.put_object(Bucket=store.bucket, Key=key, Body=b"second", IfNoneMatch="*")
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 412
    assert client.get_object(Bucket=store.bucket, Key=key)["Body"].read() == b"first"


def test_store_answers_in_a_pod_under_its_service_name(namespace: Namespace) -> None:
    namespace.run("reader", f"timeout 20 wget -S -O /dev/null {namespace.target.store.inside}/ 2>&1 | grep HTTP/1.1")
    assert namespace.wait_job("reader") == "Complete"
    assert "403" in namespace.log(namespace.pods("reader")[0])


def test_taint_keeps_pods_off_the_second_node(namespace: Namespace) -> None:
    if not namespace.target.own:
        pytest.skip("another cluster's nodes have taints of their own")
    namespace.run("plain", "true", nodeSelector={"polyglot.dev/pool": "big"})
    text = namespace.wait_pod("plain", _unschedulable, "is unschedulable")
    assert "1 node(s) had untolerated taint" in text
    gpu = {"limits": {"nvidia.com/gpu": "1"}}
    tolerated = [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]
    selected = {"polyglot.dev/pool": "big"}
    namespace.run("gpu", "true", nodeSelector=selected, tolerations=tolerated, resources=gpu)
    assert namespace.wait_job("gpu") == "Complete"
    assert namespace.pods("gpu")[0].spec.node_name == "node-2"


def test_indexed_pods_find_each_other_under_a_headless_service(namespace: Namespace) -> None:
    spec = {"clusterIP": "None", "selector": {"app": "ranks"}, "publishNotReadyAddresses": True}
    namespace.target.core.create_namespaced_service(namespace.name, {"metadata": {"name": "ranks"}, "spec": spec})
    name = f"ranks-0.ranks.{namespace.name}.svc.cluster.local"
    command = f"until nslookup {name} | grep -A 1 'Name:'; do sleep 0.2; done; sleep 3"
    indexed = {"completionMode": "Indexed", "completions": 2, "parallelism": 2, "activeDeadlineSeconds": 60}
    namespace.run("ranks", command, job=indexed, subdomain="ranks")
    assert namespace.wait_job("ranks") == "Complete"
    index = "batch.kubernetes.io/job-completion-index"
    pods = {pod.metadata.annotations[index]: pod for pod in namespace.pods("ranks")}
    assert pods["0"].status.pod_ip in namespace.log(pods["1"])


def _two_nodes(target: Target) -> list[str]:
    """Return the names of two nodes; skips where there is one."""
    names = sorted(node.metadata.name for node in target.core.list_node().items)
    if len(names) < 2:
        pytest.skip("this cluster has one node")
    return names[:2]


def _unschedulable(pod: Any) -> str | None:
    found = [c.message for c in pod.status.conditions or [] if c.type == "PodScheduled" and c.reason == "Unschedulable"]
    return found[0] if found else None


def test_images_are_given_to_it_by_several_at_once(cluster: Target, images: dict[str, str]) -> None:
    """As the processes of a test run do: what is installed for them is one release."""
    if not cluster.own:
        pytest.skip("needs the cluster that tools.cluster makes")
    command = [sys.executable, "-m", "tools.cluster", "images"]
    several = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    ends = [(one.communicate(timeout=300), one.returncode) for one in several]
    assert [code for _, code in ends] == [0] * 3, ends
    assert [set(out.split()) for (out, _), _ in ends] == [set(images.values())] * 3
