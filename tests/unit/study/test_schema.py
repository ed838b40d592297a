"""The schema for editors accepts what the program accepts, and refuses what an editor can see is wrong."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from polyglot.study.described import descriptions
from polyglot.study.schema import sections_of, study_schema
from polyglot.study.study import Study
from polyglot.study.yaml_file import read_yaml
from tests.kit.bad_inputs.studies import study_text
from tools.study_reference import PAGE, study_page

ROOT = Path(__file__).parents[3]
STUDIES = sorted((ROOT / "studies").glob("*.yaml"))
SCHEMA = jsonschema.Draft202012Validator(study_schema())


def problems(folder: Path, text: str) -> list[Any]:
    (folder / "study.yaml").write_text(text, encoding="utf-8")
    return list(SCHEMA.iter_errors(read_yaml(folder / "study.yaml").value))


def test_the_schema_is_a_schema_and_the_file_is_up_to_date() -> None:
    jsonschema.Draft202012Validator.check_schema(study_schema())
    assert json.loads((ROOT / "docs" / "study.schema.json").read_text(encoding="utf-8")) == study_schema()


@pytest.mark.parametrize("path", STUDIES, ids=[path.stem for path in STUDIES])
def test_every_study_that_is_there_to_be_copied_fits_and_names_it(path: Path) -> None:
    assert list(SCHEMA.iter_errors(read_yaml(path).value)) == []
    assert path.read_text(encoding="utf-8").startswith("# yaml-language-server: $schema=../docs/study.schema.json\n")


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"mixes": "[en, frde-sampled@10, 'EN:0.5, DE:0.5']"},
        {"sizes": "[full, 10]"},
        {"contrasts": "[{name: c, treatment: EN, control: [DEFR], on: [EN]}]"},
        {"budget": "{usd: 1.5}"},
        {"judge": "{endpoint: openai, model: m, reference-categories: all}"},
    ],
)
def test_it_accepts_every_form_that_a_key_may_take(tmp_path: Path, changes: dict[str, str]) -> None:
    assert problems(tmp_path, study_text(**changes)) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": "[0]"},
        {"mixes": "[ENX]"},
        {"mixes": "[]"},
        {"sizes": "[0]"},
        {"sizes": "[all]"},
        {"training": "{steps: 1.5}"},
        {"training": "{steps: 1, batch_size: 2}"},
        {"models": "{My Model: {built-in: {}}}"},
        {"models": "{m: {hub: a/b, revision: main}}"},
        {"datasets": "{d: {format: dolly, files: {en: {path: x, sha256: abc}}}}"},
        {"judge": "{endpoint: gpt-4}"},
    ],
)
def test_it_refuses_what_an_editor_can_see(tmp_path: Path, changes: dict[str, str]) -> None:
    assert problems(tmp_path, study_text(**changes))


def test_every_description_belongs_to_an_attribute_and_ends_as_a_sentence() -> None:
    for section in sections_of(Study):
        for name, text in descriptions(section).items():
            assert name in section.model_fields
            assert text.endswith("."), f"{section.__name__}.{name}"
    assert study_schema()["$defs"]["Training"]["properties"]["over-long"]["description"].startswith("What becomes")


def test_the_reference_page_is_up_to_date_and_its_links_have_targets() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == study_page()
    headings = {line.lstrip("# ").lower().replace(" ", "-") for line in page.splitlines() if line.startswith("#")}
    for target in {part.split(")")[0] for part in page.split("](#")[1:]}:
        assert target in headings
