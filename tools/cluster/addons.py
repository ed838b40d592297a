"""What runs inside the cluster besides polyglot: DNS and the S3 store (Kueue: see kueue.py)."""

import string
from collections.abc import Mapping
from pathlib import Path

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tools.cluster import places
from tools.cluster.kubectl import apply, wait_available
from tools.cluster.shell import ClusterError, wait_until

_MANIFESTS = Path(__file__).parent / "manifests"


def install(images: Mapping[str, str]) -> None:
    """Apply DNS and store; `wait` says when they serve."""
    values = {
        "access_key": places.ACCESS_KEY,
        "secret_key": places.SECRET_KEY,
        "data": str(places.run() / "store"),
        "dns_service": places.DNS_SERVICE,
        "store_service": places.STORE_SERVICE,
    }
    for name in ("coredns", "store"):
        text = string.Template((_MANIFESTS / f"{name}.yaml").read_text())
        apply(text.substitute(values, image=images[name]))


def wait(store_endpoint: str) -> None:
    """Wait until both answer, and make the bucket."""
    for namespace, name in (("kube-system", "coredns"), ("polyglot-system", "store")):
        wait_available(namespace, name)
    client = boto3.client(
        "s3",
        endpoint_url=store_endpoint,
        region_name="us-east-1",
        aws_access_key_id=places.ACCESS_KEY,
        aws_secret_access_key=places.SECRET_KEY,
        config=Config(connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 1}),
    )

    def made() -> bool:
        try:
            client.create_bucket(Bucket=places.BUCKET)
        except ClientError as error:
            return error.response["Error"]["Code"] in ("BucketAlreadyOwnedByYou", "BucketAlreadyExists")
        except BotoCoreError as error:
            raise ClusterError(str(error)) from error
        return True

    wait_until(made, f"the store answers at {store_endpoint}", seconds=60)
