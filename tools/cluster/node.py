"""A node: a containerd and a kubelet with everything of their own, so that two fit on one machine."""

import json
import os
from pathlib import Path

from tools.cluster import certificates, cgroups, image_store, network, places, processes, programs
from tools.cluster.kubectl import kubectl

_API = f"https://{places.API_ADDRESS}:{places.API_PORT}"
TAINT = {"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}
FAKE_GPUS = 2


def folder(node: places.Node) -> Path:
    """Return the node's folder."""
    return places.run() / node.name


def socket(node: places.Node) -> Path:
    """Return the socket of the node's container runtime."""
    return folder(node) / "containerd.sock"


def start(node: places.Node, *, pause_image: str) -> None:
    """Start the node; it becomes ready some seconds later. The API server must be up."""
    base = folder(node)
    base.mkdir(parents=True)
    image_store.copy_into(base / "root")
    network.write_plugin(node, base / "cni", base / "cni-state")
    (base / "containerd.toml").write_text(
        image_store.configuration(base, root=base / "root", cri=_cri(base, pause_image))
    )
    name = f"containerd-{node.name}"
    processes.start(name, ["containerd", "--config", base / "containerd.toml"])
    processes.wait_for(name, "answers", "ctr", "--address", socket(node), "version")
    certificates.issue(node.name, f"/O=system:nodes/CN=system:node:{node.name}")
    kubeconfig = certificates.kubeconfig(node.name, base / "kubeconfig", _API)
    (base / "kubelet.json").write_text(json.dumps(_kubelet(node), indent=1))
    processes.start(
        f"kubelet-{node.name}",
        [
            programs.kube("kubelet"),
            f"--config={base}/kubelet.json",
            f"--kubeconfig={kubeconfig}",
            f"--hostname-override={node.name}",
            f"--node-ip={node.address}",
            f"--node-labels=polyglot.dev/pool={node.pool}",
            f"--root-dir={base}/kubelet",
            f"--cert-dir={base}/pki",
        ],
    )


def wait(node: places.Node) -> None:
    """Wait until the kubelet is well."""
    url = f"http://127.0.0.1:{node.health_port}/healthz"
    processes.wait_for(
        f"kubelet-{node.name}", "is healthy", *network.entered("busybox", "wget", "-qO", "/dev/null", url)
    )


def add_fake_gpus(node: places.Node) -> None:
    """Let the node claim GPUs that it has not: the kubelet keeps what it does not manage."""
    patch = [
        {"op": "add", "path": f"/status/{where}/nvidia.com~1gpu", "value": str(FAKE_GPUS)}
        for where in ("capacity", "allocatable")
    ]
    kubectl("patch", "node", node.name, "--subresource=status", "--type=json", f"--patch={json.dumps(patch)}")


def _cri(base: Path, pause_image: str) -> str:
    """Nothing below a shared path, and no lower oom_score_adj, which an unprivileged machine does not allow."""
    return f"""[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{pause_image}"
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  disable_apparmor = true
  max_container_log_line_size = -1
  stream_server_address = "127.0.0.1"
[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "{network.plugins()}"
  conf_dir = "{base}/cni"
[plugins."io.containerd.grpc.v1.cri".containerd]
  snapshotter = "overlayfs"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
  SystemdCgroup = false
  Root = "{base}/runc"
"""


def _kubelet(node: places.Node) -> dict[str, object]:
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    base = folder(node)
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": node.address,
        "healthzPort": node.health_port,
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(certificates.certificate("ca"))},
        },
        "authorization": {"mode": "Webhook"},
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": cgroups.of(node),
        "clusterDNS": [places.DNS_SERVICE],
        "clusterDomain": "cluster.local",
        "containerRuntimeEndpoint": f"unix://{socket(node)}",
        "enforceNodeAllocatable": [],
        "evictionHard": {"memory.available": "100Mi"},
        "failSwapOn": False,
        "fileCheckFrequency": "1m",
        "imageMinimumGCAge": "24h",
        "imageGCHighThresholdPercent": 100,  # what it removed could not be pulled again
        "imageGCLowThresholdPercent": 99,
        "kubeAPIBurst": 200,
        "kubeAPIQPS": 100,
        "maxPods": 200,
        "nodeLeaseDurationSeconds": 12,  # renewed every 3 s: a busy machine still meets the grace period of 16 s
        "nodeStatusUpdateFrequency": "4s",
        "oomScoreAdj": 0,
        "podLogsDir": f"{base}/pod-logs",
        "registerWithTaints": [TAINT] if node.tainted else [],
        "resolvConf": "",
        "systemReserved": {"memory": f"{memory // 2 >> 20}Mi"},  # two nodes share the machine's memory
        "volumePluginDir": f"{base}/volume-plugins",
    }
