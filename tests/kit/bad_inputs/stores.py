"""Store URLs that are refused."""

from functools import partial
from pathlib import Path

from polyglot.store.locate import open_store
from tests.kit.bad_inputs import Case

URLS = {
    "nothing": "",
    "another scheme": "ftp://host/path",
    "Google's own scheme": "gs://bucket",
    "Google's S3 interface": "s3://bucket?endpoint=https://storage.googleapis.com",
    "no bucket": "s3://",
    "a bucket name with capitals": "s3://MyBucket",
    "credentials in the URL": "s3://key:secret@bucket/prefix",
    "credentials in the endpoint": "s3://bucket?endpoint=http://key:secret@127.0.0.1:1",
    "an unknown option": "s3://bucket?endpont=http://127.0.0.1:1",
    "an endpoint that is no URL": "s3://bucket?endpoint=localhost",
    "a fragment": "s3://bucket/prefix#x",
    "a file's URL with a host": "file://host/path",
    "a line break": "s3://bucket\n/prefix",
}


def _open(folder: Path, url: str) -> None:
    del folder
    open_store(url)


def _below_a_file(folder: Path) -> None:
    (folder / "notes").write_text("")
    open_store(str(folder / "notes" / "deep" / "store"))


CASES = [Case(room="Store URLs", name=name, provoke=partial(_open, url=url)) for name, url in URLS.items()]
CASES.append(Case(room="Store URLs", name="a path below a file", provoke=_below_a_file))
