"""Certificates and kubeconfig files, made with openssl for one cluster's life."""

import base64
import json
from pathlib import Path

from tools.cluster import places
from tools.cluster.shell import call

_SERVER_NAMES = (
    "DNS:kubernetes",
    "DNS:kubernetes.default",
    "DNS:kubernetes.default.svc",
    "DNS:kubernetes.default.svc.cluster.local",
    "DNS:localhost",
    "IP:127.0.0.1",
    f"IP:{places.API_ADDRESS}",
    f"IP:{places.KUBERNETES_SERVICE}",
)
_DAYS = "365"


def folder() -> Path:
    """Return the folder of keys and certificates."""
    return places.run() / "certificates"


def make() -> None:
    """Make the authority, the API server's certificate, its client certificate and the service accounts' key."""
    folder().mkdir(parents=True, mode=0o700)
    _key("ca")
    call(
        *("openssl", "req", "-x509", "-new", "-key", key("ca"), "-subj", "/CN=polyglot-test", "-days", _DAYS),
        *("-addext", "keyUsage=critical,keyCertSign,digitalSignature", "-out", certificate("ca")),
    )
    _key("service-accounts")
    issue("kube-apiserver", "/CN=kube-apiserver", names=_SERVER_NAMES)
    issue("kube-apiserver-client", "/O=system:masters/CN=kube-apiserver")


def issue(name: str, subject: str, *, names: tuple[str, ...] = ()) -> None:
    """Make a key and a certificate for `subject`: CN is the user, O the group."""
    _key(name)
    request = call("openssl", "req", "-new", "-key", key(name), "-subj", subject)
    usage = ["extendedKeyUsage=" + ("serverAuth" if names else "clientAuth"), "keyUsage=digitalSignature"]
    extensions = folder() / f"{name}.ext"
    extensions.write_text("\n".join([*usage, *([f"subjectAltName={','.join(names)}"] if names else [])]) + "\n")
    call(
        *("openssl", "x509", "-req", "-CA", certificate("ca"), "-CAkey", key("ca"), "-CAcreateserial", "-days", _DAYS),
        *("-extfile", extensions, "-out", certificate(name)),
        stdin=request,
    )


def kubeconfig(name: str, path: Path, server: str) -> Path:
    """Write a kubeconfig of the certificate `name`, readable by its owner only; it needs no other file."""
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "polyglot-test",
        "clusters": [
            {
                "name": "polyglot-test",
                "cluster": {"server": server, "certificate-authority-data": _base64(certificate("ca"))},
            }
        ],
        "users": [
            {
                "name": name,
                "user": {
                    "client-certificate-data": _base64(certificate(name)),
                    "client-key-data": _base64(key(name)),
                },
            }
        ],
        "contexts": [{"name": "polyglot-test", "context": {"cluster": "polyglot-test", "user": name}}],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(json.dumps(content, indent=1))
    return path


def key(name: str) -> Path:
    """Return a private key's path."""
    return folder() / f"{name}.key"


def certificate(name: str) -> Path:
    """Return a certificate's path."""
    return folder() / f"{name}.crt"


def _key(name: str) -> None:
    call("openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key(name))


def _base64(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()
