"""Pins are filled into the text of a study: every other byte stays, comments and all."""

from hashlib import sha256
from pathlib import Path

import pytest

from polyglot.core.errors import BadInput
from polyglot.study.load import load_study
from polyglot.study.pinning import UNSET, Pin, pin_text
from polyglot.study.yaml_file import read_yaml
from tests.kit.bad_inputs.studies import study_text

COMMIT, OTHER = "1a" * 20, "7" * 40
ROWS = b'{"id": "1", "instruction": "a", "output": "b"}\n'
SHA256 = sha256(ROWS).hexdigest()
FILES = """datasets:      # two ways to write a file
  d:
    format: bactrian-x
    files:
      EN: {path: rows.jsonl}   # flow
      DE:
        # block
        path: rows.jsonl       # its path
      FR: [{path: rows.jsonl}, {path: "rows.jsonl", bytes: 47}]
"""


def pinned(folder: Path, text: str, *, again: bool = False, digest: str = SHA256) -> tuple[str, list[Pin]]:
    (folder / "rows.jsonl").write_bytes(ROWS)
    (folder / "study.yaml").write_bytes(text.encode())
    return pin_text(
        folder / "study.yaml",
        again=again,
        commit_of=lambda name, is_dataset: OTHER if name == "digits/only" else COMMIT if is_dataset else COMMIT[::-1],
        digest_of=lambda address: (digest, 47),
    )


def test_digests_are_filled_in_and_every_other_byte_stays(tmp_path: Path) -> None:
    text, pins = pinned(tmp_path, FILES)
    assert text == FILES.replace("{path: rows.jsonl}", f"{{path: rows.jsonl, sha256: {SHA256}}}").replace(
        "# its path\n", f"# its path\n        sha256: {SHA256}\n"
    ).replace('{path: "rows.jsonl", bytes: 47}', f'{{path: "rows.jsonl", sha256: {SHA256}, bytes: 47}}')
    assert [pin.found for pin in pins] == [SHA256] * 4
    assert pinned(tmp_path, text)[0] == text, "a second time there is nothing to do"


def test_a_folder_of_a_bucket_is_asked_for_as_a_folder_and_pinned_once(tmp_path: Path) -> None:
    asked: list[str] = []

    def digest_of(address: str) -> tuple[str, int]:
        asked.append(address)
        return "2" * 64, 47

    (tmp_path / "study.yaml").write_text(
        "models:\n  a: {prefix: 's3://b/chat?endpoint=http://host'}   # mine\n"
        f"  c: {{prefix: s3://b/base, sha256: '{'3' * 64}'}}\n"
    )
    text, pins = pin_text(tmp_path / "study.yaml", again=False, commit_of=lambda *_: COMMIT, digest_of=digest_of)
    assert asked == ["s3://b/chat/?endpoint=http://host"]
    assert f"{{prefix: 's3://b/chat?endpoint=http://host', sha256: \"{'2' * 64}\"}}   # mine" in text
    assert [(pin.place, pin.key) for pin in pins] == [(("models", "a"), "sha256")]


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_line_ends_stay_as_they_are(tmp_path: Path, ending: str) -> None:
    text, _ = pinned(tmp_path, "x:\n  path: rows.jsonl\n  # end".replace("\n", ending))
    assert text == f"x:\n  path: rows.jsonl\n  sha256: {SHA256}\n  # end".replace("\n", ending)


def test_the_last_line_needs_no_end(tmp_path: Path) -> None:
    assert pinned(tmp_path, "x:\n  path: rows.jsonl")[0] == f"x:\n  path: rows.jsonl\n  sha256: {SHA256}"


def test_commits_are_filled_in_where_there_are_none_or_zeros(tmp_path: Path) -> None:
    before = f"""models:
  a: {{hub: us/a, revision: "{UNSET}"}}
  b: {{published: teuken-7b}}
  c: {{published: bloom-7b1}}     # pinned in the catalogue
  d: {{hub: digits/only}}
datasets:
  e: {{hub: us/e}}
"""
    text, pins = pinned(tmp_path, before)
    model = COMMIT[::-1]
    wanted = before.replace(f'"{UNSET}"', model)
    for name, commit in (("teuken-7b", model), ("digits/only", f'"{OTHER}"'), ("us/e", COMMIT)):
        wanted = wanted.replace(name, f"{name}, revision: {commit}")
    assert text == wanted
    assert len(pins) == 4


def test_what_differs_is_told_and_replaced_only_when_asked(tmp_path: Path) -> None:
    before = f"x: {{path: rows.jsonl, sha256: {'0' * 64}}}  # mine\n"
    text, (pin,) = pinned(tmp_path, before)
    assert (text, pin.had, pin.found, pin.is_new) == (before, "0" * 64, SHA256, False)
    assert pinned(tmp_path, before, again=True)[0] == before.replace("0" * 64, SHA256)


def test_an_address_gets_its_size_and_digest(tmp_path: Path) -> None:
    text, _ = pinned(tmp_path, "x: {path: https://data.example/r.jsonl}\n")
    assert text == f"x: {{path: https://data.example/r.jsonl, sha256: {SHA256}, bytes: 47}}\n"


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    text, (pin,) = pinned(tmp_path, "x: {path: none.jsonl}\n")
    assert (text, pin.why) == ("x: {path: none.jsonl}\n", "no file none.jsonl")


def test_a_missing_digest_of_a_file_that_is_there_is_printed_ready_to_paste(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_bytes(ROWS)
    data = "{d: {format: bactrian-x, files: {EN: {path: rows.jsonl}}}}"
    (tmp_path / "study.yaml").write_text(study_text(datasets=data, mixes="[EN]"), encoding="utf-8")
    with pytest.raises(
        BadInput, match=rf"datasets.d.files.EN.sha256: missing. Add `sha256: {SHA256}`, or have `polyglot"
    ):
        load_study(tmp_path / "study.yaml")  # fmt: skip


@pytest.mark.parametrize(
    "section",
    [
        "\n  sha256:\n  path: rows.jsonl",
        "\n  sha256:   # to do\n  path: rows.jsonl",
        "\n  path: rows.jsonl\n  sha256:",
        "\n  sha256: ~\n  path: rows.jsonl",
        "\n  path: rows.jsonl\n  sha256: null  # to do",
        " {sha256: , path: rows.jsonl}",
        " {path: rows.jsonl, sha256}",
        "\n  path: >-\n    rows.jsonl\n\n# a remark\ny: {}",
        "\n  - path: |-\n      rows.jsonl\n\n  - path: rows.jsonl",
    ],
)
def test_what_stands_around_a_pin_stays_what_it_is(tmp_path: Path, section: str) -> None:
    text, pins = pinned(tmp_path, f"x:{section}\n")
    (tmp_path / "study.yaml").write_text(text, encoding="utf-8")
    found = read_yaml(tmp_path / "study.yaml").value
    file = {"path": "rows.jsonl", "sha256": SHA256}
    assert found == {"x": [file, file] if len(pins) > 1 else file, **({"y": {}} if "y" in found else {})}
    assert ("# to do" in text, "# a remark" in text) == ("# to do" in section, "# a remark" in section)
    assert pinned(tmp_path, text)[0] == text, "a second time there is nothing to do"


@pytest.mark.parametrize("section", ["[path: rows.jsonl]", "\n  ? path\n  : rows.jsonl"])
def test_a_file_that_filling_in_would_damage_is_refused(tmp_path: Path, section: str) -> None:
    with pytest.raises(BadInput, match="written in a way that pins cannot be filled into"):
        pinned(tmp_path, f"x: {section}\n")


def test_a_folder_that_holds_no_model_is_told(tmp_path: Path) -> None:
    (tmp_path / "right").mkdir()
    (tmp_path / "right" / "config.json").write_text("{}")
    (tmp_path / "wrong").mkdir()
    text = "models:\n  a: {directory: right}\n  b: {directory: wrong}\n  c: {directory: gone}\n"
    same, pins = pinned(tmp_path, text)
    assert same == text
    assert [(pin.place, pin.found, pin.why) for pin in pins] == [
        (("models", "b"), "", "it has no config.json: no model's folder"),
        (("models", "c"), "", "no such folder"),
    ]
