"""etcd, the API server, the controller manager, the scheduler and the one kube-proxy of the shared namespace."""

import json

from tools.cluster import certificates, network, places, processes, programs
from tools.cluster.kubectl import command

_SERVER = f"https://{places.API_ADDRESS}:{places.API_PORT}"
_ETCD = "http://127.0.0.1:2379"
_GRACE_SECONDS, _TOLERATION_SECONDS = 16, 5  # the defaults would take six minutes to give up a lost node


def start() -> None:
    """Start them one after the other, each when the one before answers. Certificates must be there."""
    _start_etcd()
    _start_api_server()
    _start_controller_manager()
    _start_scheduler()


def _start_etcd() -> None:
    peer = "http://127.0.0.1:2380"
    processes.start(
        "etcd",
        [
            *(programs.etcd(), "--name=etcd", f"--data-dir={places.run()}/etcd", "--unsafe-no-fsync"),
            *(f"--listen-client-urls={_ETCD}", f"--advertise-client-urls={_ETCD}"),
            *(f"--listen-peer-urls={peer}", f"--initial-advertise-peer-urls={peer}", f"--initial-cluster=etcd={peer}"),
        ],
    )
    health = network.entered("busybox", "wget", "-qO", "/dev/null", f"{_ETCD}/health")
    processes.wait_for("etcd", "is healthy", *health)


def _start_api_server() -> None:
    certificate, key = certificates.certificate, certificates.key
    processes.start(
        "kube-apiserver",
        [
            programs.kube("kube-apiserver"),
            f"--advertise-address={places.API_ADDRESS}",
            f"--secure-port={places.API_PORT}",
            f"--etcd-servers={_ETCD}",
            f"--service-cluster-ip-range={places.SERVICE_RANGE}",
            f"--client-ca-file={certificate('ca')}",
            f"--tls-cert-file={certificate('kube-apiserver')}",
            f"--tls-private-key-file={key('kube-apiserver')}",
            f"--kubelet-client-certificate={certificate('kube-apiserver-client')}",
            f"--kubelet-client-key={key('kube-apiserver-client')}",
            "--kubelet-preferred-address-types=InternalIP",
            "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
            f"--service-account-key-file={key('service-accounts')}",
            f"--service-account-signing-key-file={key('service-accounts')}",
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            "--allow-privileged=true",
            "--anonymous-auth=true",
            f"--default-not-ready-toleration-seconds={_TOLERATION_SECONDS}",
            f"--default-unreachable-toleration-seconds={_TOLERATION_SECONDS}",
            f"--requestheader-client-ca-file={certificate('ca')}",
            f"--proxy-client-cert-file={certificate('kube-apiserver-client')}",
            f"--proxy-client-key-file={key('kube-apiserver-client')}",
            "--requestheader-username-headers=X-Remote-User",
            "--requestheader-group-headers=X-Remote-Group",
            "--requestheader-extra-headers-prefix=X-Remote-Extra-",
            f"--cert-dir={places.run()}/kube-apiserver",
        ],
    )
    ready = [*command(), "--request-timeout=5s", "get", "--raw", "/readyz"]
    processes.wait_for("kube-apiserver", "is ready", *ready)


def _start_controller_manager() -> None:
    user = "system:kube-controller-manager"
    processes.start(
        "kube-controller-manager",
        [
            programs.kube("kube-controller-manager"),
            *_authenticated("kube-controller-manager", user),
            "--leader-elect=false",
            "--use-service-account-credentials=true",
            f"--root-ca-file={certificates.certificate('ca')}",
            f"--service-account-private-key-file={certificates.key('service-accounts')}",
            f"--node-monitor-grace-period={_GRACE_SECONDS}s",
            "--node-monitor-period=2s",
            f"--cert-dir={places.run()}/kube-controller-manager",
        ],
    )


def _start_scheduler() -> None:
    processes.start(
        "kube-scheduler",
        [
            programs.kube("kube-scheduler"),
            *_authenticated("kube-scheduler", "system:kube-scheduler"),
            "--leader-elect=false",
            f"--cert-dir={places.run()}/kube-scheduler",
        ],
    )


def start_proxy() -> None:
    """Start kube-proxy, which makes the rules for services; the node of its name must exist."""
    certificates.issue("kube-proxy", "/CN=system:kube-proxy")
    kubeconfig = certificates.kubeconfig("kube-proxy", places.run() / "kube-proxy.kubeconfig", _SERVER)
    config = places.run() / "kube-proxy.json"
    content = {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "clientConnection": {"kubeconfig": str(kubeconfig)},
        "hostnameOverride": places.NODES[0].name,
        "mode": "nftables",
        "oomScoreAdj": 0,
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
        "nftables": {"minSyncPeriod": "0s"},
    }
    config.write_text(json.dumps(content))
    processes.start("kube-proxy", [programs.kube("kube-proxy"), f"--config={config}"])


def _authenticated(name: str, user: str) -> list[str]:
    certificates.issue(name, f"/CN={user}")
    kubeconfig = certificates.kubeconfig(name, places.run() / f"{name}.kubeconfig", _SERVER)
    return [f"--{prefix}kubeconfig={kubeconfig}" for prefix in ("", "authentication-", "authorization-")]
