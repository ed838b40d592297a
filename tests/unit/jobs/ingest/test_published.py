"""Every defect that is known of the published data is found by code, with the known counts."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from jobs.ingest.prompt_defects import prompt_defects
from tests.kit.data_ingests import (
    LANGUAGES,
    SHARED,
    card_of,
    ingest_paths,
    needs_benchmark,
    needs_documentation,
    rows_of,
)
from tests.kit.data_jobs import DataContext

OTHERS = LANGUAGES[1:]


def counts(card: Mapping[str, Any], defect: str, role: str | None = None) -> dict[str, int]:
    languages = card["defects"][defect]["languages"]
    return {
        language: entry["count"] if role is None else entry["by_role"].get(role, {"count": 0})["count"]
        for language, entry in languages.items()
    }


def where(card: Mapping[str, Any], defect: str) -> dict[str, list[str]]:
    return {
        language: entry["where"] for language, entry in card["defects"][defect]["languages"].items() if entry["where"]
    }


def _benchmark(root: Path, what: str, name: str) -> DataContext:
    files = {language: [SHARED / "mt-bench-x" / f"mt_bench_{language}" / name] for language in LANGUAGES}
    return ingest_paths(root / what, files, what=what, format="mt-bench", licence="Apache-2.0")


@pytest.fixture(scope="module")
def questions(tmp_path_factory: pytest.TempPathFactory) -> DataContext:
    return _benchmark(tmp_path_factory.mktemp("benchmark"), "questions", "question.jsonl")


@pytest.fixture(scope="module")
def references(tmp_path_factory: pytest.TempPathFactory) -> DataContext:
    return _benchmark(tmp_path_factory.mktemp("benchmark"), "references", "reference_answer/gpt-4.jsonl")


@needs_benchmark
def test_the_benchmark_has_80_questions_of_two_turns_and_30_references_in_each_language(
    questions: DataContext, references: DataContext
) -> None:
    for context, number in ((questions, 80), (references, 30)):
        card = card_of(context)
        assert card["parallel"]["in_all"] == card["parallel"]["ids"] == number
        assert all(entry["turns"] == {"2": number} for entry in card["languages"].values())
    assert {row["id"] for row in rows_of(questions, "questions/FR.jsonl")} == {str(n) for n in range(81, 161)}


@needs_benchmark
def test_python_blocks_of_the_references_that_do_not_parse(references: DataContext) -> None:
    entries = card_of(references)["defects"]["python-unparsed"]["languages"]
    assert {language: (entry["count"], entry["of"]) for language, entry in entries.items()} == {
        "EN": (0, 14),
        "DE": (11, 14),
        "FR": (13, 14),
        "IT": (14, 14),
        "ES": (12, 14),
    }


@needs_benchmark
def test_broken_code_fences_of_the_references(references: DataContext) -> None:
    found = counts(card_of(references), "broken-fences")
    assert found == {"EN": 0, "DE": 1, "FR": 16, "IT": 0, "ES": 10}


@needs_benchmark
def test_the_question_that_is_still_english_is_found_by_two_rules(questions: DataContext) -> None:
    card = card_of(questions)
    assert where(card, "other-language") == {"IT": ["139:2"]}
    # besides the known one: the French code question, and a German idiom that three languages leave as it is
    assert where(card, "untranslated") == {"DE": ["95:2"], "FR": ["95:2", "124:2"], "IT": ["95:2", "139:2"]}


@needs_benchmark
def test_the_spanish_questions_that_translate_identifiers(questions: DataContext) -> None:
    card = card_of(questions)
    assert where(card, "identifiers-translated") == {"ES": ["124:1", "124:2", "139:1"]}
    # keywords were translated in more languages: code that was to be reviewed for bugs does not parse there
    assert where(card, "python-unparsed") == {"DE": ["124:2"], "IT": ["124:2"], "ES": ["124:1", "124:2"]}


@needs_benchmark
def test_the_reference_field_is_filled_unevenly(questions: DataContext) -> None:
    fields = {language: entry["reference_field"] for language, entry in card_of(questions)["languages"].items()}
    assert {language: field["present"] for language, field in fields.items()} == {
        "EN": 39,
        "DE": 80,
        "FR": 80,
        "IT": 79,
        "ES": 80,
    }
    assert {field["filled"] for field in fields.values()} == {39}  # the others hold an empty list


@needs_benchmark
def test_defects_of_the_french_judge_prompts() -> None:
    prompts: dict[str, list[dict[str, Any]]] = {}
    for language in LANGUAGES:
        path = SHARED / "mt-bench-x" / f"mt_bench_{language}" / "judge_prompts.jsonl"
        with path.open(encoding="utf-8") as lines:
            prompts[language] = [json.loads(line) for line in lines]
    found = prompt_defects(prompts)
    french = {(defect.prompt, defect.defect) for defect in found if defect.language == "FR"}
    assert french == {
        ("pair-v2-multi-turn", "unclosed-delimiter"),
        ("pair-math-v1-multi-turn", "unclosed-delimiter"),
        ("single-v1-multi-turn", "unclosed-delimiter"),
        ("single-math-v1-multi-turn", "unclosed-delimiter"),
        ("pair-v2", "untranslated-label"),
        ("pair-math-v1", "untranslated-label"),
        ("pair-math-v1", "repeated-sentence"),
    }
    assert {defect.detail for defect in found if defect.defect == "untranslated-label"} == {"[User Question]"}
    others = [defect for defect in found if defect.language != "FR" and defect.defect == "unclosed-delimiter"]
    assert {(defect.language, defect.prompt) for defect in others} == {
        (language, prompt)
        for language in ("DE", "IT", "ES")
        for prompt in ("pair-math-v1-multi-turn", "single-math-v1-multi-turn")
    }
    assert not [defect for defect in found if defect.language == "EN"]


@needs_benchmark
def test_the_data_card_lists_the_defects_of_the_judge_prompts(tmp_path: Path) -> None:
    card = card_of(_benchmark(tmp_path, "prompts", "judge_prompts.jsonl"))
    assert {language: entry["accepted"] for language, entry in card["languages"].items()} == dict.fromkeys(LANGUAGES, 8)
    found = {
        name: {language: entry["count"] for language, entry in defect["languages"].items() if entry["count"]}
        for name, defect in card["defects"].items()
    }
    assert {name: counted for name, counted in found.items() if counted} == {
        "unclosed-delimiter": {"FR": 4, "DE": 2, "ES": 2, "IT": 2},
        "untranslated-label": {"FR": 2},
        "repeated-sentence": {"ES": 1, "FR": 1, "IT": 1},
    }
    assert where(card, "untranslated-label") == {"FR": ["pair-math-v1", "pair-v2"]}


@pytest.fixture(scope="module")
def docs(tmp_path_factory: pytest.TempPathFactory) -> DataContext:
    folder = SHARED / "data" / "docs-x"
    files = {
        language: [folder / f"{split}_docsx_{language}.jsonl" for split in ("train", "val")] for language in LANGUAGES
    }
    return ingest_paths(tmp_path_factory.mktemp("docs") / "job", files)


@needs_documentation
def test_docs_x_is_strictly_parallel(docs: DataContext) -> None:
    card = card_of(docs)
    assert card["parallel"]["ids"] == card["parallel"]["in_all"] == 1030 + 52
    assert card["parallel"]["same_order"]
    assert all(entry["rejected"] == entry["repeated_rows"]["count"] == 0 for entry in card["languages"].values())


@needs_documentation
def test_docs_x_code_and_headings_differ_where_its_manifest_says(docs: DataContext) -> None:
    with (SHARED / "data" / "docs-x" / "manifest.jsonl").open(encoding="utf-8") as lines:
        manifest = [json.loads(line) for line in lines]
    card = card_of(docs)
    assert card["defects"]["code-differs"]["languages"]["DE"]["of"] == 182
    assert counts(card, "code-differs") == {"EN": 0, "DE": 34, "FR": 39, "IT": 34, "ES": 45}
    assert counts(card, "untranslated-title") == {"EN": 0, "DE": 4, "FR": 6, "IT": 6, "ES": 8}
    for language in OTHERS:
        listed = {
            "code-differs": [f"{item['id']}:2" for item in manifest if language in item["code_differs"]],
            "untranslated-title": [f"{item['id']}:1" for item in manifest if language in item["heading_is_english"]],
        }
        for defect, expected in listed.items():
            assert sorted(where(card, defect)[language]) == sorted(expected)
    assert counts(card, "untranslated") == dict.fromkeys(LANGUAGES, 0)


@pytest.fixture(scope="module")
def help_pages(tmp_path_factory: pytest.TempPathFactory) -> DataContext:
    folder = SHARED / "data" / "help-x"
    files = {language: [folder / f"help_{language}.jsonl.gz"] for language in LANGUAGES}
    return ingest_paths(tmp_path_factory.mktemp("help") / "job", files)


@needs_documentation
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_help_x_has_the_defects_that_its_manifest_counts(help_pages: DataContext) -> None:
    manifest = json.loads((SHARED / "data" / "help-x" / "manifest.json").read_bytes())
    card = card_of(help_pages)
    languages, parallel = card["languages"], card["parallel"]
    assert {language: entry["records"] for language, entry in languages.items()} == manifest["rows"]
    assert {language: entry["with_input"] for language, entry in languages.items()} == manifest["with_input"]
    assert {language: e["repeated_rows"]["count"] for language, e in languages.items()} == manifest["duplicates"]
    assert (parallel["ids"], parallel["in_all"]) == (16365, 14345)
    for language in LANGUAGES:
        emptied = manifest["empty_output"][language] + manifest["untranslated_emptied"][language]
        rejected = [row for row in rows_of(help_pages, "rejected.jsonl") if row["language"] == language]
        assert {(row["id"], row["reason"]) for row in rejected} == {(name, "empty-output") for name in emptied}
        assert parallel["absent"][language]["ids"] == manifest["missing"][language]
    kept = manifest["untranslated_kept"]
    assert counts(card, "untranslated", "assistant") == {language: len(ids) for language, ids in kept.items()}
    for language in OTHERS:
        found = {place for place in where(card, "untranslated")[language] if place.endswith(":2")}
        assert found == {f"{name}:2" for name in kept[language]}


@needs_documentation
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_rows_of_help_x_in_english_are_mostly_identified_as_english(help_pages: DataContext) -> None:
    manifest = json.loads((SHARED / "data" / "help-x" / "manifest.json").read_bytes())
    strangers = where(card_of(help_pages), "other-language")
    assert "EN" not in strangers or len(strangers["EN"]) <= 2
    english = {f"{name}:2" for name in manifest["untranslated_kept"]["ES"]}
    assert len(english & set(strangers["ES"])) > 0.7 * len(english)
    assert len(set(strangers["ES"]) & english) > 0.9 * len(strangers["ES"])


@needs_documentation
def test_docs_x_has_the_lengths_and_ids_that_its_readme_counts(docs: DataContext) -> None:
    characters = {"EN": (1095769, 66169), "DE": (1303942, 76667), "FR": (1269123, 75671)}
    characters |= {"IT": (1250277, 74508), "ES": (1243612, 74343)}
    card = card_of(docs)
    for language, (train, val) in characters.items():
        found = {"train": 0, "val": 0}
        for row in rows_of(docs, f"rows/{language}.jsonl"):
            found[row["origin"].partition("_")[0].rpartition(":")[2]] += len(row["turns"][-1]["content"])
        assert found == {"train": train, "val": val}
        entry = card["languages"][language]
        assert entry["accepted"] == 1082
        assert entry["characters"]["assistant"]["max"] <= 6000
        assert entry["repeated_last_turns"] == entry["near_duplicates"]["count"] == 0  # "share no output"


@needs_documentation
def test_the_noise_that_the_readme_of_docs_x_describes_is_counted(docs: DataContext) -> None:
    card = card_of(docs)
    assert counts(card, "partly-untranslated") == {"EN": 0, "DE": 7, "FR": 13, "IT": 7, "ES": 16}  # short lines remain
    assert counts(card, "cross-references") == {"EN": 151, "DE": 151, "FR": 151, "IT": 151, "ES": 150}  # they stay
    assert counts(card, "numbers-differ") == {"EN": 0, "DE": 20, "FR": 34, "IT": 14, "ES": 14}  # older translations
    assert counts(card, "announces-more") == dict.fromkeys(LANGUAGES, 2)  # of subsections in other items
    assert min(counts(card, "reserved-hosts").values()) > 50  # debian.example
    assert counts(card, "comments-untranslated") == {"EN": 0, "DE": 13, "FR": 12, "IT": 14, "ES": 10}  # in code
    labels = re.compile(r"(?m)^\W*(Note|Astuce|Avertissement|Attention|Important)\**:")
    labelled = {f"{row['id']}:2" for row in rows_of(docs, "rows/FR.jsonl") if labels.search(row["turns"][1]["content"])}
    assert len(labelled) == 118
    assert labelled <= set(where(card, "french-spacing")["FR"])  # "no space before its colon"
    assert counts(card, "french-spacing") == {**dict.fromkeys(LANGUAGES, 0), "FR": 127}
    for language in OTHERS:  # excerpts of one text announce, and refer, in the same items
        mine, english = (set(where(card, "cross-references")[name]) for name in (language, "EN"))
        assert len(mine & english) >= 0.98 * len(english)


@needs_documentation
def test_personal_data_of_docs_x(docs: DataContext) -> None:
    """Looked at one by one: authors' addresses, public servers, two network cards, and a password in an example."""
    found = {
        language: {kind: entry["count"] for kind, entry in card["personal"].items()}
        for language, card in card_of(docs)["languages"].items()
    }
    assert found["EN"] == {"credential": 1, "email": 17, "ip-address": 11, "mac-address": 2}
    assert all(kinds.keys() == found["EN"].keys() for kinds in found.values())


@needs_documentation
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_noise_that_the_readme_of_help_x_describes_is_counted(help_pages: DataContext) -> None:
    card = card_of(help_pages)
    partly = counts(card, "partly-untranslated", "assistant")
    assert max(partly, key=partly.__getitem__) == "ES"  # "most in ES"
    assert set(counts(card, "code-only").values()) == {1019}
    assert min(counts(card, "very-short", "assistant").values()) > 100
    assert min(counts(card, "layout-tables").values()) > 0
    ambiguous = {language: entry["ambiguous_instructions"]["count"] for language, entry in card["languages"].items()}
    assert ambiguous == {
        "EN": 2774,
        "DE": 2823,
        "FR": 2693,
        "IT": 2803,
        "ES": 2496,
    }  # "headings without meaning on their own"
    near = {language: entry["near_duplicates"] for language, entry in card["languages"].items()}
    assert all(250 < entry["count"] < 320 and entry["clusters"]["largest"] <= 9 for entry in near.values())


def judged(found: set[str], listed: set[str]) -> tuple[float, float]:
    """Precision and recall of the places found against those that are listed."""
    hits = len(found & listed)
    return hits / len(found), hits / len(listed)


@needs_documentation
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_precision_and_recall_of_the_heuristic_rules_on_help_x(help_pages: DataContext) -> None:
    """`pytest -s` prints the table."""
    manifest = json.loads((SHARED / "data" / "help-x" / "manifest.json").read_bytes())
    card = card_of(help_pages)
    table = {}
    for language in OTHERS:
        listed = {f"{name}:2" for name in manifest["untranslated_kept"][language]}
        for rule in ("untranslated", "other-language"):
            found = {place for place in where(card, rule)[language] if place.endswith(":2")}
            table[rule, language] = judged(found, listed)
    for (rule, language), (precision, recall) in table.items():
        print(f"{rule:16} {language} precision {precision:.3f} recall {recall:.3f}")  # noqa: T201
    assert {table["untranslated", language] for language in OTHERS} == {(1.0, 1.0)}
    assert min(precision for precision, _ in table.values()) > 0.9
    assert {language: table["other-language", language][1] > 0.7 for language in OTHERS} == {
        "DE": False,  # tables of names and short texts, which no model of languages can place
        "FR": True,
        "IT": False,
        "ES": True,
    }
