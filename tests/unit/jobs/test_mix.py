"""The mix job over real files: the index points at the right token rows, the card counts what is there."""

from pathlib import Path
from typing import Any

import pyarrow
import pytest

from jobs import ingest, mix
from jobs.lib.data.contamination import Benchmark
from jobs.lib.data.token_sets import read_token_set
from polyglot.core.errors import Permanent
from polyglot.spec.params import IngestParams, MixParams
from tests.kit.data_ingests import (
    LANGUAGES,
    SHARED,
    bactrian,
    card_of,
    ingest_bytes,
    ingest_paths,
    json_lines,
    needs_benchmark,
    needs_documentation,
    rows_of,
)
from tests.kit.data_jobs import DataContext, data_context, staged
from tests.kit.data_mixes import mix_over, word_tokens

QUESTION = "What is the highest mountain of the country that has the longest coast in Africa?"


@pytest.fixture
def rows(tmp_path: Path) -> DataContext:
    """Ten ids in EN, nine in DE (in another order), all in FR."""
    english = [bactrian(number) for number in range(10)]
    german = [bactrian(number, output=f"Sage laut {number}") for number in reversed(range(9))]
    files = {
        "EN": [("e.jsonl", json_lines(english))],
        "DE": [("d.jsonl", json_lines(german))],
        "FR": [("f.jsonl", json_lines([*english[:9], bactrian(9, output="")]))],
    }
    return ingest_bytes(tmp_path / "rows", files)


def ids_in(context: DataContext, language: str, row: int) -> str:
    path = context.inputs[f"tokens:{language}"].path("tokens.arrow")
    with pyarrow.ipc.open_file(pyarrow.memory_map(str(path))) as reader:
        found: str = reader.read_all().column("id")[row].as_py()
    return found


def test_the_index_points_at_the_row_of_its_id_in_each_language(tmp_path: Path, rows: DataContext) -> None:
    context = mix_over(tmp_path / "mix", rows, name="ENDE", languages=("EN", "DE"), dropped={"EN": ["a-3"]})
    index = rows_of(context, "index.jsonl")
    assert len(index) == 2 * 8
    assert all(ids_in(context, entry["language"], entry["row"]) == entry["id"] for entry in index)
    assert [entry["language"] for entry in index] == ["EN", "DE"] * 8


def test_the_card_counts_rows_tokens_and_what_was_left_out(tmp_path: Path, rows: DataContext) -> None:
    context = mix_over(tmp_path / "mix", rows, name="ENDEFR", languages=("EN", "DE", "FR"), dropped={"DE": ["a-3"]})
    card = card_of(context)
    assert card["ids"] == card["ids_available"] == 8
    assert card["rows"] == {"EN": 8, "DE": 8, "FR": 8}
    assert card["loss_tokens"] == {"EN": 8 * 3, "DE": 8 * 4, "FR": 8 * 3}  # a token a word, and the EOS
    assert card["tokens"] == {"EN": 8 * 5, "DE": 8 * 6, "FR": 8 * 5}
    assert card["loss_token_shares"] == {"EN": 0.3, "DE": 0.4, "FR": 0.3}
    assert card["fertility"]["DE"] == {
        "characters": 8 * len("Sage laut 0"),
        "words": 8 * 3,
        "tokens_per_character": round(3 / len("Sage laut 0"), 4),
        "tokens_per_word": 1,
    }
    assert card["left_out"] == {
        "no-row:DE": {"count": 1, "ids": ["a-9"]},
        "no-row:FR": {"count": 1, "ids": ["a-9"]},
        "no-tokens:DE": {"count": 1, "ids": ["a-3"]},
    }
    assert card["contamination"] is None


def test_sizes_are_prefixes_of_each_other_on_disk(tmp_path: Path, rows: DataContext) -> None:
    def index(size: int | None, sampled: bool) -> bytes:
        root = tmp_path / f"mix-{size}-{sampled}"
        made = mix_over(root, rows, name="ENDE", languages=("EN", "DE"), sampled=sampled, size=size)
        return (made.out / "index.jsonl").read_bytes()

    for sampled in (False, True):
        small, large, whole = (index(size, sampled) for size in (3, 5, None))
        assert large.startswith(small)
        assert whole.startswith(large)


def test_the_order_does_not_depend_on_the_order_of_the_files(tmp_path: Path) -> None:
    ascending = [bactrian(number) for number in range(20)]
    chosen = []
    for name, records in (("up", ascending), ("down", ascending[::-1])):
        rows = ingest_bytes(tmp_path / name, {"EN": [("e.jsonl", json_lines(records))]})
        made = mix_over(tmp_path / f"{name}-mix", rows, name="EN", languages=("EN",), size=7)
        chosen.append([entry["id"] for entry in rows_of(made, "index.jsonl")])
    assert chosen[0] == chosen[1]
    assert chosen[0] != sorted(chosen[0])


def test_another_draw_is_another_choice(tmp_path: Path, rows: DataContext) -> None:
    draws = [
        mix_over(tmp_path / f"mix{draw}", rows, name="EN", languages=("EN",), size=5, draw=draw) for draw in (0, 1)
    ]
    first, second = ([entry["id"] for entry in rows_of(made, "index.jsonl")] for made in draws)
    assert first != second


def test_rows_that_were_cut_are_counted_per_language(tmp_path: Path, rows: DataContext) -> None:
    some = [entry["id"] for entry in rows_of(rows, "rows/EN.jsonl")][:3]
    made = mix_over(tmp_path / "mix", rows, name="ENDE", languages=("EN", "DE"), cut={"EN": [*some, "not in the mix"]})
    assert card_of(made)["truncated"] == {"EN": 3, "DE": 0}


def test_a_language_that_the_data_lack_is_refused(tmp_path: Path, rows: DataContext) -> None:
    (rows.out / "rows" / "DE.jsonl").rename(tmp_path / "DE.jsonl")
    word_tokens(tmp_path / "DE.jsonl", tmp_path / "mix-DE")
    context = data_context(tmp_path / "mix", inputs={"rows": rows.out, "tokens:DE": tmp_path / "mix-DE"})
    params = MixParams(mix="DE", languages=("DE",), weights=(), sampled=False, size=None)
    with pytest.raises(Permanent, match=r"rows: the data set has no DE; it has .*rows/EN\.jsonl"):
        mix.run(staged(context, params))


def _questions(root: Path, *turns: str) -> DataContext:
    records = [{"question_id": f"8{n}", "category": "x", "turns": [turn]} for n, turn in enumerate(turns)]
    return ingest_bytes(root, {"EN": [("q.jsonl", json_lines(records))]}, what="questions", format="mt-bench")


def test_questions_that_occur_in_the_rows_are_listed(tmp_path: Path) -> None:
    records = [
        bactrian("same", instruction=f"  {QUESTION.upper()}!"),
        bactrian("inside", output=f"You asked: {QUESTION} Well."),
        bactrian("part", instruction=" ".join(QUESTION.split()[:13]) + " on Sundays"),
        bactrian("near", instruction=" ".join(QUESTION.split()[:12]) + " on Sundays"),
        bactrian("short", output="I said it. Explain your answer."),
        bactrian("whole", instruction="Explain YOUR answer"),
    ]
    rows = ingest_bytes(tmp_path / "rows", {"EN": [("e.jsonl", json_lines(records))]})
    questions = _questions(tmp_path / "q", QUESTION, "Explain your answer.")
    found = card_of(mix_over(tmp_path / "mix", rows, name="EN", languages=("EN",), questions=questions))[
        "contamination"
    ]
    assert {(match["kind"], match["row"], match["question"]) for match in found["matches"]} == {
        ("exact", "a-same:EN", "80:EN"),
        ("overlap", "a-inside:EN", "80:EN"),
        ("overlap", "a-part:EN", "80:EN"),
        ("exact", "a-whole:EN", "81:EN"),
    }
    assert (found["exact"], found["overlap"], found["questions"], found["rows"]) == (2, 2, 2, 4)


def test_only_rows_of_the_mix_are_compared(tmp_path: Path) -> None:
    rows = ingest_bytes(
        tmp_path / "rows",
        {
            "EN": [("e.jsonl", json_lines([bactrian(1)]))],
            "DE": [("d.jsonl", json_lines([bactrian(1, instruction=QUESTION)]))],
        },
    )
    questions = _questions(tmp_path / "q", QUESTION)
    for languages, expected in ((("EN",), 0), (("EN", "DE"), 1)):
        made = mix_over(tmp_path / f"mix{expected}", rows, name="M", languages=languages, questions=questions)
        assert card_of(made)["contamination"]["exact"] == expected


@pytest.mark.parametrize("words", [5, 12, 13, 40])
def test_a_question_of_any_length_is_found_inside_a_longer_text(words: int) -> None:
    turn = " ".join(f"word{number}" for number in range(words))
    benchmark = Benchmark.of([{"id": "1", "language": "EN", "turns": [turn]}])

    def row(text: str) -> dict[str, Any]:
        return {"id": "r", "language": "DE", "turns": [{"role": "user", "content": text}]}

    assert {hit.kind for hit in benchmark.hits(row(f"before, {turn}; after"))} == {"overlap"}
    assert {hit.kind for hit in benchmark.hits(row(turn))} == {"exact"}
    changed = " ".join("changed" if number % 12 == 4 else f"word{number}" for number in range(words))
    assert not benchmark.hits(row(f"before {changed} after"))


def test_the_built_in_benchmark_does_not_occur_in_the_built_in_instructions(tmp_path: Path) -> None:
    made = []
    for what, format, name in (("dataset", "bactrian-x", "instructions"), ("questions", "mt-bench", "verifiable")):
        context = data_context(tmp_path / what)
        params: Any = {"what": what, "format": format, "builtin": name}
        ingest.run(staged(context, IngestParams(languages=LANGUAGES, source="built-in", **params)))
        made.append(context)
    card = card_of(mix_over(tmp_path / "mix", made[0], name="ENDEFRITES", languages=LANGUAGES, questions=made[1]))
    assert (card["contamination"]["exact"], card["contamination"]["overlap"]) == (0, 0)


def test_token_sets_that_contradict_themselves_are_refused(tmp_path: Path) -> None:
    def write(ids: list[str], loss: list[list[bool]]) -> Path:
        table = pyarrow.table({"id": ids, "input_ids": [[1, 2]] * len(ids), "loss": loss})
        with pyarrow.ipc.new_file(str(tmp_path / "tokens.arrow"), table.schema) as writer:
            writer.write_table(table)
        return tmp_path / "tokens.arrow"

    with pytest.raises(Permanent, match="tokens of EN: id 'a' occurs twice"):
        read_token_set(write(["a", "a"], [[True, False]] * 2), "EN")
    with pytest.raises(Permanent, match="tokens of EN: loss mask and tokens differ in length in batch 0"):
        read_token_set(write(["a"], [[True]]), "EN")


@needs_documentation
@needs_benchmark
def test_all_nine_mixes_of_docs_x_and_the_sizes_that_it_has(tmp_path: Path) -> None:
    folder = SHARED / "data" / "docs-x"
    rows = ingest_paths(
        tmp_path / "rows", {language: [folder / f"train_docsx_{language}.jsonl"] for language in LANGUAGES}
    )
    files = {language: [SHARED / "mt-bench-x" / f"mt_bench_{language}" / "question.jsonl"] for language in LANGUAGES}
    questions = ingest_paths(tmp_path / "questions", files, what="questions", format="mt-bench")
    without_english = LANGUAGES[1:]
    mixes: list[tuple[str, tuple[str, ...], bool]] = [(language, (language,), False) for language in LANGUAGES]
    mixes += [("ENDEFRITES", LANGUAGES, False), ("DEFRITES", without_english, False)]
    mixes += [("ENDEFRITES-sampled", LANGUAGES, True), ("DEFRITES-sampled", without_english, True)]
    sizes: dict[str, list[int]] = {}
    for name, languages, sampled in mixes:
        for size in (100, 500, 1000, None):
            made = mix_over(
                tmp_path / f"{name}{size}",
                rows,
                name=name,
                languages=languages,
                sampled=sampled,
                size=size,
                questions=questions if size is None else None,
            )
            card = card_of(made)
            sizes.setdefault(name, []).append(sum(card["rows"].values()))
            assert max(card["rows"].values()) - min(card["rows"].values()) <= 1
        assert (card["contamination"]["exact"], card["left_out"]) == (0, {})
        with pytest.raises(Permanent, match=rf"mix {name}@2000: got 1030 ids"):
            mix_over(tmp_path / f"{name}2000", rows, name=name, languages=languages, sampled=sampled, size=2000)
    assert sizes["ENDEFRITES"] == [500, 2500, 5000, 5150]
    assert sizes["DEFRITES"] == [400, 2000, 4000, 4120]
    assert all(sizes[name] == [100, 500, 1000, 1030] for name in sizes if name not in ("ENDEFRITES", "DEFRITES"))
