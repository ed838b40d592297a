"""Fault 30: a study's secrets are used and end nowhere: in no log, object, event, manifest, record or release.

The server that is asked is of the worst kind: it quotes the key in its verdicts, its errors and its headers.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.kit.cluster import echo_server
from tests.kit.cluster.installation import ROOT, Installation, installed
from tests.kit.cluster.leaks import leaks, traces
from tests.kit.cluster.pod_server import PodServer
from tests.kit.cluster.target import Target

JUDGE_KEY, HUB_TOKEN = "sk-sentinel-5f0c1e9ab7d3", "hf_sentinelQx71Lm04Rz"
REVISION = "0123456789abcdef0123456789abcdef01234567"
NAME = "echo"

pytestmark = pytest.mark.timeout(1200)


@pytest.fixture(scope="module")
def server(cluster: Target, images: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[PodServer]:
    url = f"http://{NAME}:{echo_server.PORT}"
    settings = {"base-url": f"{url}/v1", "concurrency": 4}
    sections = {"settings": {"judge": settings, "ask": settings}}
    more: dict[str, Any] = {"judge-secret": "judge", "hub-secret": "hub"}
    with installed(cluster, images, tmp_path_factory.mktemp("leaks"), sections=sections, **more) as made:
        profile = json.loads(made.profile.read_text())
        profile["kubernetes"]["environment"]["HF_ENDPOINT"] = url
        made.profile.write_text(json.dumps(profile))
        secrets(made)
        server = PodServer(
            installation=made, image=images["worker"], name=NAME, source=echo_server.__file__, port=echo_server.PORT
        )
        server.serve()
        yield server


def secrets(installation: Installation) -> None:
    """Have the two Secrets in the namespace."""
    core, name = installation.namespace.target.core, installation.namespace.name
    for secret, key, value in (("judge", "api-key", JUDGE_KEY), ("hub", "token", HUB_TOKEN)):
        core.create_namespaced_secret(name, {"metadata": {"name": secret}, "stringData": {key: value}})


def authorizations(server: PodServer) -> set[str]:
    """What the server was asked with, as it says it."""
    return set(re.findall(r"\b[0-9a-f]{64}\b", server.said()))


def a_study(folder: Path, model: str, **more: Any) -> Path:
    """The quickstart, shorter, with a judge and a baseline that are called over the network."""
    study = yaml.safe_load((ROOT / "studies" / "quickstart.yaml").read_text())
    study["models"]["tiny"]["built-in"]["steps"] = 20
    study["training"] |= {"steps": 4, "warmup-steps": 1}
    prices = {"price-usd-per-mtok-prompt": 1.0, "price-usd-per-mtok-completion": 1.0}
    study |= {"study": f"leaks-{model}", "mixes": ["EN"], "untuned": False, **more}
    study["judge"] = {"endpoint": "openai", "model": model, **prices}
    study["baselines"] = {"other": {"endpoint": "openai", "model": f"{model}-too", **prices}}
    path = folder / f"{model}.yaml"
    path.write_text(yaml.safe_dump(study))
    return path


def test_secrets_are_used_and_end_nowhere(server: PodServer) -> None:
    """One study that is judged; one that is refused with 401 by its judge and by its hub."""
    installation = server.installation
    folder, profile, target = installation.folder, ("--profile", installation.profile), installation.namespace.target
    gated = {"hub": "owner/gated", "revision": REVISION, "data-files": "{language}.jsonl"}
    gated |= {"format": "bactrian-x", "languages": ["EN"]}
    good = a_study(folder, "quoting")
    bad = a_study(folder, echo_server.REFUSING, datasets={"house": {"built-in": "instructions"}, "gated": gated})

    judged = installation.polyglot("submit", good, *profile, "--attach", "--out", folder / "out")
    page = Path(judged.stdout.splitlines()[0])
    refused = installation.polyglot("submit", bad, *profile, "--attach", "--out", folder / "out", check=False)
    assert refused.returncode == 1, refused.stderr
    verbs = [installation.polyglot(verb, bad, *profile).stdout for verb in ("status", "logs")]
    why = installation.polyglot("why", "ingest gated", "--study", bad, *profile).stdout
    assert "Set HF_TOKEN_PATH to a file with a token" in why

    assert "baseline:other" in page.read_text(encoding="utf-8")
    assert authorizations(server) >= {digest(f"Bearer {key}") for key in (JUDGE_KEY, HUB_TOKEN)}
    said = "\n".join([judged.stdout, judged.stderr, refused.stdout, refused.stderr, why, *verbs])
    written = [(f"out {path.name}", path.read_bytes()) for path in page.parent.rglob("*") if path.is_file()]
    texts = [*traces(installation), ("what polyglot said", said.encode()), *written]
    assert leaks([JUDGE_KEY, HUB_TOKEN, target.store.secret_key], texts) == []
    assert any(b"Bearer [key]" in data for where, data in texts if where.startswith("store"))
    assert {where.split()[0] for where, _ in texts} >= {"pods", "jobs", "events", "configmaps", "store", "helm", "log"}


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
