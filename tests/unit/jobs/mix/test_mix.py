"""The mix job over real files: the index points at the right token rows, the card counts what is there."""

from pathlib import Path
from typing import Any

import pyarrow
import pytest

from jobs.ingest import job as ingest
from jobs.lib.rows.contamination import Benchmark
from jobs.mix.candidates import read_candidates
from polyglot.core.errors import Permanent
from polyglot.core.records import to_json
from polyglot.kinds.ingest import IngestParams
from polyglot.kinds.rows import Question, Row, Turn
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
from tests.kit.data_mixes import hits_of, mix_over, token_card, word_tokens

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
        "over-long:DE": {"count": 1, "ids": ["a-3"]},
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


def _questions(root: Path, *turns: str) -> DataContext:
    records = [{"question_id": f"8{n}", "category": "x", "turns": [turn]} for n, turn in enumerate(turns)]
    return ingest_bytes(root, {"EN": [("q.jsonl", json_lines(records))]}, what="questions", format="mt-bench")


def _planted() -> list[dict[str, object]]:
    words = QUESTION.split()
    return [
        bactrian("same", instruction=f"  {QUESTION.upper()}!"),
        bactrian("inside", output=f"You asked: {QUESTION} Well."),
        bactrian("part", instruction=" ".join(words[:13]) + " on Sundays"),
        bactrian("edited", instruction=" ".join(words).replace("mountain", "hill")),
        bactrian("other", instruction=" ".join(words[:9]) + " " + " ".join(f"word{n}" for n in range(9))),
        bactrian("short", output="I said it. Explain your answer."),
        bactrian("whole", instruction="Explain YOUR answer"),
    ]


def test_planted_questions_are_found_by_their_kind(tmp_path: Path) -> None:
    rows = ingest_bytes(tmp_path / "rows", {"EN": [("e.jsonl", json_lines(_planted()))]})
    questions = _questions(tmp_path / "q", QUESTION, "Explain your answer.")
    found = card_of(mix_over(tmp_path / "mix", rows, name="EN", languages=("EN",), questions=questions))[
        "contamination"
    ]
    assert {(match["kind"], match["row"], match["question"]) for match in found["matches"]} == {
        ("exact", "a-same:EN", "80:EN:1"),
        ("overlap", "a-inside:EN", "80:EN:1"),
        ("near", "a-inside:EN", "80:EN:1"),
        ("overlap", "a-part:EN", "80:EN:1"),
        ("near", "a-part:EN", "80:EN:1"),
        ("near", "a-edited:EN", "80:EN:1"),
        ("exact", "a-whole:EN", "81:EN:1"),
    }
    assert {kind: found[kind]["rows"] for kind in ("exact", "overlap", "near")} == {"exact": 2, "overlap": 2, "near": 3}
    assert (found["rows"], found["rows_by_id"], found["questions"]) == ({"EN": 5}, {}, 2)


def test_a_translation_is_tainted_by_its_id(tmp_path: Path) -> None:
    german = [bactrian(name, instruction=f"Frage {name}") for name in ("same", "edited", "other")]
    files = {"EN": [("e.jsonl", json_lines(_planted()))], "DE": [("d.jsonl", json_lines(german))]}
    rows = ingest_bytes(tmp_path / "rows", files)
    questions = _questions(tmp_path / "q", QUESTION)
    card = card_of(mix_over(tmp_path / "mix", rows, name="DE", languages=("DE",), questions=questions))
    assert card["contamination"]["rows"] == {}
    assert card["contamination"]["rows_by_id"] == {"DE": 2}


@pytest.mark.parametrize(
    ("rule", "gone"),
    [
        ("none", set()),
        ("exact", {"a-same"}),
        ("near", {"a-same", "a-inside", "a-part", "a-edited"}),
        ("overlap", {"a-same", "a-inside", "a-part"}),
        ("all", {"a-same", "a-inside", "a-part", "a-edited"}),
    ],
)
def test_what_a_study_wants_out_leaves_in_every_language_and_is_listed(
    tmp_path: Path, rule: str, gone: set[str]
) -> None:
    german = [{**row, "instruction": f"Frage {number}"} for number, row in enumerate(_planted())]
    files = {"EN": [("e.jsonl", json_lines(_planted()))], "DE": [("d.jsonl", json_lines(german))]}
    rows = ingest_bytes(tmp_path / "rows", files)
    questions = _questions(tmp_path / "q", QUESTION)
    for languages in (("EN", "DE"), ("DE",)):
        made = mix_over(
            tmp_path / "".join(languages),
            rows,
            name="M",
            languages=languages,
            questions=questions,
            decontaminate=rule,
        )
        left = card_of(made)["left_out"].get("contaminated", {"count": 0, "ids": []})
        assert (set(left["ids"]), left["count"]) == (gone, len(gone))
        assert not gone & {entry["id"] for entry in rows_of(made, "index.jsonl")}


def test_reference_answers_are_looked_for_where_there_are_any(tmp_path: Path) -> None:
    answer = "The highest mountain of that country is a volcano of two thousand metres"
    rows = ingest_bytes(
        tmp_path / "rows", {"EN": [("e.jsonl", json_lines([bactrian(1, output=answer), bactrian(2, output="Yes.")]))]}
    )
    questions = _questions(tmp_path / "q", QUESTION)
    records = [{"question_id": "80", "choices": [{"turns": [answer, "Yes."]}]}]
    references = ingest_bytes(
        tmp_path / "r", {"EN": [("r.jsonl", json_lines(records))]}, what="references", format="mt-bench"
    )
    found = rows_of(hits_of(tmp_path / "hits", rows, questions, references), "hits.jsonl")
    assert [(hit["id"], hit["of"], hit["kind"], hit["turn"]) for hit in found] == [("a-1", "reference", "exact", 2)]


@pytest.mark.parametrize("words", [5, 12, 13, 40])
def test_a_question_of_any_length_is_found_inside_a_longer_text(words: int) -> None:
    turn = " ".join(f"word{number}" for number in range(words))
    benchmark = Benchmark()
    benchmark.add(Question(id="1", language="EN", category="", turns=(turn,)))
    far = " ".join(f"far{number}" for number in range(100))

    def kinds(text: str) -> set[str]:
        row = Row(id="r", language="DE", turns=(Turn(role="user", content=text),))
        return {hit.kind for hit in benchmark.hits(row)}

    assert kinds(f"{far}, {turn}; {far}") == {"overlap"}
    assert kinds(turn) == {"exact"}
    changed = " ".join("changed" if number % 12 == 4 else f"word{number}" for number in range(words))
    assert not kinds(f"{far} {changed} {far}")
    assert kinds(changed) == ({"near"} if words == 40 else set())


def test_the_built_in_benchmark_does_not_occur_in_the_built_in_instructions(tmp_path: Path) -> None:
    made = []
    for what, format, name in (("dataset", "bactrian-x", "instructions"), ("questions", "mt-bench", "verifiable")):
        context = data_context(tmp_path / what)
        params: Any = {"what": what, "format": format, "builtin": name}
        ingest.run(staged(context, IngestParams(languages=LANGUAGES, source="built-in", **params)))
        made.append(context)
    card = card_of(mix_over(tmp_path / "mix", made[0], name="ENDEFRITES", languages=LANGUAGES, questions=made[1]))
    found = card["contamination"]
    assert (found["exact"]["matches"], found["overlap"]["matches"]) == (0, 0)


def test_a_temperature_shares_by_the_rows_that_each_language_has(tmp_path: Path) -> None:
    files = {
        "EN": [("e.jsonl", json_lines([bactrian(number) for number in range(64)]))],
        "DE": [("d.jsonl", json_lines([bactrian(number) for number in range(16)]))],
    }
    rows = ingest_bytes(tmp_path / "rows", files)
    asked = {}
    for temperature in (1.0, 2.0, 100.0):
        made = mix_over(
            tmp_path / f"mix{temperature}",
            rows,
            name="M",
            languages=("EN", "DE"),
            sampled=True,
            temperature=temperature,
        )
        card = card_of(made)
        assert card["rows_in_data"] == {"EN": 64, "DE": 16}
        asked[temperature] = (card["shares_asked"]["EN"], card["rows"]["EN"])
    assert asked[1.0] == (0.8, 13)
    assert asked[2.0] == (0.666667, 11)
    assert asked[100.0][1] == 8


class TestPublished:
    def mix(self, root: Path, records: list[dict[str, object]], **options: Any) -> DataContext:
        english = [bactrian(number) for number in range(6)] + [bactrian("twin"), bactrian("copy", instruction="Ask 1")]
        english[-1]["output"] = "Say 1"
        german = [bactrian(n, output=f"Sage {n}") for n in range(6)] + [bactrian("twin")]
        french = [bactrian(n, output=f"Dis {n}") for n in range(6)]
        files = {
            name: [(f"{name}.jsonl", json_lines(rows))]
            for name, rows in (("EN", english), ("DE", german), ("FR", french))
        }
        rows = ingest_bytes(root / "rows", files)
        context = data_context(root / "published")
        offered = {"*": (context.offer("m.jsonl", json_lines(records)),)}
        params: Any = {"what": "published", "format": "bactrian-x", "source": "files"}
        ingest.run(staged(context, IngestParams(languages=("EN", "DE", "FR"), files=offered, **params)))
        return mix_over(
            root / "mix", rows, name="ENDE-sampled", languages=("EN", "DE"), sampled=True, published=context, **options
        )

    def sampled(self) -> list[dict[str, object]]:
        records = [bactrian(n, output=f"{('Say', 'Sage')[n % 2]} {n}") for n in reversed(range(6))]
        return [{**row, "id": f"p-{number}"} for number, row in enumerate(records)]  # ids that mean nothing

    def test_the_index_is_the_files_own(self, tmp_path: Path) -> None:
        made = self.mix(tmp_path, self.sampled())
        index = [(row["id"], row["language"]) for row in rows_of(made, "index.jsonl")]
        assert index == [(f"a-{n}", ("EN", "DE")[n % 2]) for n in reversed(range(6))]
        card = card_of(made)
        assert card["published"]["records"] == card["ids"] == 6
        assert card["published"]["partition"] is False  # the twin, which both languages have, is not in it
        assert card["published"]["ids_lacking"] == 1

    def test_a_smaller_size_takes_the_ids_that_other_mixes_take(self, tmp_path: Path) -> None:
        small, large = (
            {row["id"] for row in rows_of(self.mix(tmp_path / f"{n}", self.sampled(), size=n), "index.jsonl")}
            for n in (2, 4)
        )
        assert small < large
        assert (len(small), len(large)) == (2, 4)

    def test_what_cannot_be_placed_is_counted_with_its_line(self, tmp_path: Path) -> None:
        odd = [
            bactrian(0, output="Say something else"),
            {**bactrian("twin"), "id": "p-7"},
            bactrian(3, output="Dis 3"),
            bactrian(1),
            {**bactrian("copy", instruction="Ask 1", output="Say 1")},
            bactrian(1),
        ]
        made = self.mix(tmp_path, odd)
        said = card_of(made)["published"]
        lines = {name: said[name]["lines"] for name in ("unmatched", "ambiguous", "outside", "repeats")}
        assert lines == {"unmatched": [1], "ambiguous": [2], "outside": [3], "repeats": [6]}
        assert [row["id"] for row in rows_of(made, "index.jsonl")] == ["a-1", "a-copy", "a-1"]


def test_token_sets_that_contradict_themselves_are_refused(tmp_path: Path) -> None:
    def write(ids: list[str], loss: list[list[bool]]) -> Path:
        counts = {name: [1] * len(ids) for name in ("loss_tokens", "characters", "words", "answers")}
        table = pyarrow.table({"id": ids, "input_ids": [[1, 2]] * len(ids), "loss": loss, **counts})
        (tmp_path / "card.json").write_bytes(to_json(token_card()))
        with pyarrow.ipc.new_file(str(tmp_path / "tokens.arrow"), table.schema) as writer:
            writer.write_table(table)
        return tmp_path / "tokens.arrow"

    with pytest.raises(Permanent, match="tokens of EN: id 'a' occurs twice"):
        read_candidates(write(["a", "a"], [[True, False]] * 2), tmp_path / "card.json", "EN")
    with pytest.raises(Permanent, match="tokens of EN: ids and loss mask differ in length"):
        read_candidates(write(["a"], [[True]]), tmp_path / "card.json", "EN")


@needs_documentation
@needs_benchmark
def test_all_nine_mixes_of_docs_x_and_the_sizes_that_it_has(tmp_path: Path) -> None:
    folder = SHARED / "data" / "docs-x"
    rows = ingest_paths(
        tmp_path / "rows", {language: [folder / f"train_docsx_{language}.jsonl"] for language in LANGUAGES}
    )
    files = {language: [SHARED / "mt-bench-x" / f"mt_bench_{language}" / "question.jsonl"] for language in LANGUAGES}
    questions = ingest_paths(tmp_path / "questions", files, what="questions", format="mt-bench")
    given = {
        f"tokens:{language}": word_tokens(rows.out / "rows" / f"{language}.jsonl", tmp_path / f"tokens-{language}")
        for language in LANGUAGES
    }
    hits = {"hits": hits_of(tmp_path / "hits", rows, questions).out}
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
                given=given | (hits if size is None else {}),
            )
            card = card_of(made)
            sizes.setdefault(name, []).append(sum(card["rows"].values()))
            assert max(card["rows"].values()) - min(card["rows"].values()) <= 1
        assert (card["contamination"]["exact"]["matches"], card["left_out"]) == (0, {})
        with pytest.raises(
            Permanent, match=rf"mix {name}@2000: got 1030 ids that each of .* has; expected at least 2000\. Choose"
        ):
            mix_over(
                tmp_path / f"{name}2000",
                rows,
                name=name,
                languages=languages,
                sampled=sampled,
                size=2000,
                given=given,
            )
    assert sizes["ENDEFRITES"] == [500, 2500, 5000, 5150]
    assert sizes["DEFRITES"] == [400, 2000, 4000, 4120]
    assert all(sizes[name] == [100, 500, 1000, 1030] for name in sizes if name not in ("ENDEFRITES", "DEFRITES"))
