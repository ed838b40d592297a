"""Store URLs: what opens which store, and the one line that each bad one is refused with."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from polyglot.core.errors import BadInput
from polyglot.store.directory import DirectoryStore
from polyglot.store.locate import open_store
from polyglot.store.s3 import S3Store
from tests.kit.versitygw import Bucket

# every bad URL with a part of the line that refuses it
BAD = [
    ("", "a store's URL is empty"),
    ("  ", "a store's URL is empty"),
    ("gs://bucket/x", "no store of this kind; got 'gs://bucket/x'"),
    ("ftp://host/x", "no store of this kind; got 'ftp://host/x'; expected file:///path"),
    ("https://s3.example.org/bucket", "Write s3://bucket/prefix?endpoint=https://host"),
    ("http://localhost:9000/bucket", "Write s3://bucket/prefix?endpoint=http://host:port"),
    ("s3a://bucket", "Write s3://"),
    ("hdfs://name/x", "Mount it"),
    ("s3://", "no bucket is named"),
    ("s3:///prefix", "no bucket is named"),
    ("s3://Bucket", "not a bucket's name; got 'Bucket'"),
    ("s3://ab", "not a bucket's name"),
    ("s3://a_b_c", "not a bucket's name"),
    ("s3://a..b", "not a bucket's name"),
    ("s3://bucket/../x", "not a prefix; got '../x'"),
    ("s3://bucket/a b", "not a prefix"),
    ("s3://bucket/a//b", "not a prefix"),
    ("s3://bucket/ä", "not a prefix"),
    ("s3://bucket#x", "has no '#'"),
    ("s3://bucket?endpont=http://x", "unknown option 'endpont'"),
    ("s3://bucket?endpoint", "not a query"),
    ("s3://bucket?endpoint=x", "not an endpoint"),
    ("s3://bucket?endpoint=ftp://x", "not an endpoint"),
    ("s3://bucket?endpoint=http://", "not an endpoint"),
    ("s3://bucket?endpoint=http://x:99999", "not an endpoint"),
    ("s3://bucket?endpoint=http://x/path?y", "not a"),
    ("s3://bucket?endpoint=http://x/bucket/", "an endpoint with the bucket in it"),
    ("s3://bucket?endpoint=http://bucket.x", "an endpoint with the bucket in it"),
    ("s3://bucket?addressing_style=host", "not an addressing style; got 'host'; expected path or virtual"),
    ("s3://bucket?endpoint=http://x&endpoint=http://y", "an option is given twice"),
    ("s3://bucket?endpoint=https://storage.googleapis.com", "ignores conditional writes"),
    ("s3://bucket?region=a%20b", "not a region"),
    ("s3://bucket:x", "not a URL"),
    ("file://otherhost/path", "names no other machine"),
    ("file://", "a store's path is empty"),
    ("file:///", "a store's path is empty"),
    ("file:///a?b", "has no '?'"),
    ("file:///a%00b", "NUL"),
    ("file:///a\nb", "control characters"),
]


@pytest.mark.parametrize(("url", "line"), BAD)
def test_a_bad_url_is_refused_in_one_line(url: str, line: str) -> None:
    with pytest.raises(BadInput) as told:
        open_store(url, where="local.yaml:3 store")
    message = str(told.value)
    assert line in message
    assert message.startswith("local.yaml:3 store: ")
    assert "\n" not in message
    assert told.value.exit_code == 2


@pytest.mark.parametrize(
    "url",
    [
        "s3://AKIAEXAMPLE:hunter2@bucket/x",
        "s3://bucket?endpoint=http://user:hunter2@host",
        "s3://bucket?secret=hunter2",
        "ftp://user:hunter2@host/x",
        "s3://bucket?secret=hunter2#x",
        "https://host?key=hunter2",
    ],
)
def test_a_secret_in_a_url_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(BadInput) as told:
        open_store(url)
    assert "hunter2" not in str(told.value)


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("file:///abs/path", "/abs/path"),
        ("file://localhost/abs/path", "/abs/path"),
        ("file:///with%20space", "/with space"),
        ("/plain/path", "/plain/path"),
        ("/a/../b/", "/b"),
        ("relative/path", "{here}/relative/path"),
        ("file://./relative", "{here}/relative"),
        ("file://../sibling", "{parent}/sibling"),
        ("./x", "{here}/x"),
        ("~/store", "{home}/store"),
    ],
)
def test_a_path_in_any_form_is_a_directory_store(
    url: str, path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    store = open_store(url)
    assert isinstance(store, DirectoryStore)
    assert str(store.root) == path.format(here=here, parent=tmp_path, home=Path.home())
    assert open_store(store.url).url == store.url, "the URL leads to the same store from everywhere"
    assert not (here / "relative").exists(), "opening makes nothing"


def test_a_file_is_no_store(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(BadInput, match="this is a file"):
        open_store(str(tmp_path / "file"))


def test_a_bucket_takes_endpoint_and_region_from_its_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://elsewhere:1")
    store = open_store("s3://bucket/a/b/?region=eu-central-1&endpoint=http://127.0.0.1:7070")
    assert isinstance(store, S3Store)
    assert (store.bucket, store.prefix) == ("bucket", "a/b/")
    assert store.url == "s3://bucket/a/b?endpoint=http://127.0.0.1:7070&region=eu-central-1"
    assert open_store(store.url).url == store.url
    assert store.client.meta.endpoint_url == "http://127.0.0.1:7070"
    assert store.client.meta.region_name == "eu-central-1"


def test_an_endpoint_from_the_environment_is_checked_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://storage.googleapis.com")
    with pytest.raises(BadInput, match=r"^AWS_ENDPOINT_URL: Google's S3 interface"):
        open_store("s3://bucket")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")
    assert open_store("s3://bucket").url == "s3://bucket", "the more exact variable wins, and stays out of the URL"


class TestKeyFiles:
    def test_keys_are_read_from_files(self, bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.delenv(name, raising=False)
        for name, value in (("ACCESS", bucket.gateway.access_key), ("SECRET", bucket.gateway.secret_key)):
            (tmp_path / name).write_text("\ufeff" + value + "\n")  # as some editors save it
            monkeypatch.setenv(f"POLYGLOT_S3_{name}_KEY_FILE", str(tmp_path / name))
        store = open_store(bucket.url)
        assert store.create("a", b"x")
        assert bucket.gateway.secret_key not in repr(vars(store))

    def test_one_without_the_other_is_refused(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "key").write_text("x")
        monkeypatch.setenv("POLYGLOT_S3_ACCESS_KEY_FILE", str(tmp_path / "key"))
        monkeypatch.delenv("POLYGLOT_S3_SECRET_KEY_FILE", raising=False)
        with pytest.raises(BadInput, match="POLYGLOT_S3_SECRET_KEY_FILE: not set, while its twin is"):
            open_store("s3://bucket")

    @pytest.mark.parametrize(("content", "line"), [(None, "cannot be read"), (b"", "is empty"), (b"\xff", "not ASCII")])
    def test_a_bad_key_file_is_named(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None, line: str
    ) -> None:
        for name in ("ACCESS", "SECRET"):
            if content is not None:
                (tmp_path / name).write_bytes(content)
            monkeypatch.setenv(f"POLYGLOT_S3_{name}_KEY_FILE", str(tmp_path / name))
        with pytest.raises(BadInput, match=line) as told:
            open_store("s3://bucket")
        assert str(told.value).startswith("POLYGLOT_S3_ACCESS_KEY_FILE: ")


@pytest.mark.parametrize("text", ["x", "0", "-1", "nan", "1e9"])
def test_a_deadline_that_is_none_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLYGLOT_STORE_DEADLINE_SECONDS", text)
    with pytest.raises(BadInput, match="POLYGLOT_STORE_DEADLINE_SECONDS: not a time"):
        open_store("s3://bucket")


def test_an_unknown_profile_of_the_client_library_is_bad_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "no-such-profile")
    with pytest.raises(BadInput, match="AWS_PROFILE"):
        open_store("s3://bucket")


def test_a_directory_store_loads_no_client_library() -> None:
    code = (
        "import sys\n"
        "from polyglot.attempts import attempts, garbage, publish\n"
        "from polyglot.store import committed, doctor\n"
        "from polyglot.store.locate import open_store\n"
        "open_store('x')\n"
        "print([name for name in ('boto3', 'botocore', 'psutil', 'numpy', 'torch') if name in sys.modules])\n"
    )
    said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, env={**os.environ})
    assert said.stdout.strip() == "[]"


def test_a_host_may_be_called_like_the_bucket_where_paths_are_asked_for() -> None:
    url = "s3://minio/x?addressing_style=path&endpoint=http://minio.default.svc:9000"
    assert open_store(url).url == url
    with pytest.raises(BadInput, match="if that is right, add addressing_style=path"):
        open_store(url.replace("addressing_style=path&", ""))
