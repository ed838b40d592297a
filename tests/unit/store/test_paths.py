"""Paths: what a store and an artifact accept, for any text at all."""

import unicodedata
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from polyglot.store.directory import DirectoryStore
from polyglot.store.paths import check_member, check_members, check_path, check_prefix, check_sha256

names = st.text(alphabet="abcXYZ019._@+=-", min_size=1, max_size=12).filter(lambda name: name[0] not in ".@+=-")


@given(st.lists(names, min_size=1, max_size=5))
def test_plain_segments_are_paths_and_prefixes(parts: list[str]) -> None:
    path = "/".join(parts)
    assert check_path(path) == path
    assert check_prefix(path + "/") == path + "/"
    with pytest.raises(ValueError, match="prefix"):
        check_prefix(path)


@given(st.text())
@example("../x")
@example("a/../../b")
@example("a\n")
def test_no_text_leaves_the_stores_directory(text: str) -> None:
    try:
        path = check_path(text)
    except ValueError:
        return
    root = Path("/root/of/store")
    assert (root / path).is_relative_to(root)
    assert ".." not in PurePosixPath(path).parts
    assert path.isascii()


@given(st.text())
@example("ﬁle/𝒳")
@example("a/./b")
def test_an_accepted_member_stays_inside_and_is_what_it_looks_like(text: str) -> None:
    try:
        path = check_member(text)
    except ValueError:
        return
    root = Path("/root/of/artifact")
    assert (root / path).is_relative_to(root)
    assert str(PurePosixPath(path)) == path
    assert unicodedata.normalize("NFC", path) == path
    assert not any(unicodedata.category(char).startswith("C") for char in path)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("", "empty"),
        ("/etc/passwd", "absolute"),
        ("../x", r"'\.\.' segment"),
        ("a/../b", r"'\.\.' segment"),
        ("a//b", "empty"),
        ("./a", "segment"),
        ("a/", "segment"),
        ("a\\b", "backslash"),
        ("a\nb", "control or invisible"),
        ("a\0b", "control or invisible"),
        ("a\u200bb", "control or invisible"),
        ("a\u202eb", "control or invisible"),
        ("a\ud800", "control or invisible"),
        ("e\u0301.txt", "NFC"),
        ("a" * 256, "too long"),
        ("/".join(["a" * 200] * 5), "too long"),
    ],
)
def test_an_unsafe_member_is_refused_with_the_reason(path: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        check_member(path)


@pytest.mark.parametrize("paths", [["a", "a"], ["a", "a/b"], ["a/b/c", "a/b"], ["x", "a/b", "x/y/z"]])
def test_members_that_collide_are_refused(paths: list[str]) -> None:
    with pytest.raises(ValueError, match="twice|file and a directory"):
        check_members(paths)


def test_members_in_any_language_are_accepted() -> None:
    check_members(["rows/DE.jsonl", "déjà/vu.txt", "模型/权重", "a.b", "a-b", "a/b", "ﬁle"])


@given(st.text(max_size=70))
@example("A" * 64)
@example("0" * 63)
@example("0" * 64 + "\n")
def test_a_digest_is_64_lower_case_hex_digits(text: str) -> None:
    valid = len(text) == 64 and set(text) <= set("0123456789abcdef")
    if valid:
        assert check_sha256(text) == text
    else:
        with pytest.raises(ValueError, match="SHA-256"):
            check_sha256(text)


@given(st.lists(st.lists(names, min_size=1, max_size=3), min_size=1, max_size=8))
def test_a_listing_is_in_order_of_the_whole_path(
    tmp_path_factory: pytest.TempPathFactory, items: list[list[str]]
) -> None:
    paths: list[str] = []
    for item in items:
        path = "/".join(item)
        try:
            check_members([*paths, path])
        except ValueError:
            continue
        paths.append(path)
    store = DirectoryStore(tmp_path_factory.mktemp("store"))
    for path in paths:
        assert store.create(path, b"")
    assert [entry.path for entry in store.list("")] == sorted(paths)
