"""Manifests: round trip, strict parsing, and no trust in what was read."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polyglot.core.canonical import sha256_bytes
from polyglot.core.errors import Corrupt, StoreError
from polyglot.core.stage import Stage
from polyglot.store.manifest import FORMAT, FileRecord, Manifest, seal, unseal
from polyglot.store.store import CHUNK_BYTES
from tests.kit.stages import stage

digests = st.binary(max_size=8).map(sha256_bytes)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
documents = st.dictionaries(texts, values, max_size=4)
members = st.lists(
    st.text(alphabet="abcäß中.-", min_size=1, max_size=8).filter(lambda name: name not in {".", ".."}),
    min_size=1,
    unique=True,
)


@st.composite
def records(draw: st.DrawFn) -> tuple[FileRecord, ...]:
    made = []
    for path in draw(members):
        size = draw(st.integers(0, 3 * CHUNK_BYTES))
        count = -(-size // CHUNK_BYTES) if size > CHUNK_BYTES else 0
        chunks = tuple(draw(st.lists(digests, min_size=count, max_size=count)))
        made.append(FileRecord(path=path, sha256=draw(digests), bytes=size, chunks=chunks))
    return tuple(sorted(made, key=lambda record: record.path))


@st.composite
def manifests(draw: st.DrawFn) -> Manifest:
    roles = draw(st.lists(texts, max_size=3, unique=True))
    return Manifest(
        stage=Stage(
            kind=draw(st.sampled_from(["mix", "train"])),
            version=draw(st.integers(1, 9)),
            params=draw(documents),
            inputs={role: draw(digests) for role in roles},
            seed=draw(st.none() | st.integers(0, 2**31)),
        ),
        inputs={role: draw(digests) for role in roles},
        files=draw(records()),
        execution=draw(documents),
        provenance=draw(documents),
        metrics=draw(documents),
        volatile=draw(documents),
    )


@given(manifests())
def test_a_manifest_survives_the_round_trip(manifest: Manifest) -> None:
    data = manifest.to_json()
    again = Manifest.from_json(data)
    assert again == manifest
    assert again.result == manifest.result
    assert again.to_json() == data


@given(manifests(), st.data())
def test_any_changed_byte_is_noticed(manifest: Manifest, data: st.DataObject) -> None:
    stored = bytearray(manifest.to_json())
    position = data.draw(st.integers(0, len(stored) - 1))
    stored[position] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(Corrupt):
        Manifest.from_json(bytes(stored))


@given(manifests(), st.data())
def test_any_truncation_is_noticed(manifest: Manifest, data: st.DataObject) -> None:
    stored = manifest.to_json()
    with pytest.raises(Corrupt):
        Manifest.from_json(stored[: data.draw(st.integers(0, len(stored) - 1))])


@given(manifests(), documents, documents)
def test_the_result_depends_on_stage_and_files_alone(
    manifest: Manifest, one: dict[str, Any], two: dict[str, Any]
) -> None:
    other = Manifest(stage=manifest.stage, inputs={}, files=manifest.files[::-1], metrics=one, volatile=two)
    assert other.result == manifest.result


def sealed(**changes: Any) -> bytes:
    """A manifest with valid checksums whose fields say something else."""
    manifest = Manifest(stage=stage(), inputs={}, files=(FileRecord(path="a", sha256="0" * 64, bytes=1),))
    return seal({**unseal(manifest.to_json(), where=""), **changes})


def record(**changes: Any) -> dict[str, Any]:
    return {"path": "a", "sha256": "0" * 64, "bytes": 1, **changes}


@pytest.mark.parametrize(
    "files",
    [
        [record(path="../a")],
        [record(path="/a")],
        [record(path="a/../../b")],
        [record(path="a\u202e")],
        [record(path=7)],
        [record(), record()],
        [record(), record(path="a/b")],
        [record(sha256="0" * 63)],
        [record(sha256="../../etc")],
        [record(bytes=-1)],
        [record(bytes=1.5)],
        [record(bytes=True)],
        [record(chunks=["0" * 64])],
        [record(bytes=CHUNK_BYTES + 1)],
        [record(more=1)],
        [{"path": "a"}],
        ["a"],
        None,
    ],
)
def test_a_well_sealed_manifest_with_bad_files_is_refused(files: Any) -> None:
    with pytest.raises(Corrupt, match="here"):
        Manifest.from_json(sealed(files=files), where="here")


@pytest.mark.parametrize(
    "changes", [{"result": "0" * 64}, {"inputs": {"rows": "x"}}, {"stage": {}}, {"metrics": 3}, {"stage": None}]
)
def test_a_well_sealed_manifest_that_contradicts_itself_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(Corrupt):
        Manifest.from_json(sealed(**changes))


def test_the_stage_that_is_looked_for_is_taken_only_where_it_is_the_manifests_own() -> None:
    same, other = stage(), replace(stage(), version=2)
    data = Manifest(stage=stage(), inputs={}, files=()).to_json()
    assert Manifest.from_json(data, wanted=same).stage is same
    assert Manifest.from_json(data, wanted=other).stage.key == stage().key != other.key


def test_a_later_format_is_not_guessed_at() -> None:
    with pytest.raises(StoreError, match=f"format 2; this polyglot reads {FORMAT}"):
        Manifest.from_json(sealed(format=2))


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"null", b"{}", b"\xff", b'{"a": NaN}', b"[" * 100_000, b'{"checksum": 1}']
)
def test_what_is_no_manifest_is_corrupt(data: bytes) -> None:
    with pytest.raises(Corrupt):
        Manifest.from_json(data)


def test_another_spelling_of_the_same_json_is_not_accepted() -> None:
    stored = json.dumps(json.loads(sealed())).encode()
    with pytest.raises(Corrupt):
        Manifest.from_json(stored)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2**60, object()])
def test_metrics_that_json_cannot_carry_are_refused(value: Any) -> None:
    manifest = Manifest(stage=stage(), inputs={}, files=(), metrics={"loss": value})
    with pytest.raises(ValueError, match="not canonical JSON"):
        manifest.to_json()
