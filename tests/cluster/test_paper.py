"""studies/paper.yaml on the cluster: pods fetch Teuken, Lima-X and Bactrian-X from a hub, and the judge is asked there.

`PAPER=all` runs all nine mixes; otherwise one.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3
import pytest

from tests.kit.cluster.installation import ROOT, installed
from tests.kit.cluster.target import Target
from tests.kit.paper import benchmark, mirrored, study_text
from tools.cluster import network, places

ALL = os.environ.get("PAPER") == "all"
ONE = {} if ALL else {"mixes": "[DEFRITES-sampled]"}
LIMIT = 9000 if ALL else 2100  # seconds


@contextmanager
def served(folder: Path) -> Iterator[dict[str, str]]:
    """Hub and judge at a node's address, in the cluster's own network."""
    command = network.entered(sys.executable, "-m", "tests.kit.paper", places.API_ADDRESS, folder / "published")
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
        process.stdin.close()


@pytest.mark.slow
@pytest.mark.timeout(LIMIT + 300)
def test_the_study_of_the_paper_comes_to_its_report(cluster: Target, images: dict[str, str], tmp_path: Path) -> None:
    if not cluster.own:
        pytest.skip("hub and judge are in the network of our own cluster")
    with served(tmp_path) as at:
        sections = {"settings": {"judge": {"base-url": at["judge"]}}}
        with installed(cluster, images, tmp_path, sections=sections) as made:
            profile = json.loads(made.profile.read_text())
            profile["kubernetes"]["environment"]["HF_ENDPOINT"] = at["hub"]
            made.profile.write_text(json.dumps(profile))
            bucket, _, prefix = made.store_url.removeprefix("s3://").partition("/")
            store = cluster.store
            client = boto3.client(
                "s3",
                endpoint_url=store.endpoint,
                aws_access_key_id=store.access_key,
                aws_secret_access_key=store.secret_key,
                region_name="us-east-1",
            )
            pages = benchmark(tmp_path)
            for path, body in pages.items():
                client.put_object(Bucket=bucket, Key=f"{prefix}-mirror{path}", Body=body)
            mirror = mirrored(tmp_path, f"s3://{bucket}/{prefix}-mirror", pages)
            (tmp_path / "catalogue.yaml").write_text(mirror, encoding="utf-8")
            study = tmp_path / "paper.yaml"
            text = study_text(seeds="[0]", answers="{max-new-tokens: 8}", **ONE)
            study.write_text(text.replace("0" * 40, "7e" * 20), encoding="utf-8")
            said = made.polyglot(
                "submit", study, "--profile", made.profile, "--attach", "--out", tmp_path / "out", timeout=LIMIT
            )
            page = Path(said.stdout.splitlines()[0]).read_text(encoding="utf-8")
    for name in ("DEFRITES-sampled", "Teuken-7B-base-v0.6", "bactrian-x", "lima-x"):
        assert name in page
