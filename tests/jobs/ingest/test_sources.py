"""Where rows come from: pinned web files, buckets and hubs, on real servers on the loopback."""

import gzip
import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pyarrow as pa
import pytest
from pyarrow import parquet

from jobs.ingest import job as ingest
from jobs.ingest.hub import files
from jobs.lib.patience import Patience
from polyglot.core.errors import Permanent
from polyglot.kinds.ingest import IngestParams, LanguageColumn
from polyglot.kinds.kind import File
from polyglot.store.fetching import fetch
from tests.kit.data_ingests import bactrian, json_lines, reasons_of, rows_of
from tests.kit.data_jobs import DataContext, data_context, staged
from tests.kit.hub_server import NAME, REVISION, Hub, hub_server
from tests.kit.versitygw import Bucket
from tests.kit.web import web

DATA = json_lines([bactrian(1), bactrian(2, output="")])


def pinned(uri: str, data: bytes = DATA, size: int | None = None) -> File:
    sha256 = hashlib.sha256(data).hexdigest()
    return File(sha256=sha256, bytes=len(data) if size is None else size, name=uri.rsplit("/", 1)[-1], uri=uri)


def test_a_web_file_is_fetched_verified_and_named_without_its_query(tmp_path: Path) -> None:
    with web({"/rows.jsonl": (200, {}, DATA)}) as url:
        context = data_context(tmp_path / "job")
        file = pinned(f"{url}/rows.jsonl?signature=secret", size=-1)
        params = IngestParams(
            what="dataset", languages=("EN",), source="files", format="bactrian-x", files={"EN": (file,)}
        )
        ingest.run(staged(context, params))
    assert rows_of(context, "rows/EN.jsonl")[0]["origin"] == "files:rows.jsonl:1"
    assert reasons_of(context) == [(2, "empty-output")]


def test_a_file_that_changed_is_refused_and_not_kept(tmp_path: Path) -> None:
    with web({"/rows.jsonl": (200, {}, DATA + b"\n")}) as url, pytest.raises(Permanent) as error:
        fetch(pinned(f"{url}/rows.jsonl?signature=secret"), tmp_path / "file")
    assert f"/rows.jsonl: got {len(DATA) + 1} bytes with sha256 " in str(error.value)
    assert "pin it again" in str(error.value)
    assert "secret" not in str(error.value)
    assert not (tmp_path / "file").exists()


def test_a_file_longer_than_pinned_is_not_read_to_its_end(tmp_path: Path) -> None:
    with web({"/rows.jsonl": (200, {}, DATA + b" " * 10_000_000)}) as url, pytest.raises(Permanent) as error:
        fetch(pinned(f"{url}/rows.jsonl"), tmp_path / "file")
    assert f"got {len(DATA) + 1} bytes" in str(error.value)


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_refusal_is_permanent(tmp_path: Path, status: int) -> None:
    with (
        web({"/rows.jsonl": (status, {}, b"")}) as url,
        pytest.raises(Permanent, match=rf"/rows\.jsonl: the server answered {status}"),
    ):
        fetch(pinned(f"{url}/rows.jsonl"), tmp_path / "file")


@pytest.mark.parametrize("status", [429, 500, 503])
def test_an_overloaded_server_is_left_to_the_engine_to_retry(tmp_path: Path, status: int) -> None:
    with web({"/rows.jsonl": (status, {}, b"")}) as url, pytest.raises(HTTPError):
        fetch(pinned(f"{url}/rows.jsonl"), tmp_path / "file")


@pytest.mark.parametrize("uri", ["http://data.example/r.jsonl", "ftp://data.example/r.jsonl", "file:///etc/passwd"])
def test_other_schemes_are_refused(tmp_path: Path, uri: str) -> None:
    with pytest.raises(Permanent, match="expected https:// or s3://"):
        fetch(pinned(uri), tmp_path / "file")


def test_credentials_in_an_address_are_not_shown(tmp_path: Path) -> None:
    with pytest.raises(Permanent) as error:
        fetch(pinned("http://me:secret@data.example/r.jsonl"), tmp_path / "file")
    assert "secret" not in str(error.value)


def test_a_file_in_a_bucket_is_fetched_and_verified(
    tmp_path: Path, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in bucket.gateway.environment().items():
        monkeypatch.setenv(name, value)
    (tmp_path / "source").write_bytes(DATA)
    bucket.store().upload("sets/rows.jsonl", tmp_path / "source")
    found = fetch(pinned(f"s3://{bucket.name}/sets/rows.jsonl", size=-1), tmp_path / "target")
    assert found.read_bytes() == DATA
    with pytest.raises(Permanent, match=f"s3://{bucket.name}/sets/none.jsonl: "):
        fetch(pinned(f"s3://{bucket.name}/sets/none.jsonl"), tmp_path / "target2")
    with pytest.raises(Permanent, match="The file is not the one that the study pinned"):
        fetch(pinned(f"s3://{bucket.name}/sets/rows.jsonl", b"other"), tmp_path / "target3")


README = b"""---
configs:
- config_name: de
  data_files:
  - split: train
    path: [data/de-1.jsonl, data/de-2.jsonl]
---
"""
REPOSITORY = {
    "README.md": README,
    "data/de-1.jsonl": DATA,
    "data/de-2.jsonl": json_lines([bactrian(3)]),
    "data/DE.json": b"[" + DATA.replace(b"}\n{", b"},\n{") + b"]",
    "parallel.py": b"raise SystemExit('repository code was run')\n",
}


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    with hub_server(REPOSITORY) as served:
        monkeypatch.setenv("HF_ENDPOINT", served.endpoint)
        monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
        yield served


def from_hub(root: Path, **changes: Any) -> DataContext:
    context = data_context(root)
    fields = {"languages": ("DE",), "format": "bactrian-x", "hub": NAME, "revision": REVISION, **changes}
    params = IngestParams(what="dataset", source="hub", **fields)
    ingest.run(staged(context, params))
    return context


def test_files_of_a_hub_repository_are_read_line_by_line(tmp_path: Path, hub: Hub) -> None:
    context = from_hub(tmp_path / "job", data_files="data/{language}-*.jsonl")
    assert [row["origin"] for row in rows_of(context, "rows/DE.jsonl")] == [
        f"{NAME}:data/de-1.jsonl:1",
        f"{NAME}:data/de-2.jsonl:1",
    ]
    assert rows_of(context, "rejected.jsonl")[0]["file"] == "data/de-1.jsonl"
    assert all(REVISION in page for page in hub.asked if "/datasets/" in page)


def test_upper_case_placeholders_name_files_too(tmp_path: Path, hub: Hub) -> None:
    context = from_hub(tmp_path / "job", data_files="data/{LANGUAGE}.json")
    assert [row["id"] for row in rows_of(context, "rows/DE.jsonl")] == ["a-1"]


def test_a_pattern_without_a_file_is_refused(tmp_path: Path, hub: Hub) -> None:
    with pytest.raises(Permanent, match=r"hub someone/parallel@0123456789ab: no file matches 'data/de\.csv' for DE"):
        from_hub(tmp_path / "job", data_files="data/{language}.csv")


@pytest.mark.parametrize("revision", ["main", "v1.0", "0123456", "", REVISION.upper()])
def test_a_floating_revision_is_refused_before_the_hub_is_asked(tmp_path: Path, hub: Hub, revision: str) -> None:
    with pytest.raises(Permanent, match="expected 40 hex digits, as branches and tags move"):
        from_hub(tmp_path / "job", revision=revision, data_files="*")
    assert hub.asked == []


def test_a_repository_that_is_not_there_is_permanent(tmp_path: Path, hub: Hub) -> None:
    with pytest.raises(Permanent, match="hub someone/else@0123456789ab: "):
        from_hub(tmp_path / "job", hub="someone/else", data_files="*")


PROGRAM = """
import json
import sys
from pathlib import Path
from jobs.lib.patience import Patience
from polyglot.core.errors import Permanent
from tests.jobs.ingest.test_sources import from_hub
try:
    context = from_hub(Path(sys.argv[1]), **json.loads(sys.argv[2]))
    print((context.out / "rows" / "DE.jsonl").read_text() + (context.out / "rejected.jsonl").read_text())
except Permanent as error:
    print("permanent:", error)
"""


def _in_a_process(root: Path, **changes: str) -> str:
    """The libraries of the hub read HF_ENDPOINT, HF_HOME and HF_TOKEN_PATH once, when they are imported."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(root), json.dumps(changes or {"config": "{language}"})],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_a_configuration_of_a_hub_data_set_is_read_through_datasets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    with hub_server({name: data for name, data in REPOSITORY.items() if name != "parallel.py"}) as served:
        monkeypatch.setenv("HF_ENDPOINT", served.endpoint)
        printed = _in_a_process(tmp_path / "job")
    assert f'"origin":"{NAME}:de/train:1"' in printed
    assert f'"origin":"{NAME}:de/train:3"' in printed
    assert '"file":"de/train","id":"a-2","language":"DE","line":2,"reason":"empty-output"' in printed


def test_a_language_has_those_rows_of_a_file_whose_column_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In Parquet, as Aya is published."""
    rows = [
        {"inputs": f"{language} {number}", "targets": "x", "language_code": language}
        for number, language in enumerate(("eng", "deu", "eng", "zul"))
    ]
    table = BytesIO()
    parquet.write_table(pa.Table.from_pylist(rows), table)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    with hub_server({"data/train-00000-of-00001.parquet": table.getvalue()}) as served:
        monkeypatch.setenv("HF_ENDPOINT", served.endpoint)
        for language, asked in (("EN", ["eng 0", "eng 2"]), ("DE", ["deu 1"])):
            context = from_hub(
                tmp_path / language,
                languages=(language,),
                format="aya",
                data_files="data/*.parquet",
                language_column=LanguageColumn(name="language_code", values={"EN": "eng", "DE": "deu"}),
            )
            assert [row["turns"][0]["content"] for row in rows_of(context, f"rows/{language}.jsonl")] == asked
            assert not reasons_of(context)


def test_code_of_a_repository_is_never_run(tmp_path: Path, hub: Hub) -> None:
    printed = _in_a_process(tmp_path / "job")
    assert "repository code was run" not in printed
    assert printed.startswith("permanent: hub someone/parallel: ")


NULLS_FIRST = json_lines(
    # more than the library reads before it takes a column's type for certain
    [bactrian(n, input=None, output="Das ist ein gewöhnlicher deutscher Satz. " * 600) for n in range(450)]
    + [bactrian(9999, input="a text")]
)
UNREADABLE: dict[str, dict[str, bytes]] = {  # configurations that the library cannot read, and how its errors begin
    "nulls-first": {"nulls.jsonl": NULLS_FIRST},
    "list-later": {"a.jsonl": DATA, "b.jsonl": json_lines([bactrian(3, instruction=["x"])])},
    "column-later": {"c.jsonl": DATA, "d.jsonl": json_lines([bactrian(3, extra=1)])},
    "cut": {"cut.jsonl.gz": gzip.compress(DATA * 100)[:-10]},
    "not-gzip": {"plain.jsonl.gz": DATA},
    "empty": {"empty.jsonl": b""},
    "broken": {"broken.jsonl": DATA + b'{"id": \n'},
    "latin1": {"latin1.csv": "id,instruction,output\na,Größe,c\n".encode("latin-1")},
    "wide-row": {"wide.csv": b"id,instruction,output\na,b,c\nd,e,f,g,h\n"},
    "cut-parquet": {"cut.parquet": b"PAR1 and nothing else"},
    "absent": {},
}
EVERY = """
import sys
from pathlib import Path
from jobs.lib.patience import Patience
from polyglot.core.errors import Permanent
from tests.jobs.ingest.test_sources import UNREADABLE, from_hub
for name in UNREADABLE:
    try:
        from_hub(Path(sys.argv[1]) / name, config=name)
    except Permanent as error:
        print(f"{name}: {error}")
"""


def test_what_the_library_cannot_read_is_refused_with_the_way_that_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it raises, TypeError and StopIteration among them; and that way reads what can be read."""
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    configurations = "".join(
        f"- config_name: {name}\n  data_files:\n  - {{split: train, path: [{', '.join(files) or 'none.jsonl'}]}}\n"
        for name, files in UNREADABLE.items()
    )
    repository = {name: data for files in UNREADABLE.values() for name, data in files.items()}
    with hub_server({"README.md": f"---\nconfigs:\n{configurations}---\n".encode(), **repository}) as served:
        monkeypatch.setenv("HF_ENDPOINT", served.endpoint)
        program = [sys.executable, "-c", EVERY, str(tmp_path)]
        done = subprocess.run(program, cwd=Path(__file__).parents[3], capture_output=True, text=True, check=True)
        lines = done.stdout.splitlines()
        assert [line.partition(":")[0] for line in lines] == list(UNREADABLE)
        assert all(": hub someone/parallel: " in line for line in lines)
        assert all(line.endswith(". Name `data-files` to have them read row by row") for line in lines)
        assert "Couldn't cast array of type string to null" in lines[0]
        params = IngestParams(
            what="dataset", languages=("DE",), source="hub", format="bactrian-x", hub=NAME, revision=REVISION,
            data_files="nulls.jsonl",
        )  # fmt: skip
        ((_, records),) = files(params, "DE", tmp_path / "again", Patience(data_context(tmp_path / "job")))
        values = [record.value for record in records]
    assert len(values) == 451
    assert values[-1] == bactrian(9999, input="a text")


@pytest.mark.parametrize("how", [{"data_files": "data/{language}-*.jsonl"}, {"config": "{language}"}])
def test_a_repository_that_is_not_public_is_read_with_the_token_of_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: dict[str, str]
) -> None:
    """HF_TOKEN_PATH, as the profile's `hub-secret` sets it. The token is in no message."""
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    file = tmp_path / "token"
    monkeypatch.setenv("HF_TOKEN_PATH", str(file))
    public = {name: data for name, data in REPOSITORY.items() if name != "parallel.py"}
    with hub_server(public, token="hf_sentinel") as served:
        monkeypatch.setenv("HF_ENDPOINT", served.endpoint)
        file.write_text("hf_sentinel\n")
        assert '"id":"a-1"' in _in_a_process(tmp_path / "read", **how)
        file.write_text("hf_of-somebody-else\n")
        refused = _in_a_process(tmp_path / "refused", **how)
    assert refused.startswith("permanent: hub someone/parallel")
    assert "hf_of-somebody-else" not in refused
    if "data_files" in how:
        assert "Set HF_TOKEN_PATH to a file with a token that may read it" in refused
