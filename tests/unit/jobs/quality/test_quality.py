"""The quality stage: what is kept, what is measured, and how ratings are read."""

import json
import sys
import types
from pathlib import Path
from typing import Any

import pytest
from sacrebleu.metrics.chrf import CHRF

from jobs.lib.chat.calls import ErrorClass, Failure, Reply
from jobs.quality import adequacy, comet
from jobs.quality import job as quality
from jobs.quality.pairs import Pair
from jobs.quality.protected import code_blocks_equal
from jobs.quality.protected import compare as compare_parts
from polyglot.core.canonical import sha256_bytes
from polyglot.core.errors import Permanent
from polyglot.kinds.quality import QualityParams
from tests.kit.data_ingests import needs_benchmark
from tests.kit.quality_pairs import CODE, records, stage
from tests.kit.shared import SHARED


class TestProtectedParts:
    def test_a_faithful_translation_keeps_all_and_numbers_by_their_digits(self) -> None:
        there = CODE.replace("Run", "Ejecute").replace("2,000 times", "2.000 veces").replace("See", "Véase")
        kept = compare_parts(CODE, there)
        assert kept.share == 1
        assert kept.intact
        assert code_blocks_equal(CODE, there)

    def test_what_is_lost_and_what_is_added_is_counted_by_kind(self) -> None:
        kept = compare_parts(CODE, CODE.replace("# one", "# uno").replace("{name}", "{nombre}"))
        assert (kept.parts["code blocks"], kept.kept["code blocks"], kept.added["code blocks"]) == (1, 0, 1)
        assert (kept.kept["placeholders"], kept.kept["links"], kept.kept["inline code"]) == (0, 1, 1)
        assert not kept.intact

    def test_one_changed_byte_of_a_block_is_seen(self) -> None:
        assert code_blocks_equal(CODE, CODE.replace("x = 1 ", "x = 1")) is False
        assert code_blocks_equal("no code", "sin código") is None


class TestTheJob:
    def test_scores_are_sacrebleus_and_ids_of_one_side_alone_are_listed(self, tmp_path: Path) -> None:
        source = {"a": ("Print the file", CODE), "b": ("Only here", "x"), "c": ("Two", "turns")}
        target = {"a": ("Imprima el archivo", CODE), "c": ("Dos",), "d": ("solo", "allí")}
        reference = {"a": ("Imprima el fichero", CODE)}
        parts = {"source": ("EN", source), "translated": ("ES", target), "reference": ("ES", reference)}
        context = stage(tmp_path, parts, reference_is="human")
        quality.run(context)
        card = json.loads((context.out / "card.json").read_bytes())
        assert (card["untranslated"]["ids"], card["without_source"]["ids"]) == (["b"], ["d"])
        assert card["other_turns"]["ids"] == ["c"]
        first = records(context)[0]
        assert first["chrf"] == round(CHRF().sentence_score("Imprima el archivo", ["Imprima el fichero"]).score, 2)
        assert (card["corpus"]["segments"], card["turns"]) == (2, 2)
        assert card["corpus"]["chrf_signature"].startswith("nrefs:1|case:mixed")
        assert card["overall"]["code"] == {"turns": 1, "equal": 1}

    def test_nothing_in_common_is_an_error_that_says_so(self, tmp_path: Path) -> None:
        context = stage(tmp_path, {"source": ("EN", {"a": ("x", "y")}), "translated": ("ES", {"b": ("x", "y")})})
        with pytest.raises(Permanent, match=r"no id is in both EN \(1 ids\) and ES"):
            quality.run(context)

    @needs_benchmark
    def test_published_answers_change_the_code_of_every_coding_turn(self) -> None:
        found = {}
        for language in ("EN", "ES"):
            path = SHARED / "mt-bench-x" / f"mt_bench_{language}" / "reference_answer" / "gpt-4.jsonl"
            for line in path.read_text(encoding="utf-8").splitlines():
                row = json.loads(line)
                found[language, str(row["question_id"])[:3]] = row["choices"][0]["turns"]
        pairs = [
            (english, spanish)
            for (language, name), turns in found.items()
            if language == "EN"
            for english, spanish in zip(turns, found["ES", name], strict=True)
        ]
        judged = [equal for pair in pairs if (equal := code_blocks_equal(*pair)) is not None]
        assert (sum(judged), len(judged)) == (0, 17)


class TestAdequacy:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("Score: 7", (7, None)),
            ("It says Score: 100 there.\nScore: 12", (12, None)),
            ("Score: ٤٥", (45, None)),
            ("Score: 101", (None, "out-of-range")),
            ("the score is high", (None, "no-score")),
        ],
    )
    def test_the_last_structured_number_counts(self, text: str, expected: object) -> None:
        given = Reply(
            text=text, finish_reason="stop", refused=False, prompt_tokens=1, completion_tokens=1, served_by=""
        )
        assert adequacy.read(given) == expected

    def test_a_failed_call_keeps_its_reason(self) -> None:
        assert adequacy.read(Failure(reason="timeout", error=ErrorClass.TRANSIENT)) == (None, "timeout")


class TestComet:
    """The adapter's plumbing alone: the real library and its models are not in the lock."""

    PAIR = Pair(id="a", turn=1, role="user", category="x", origin="", source="Hello", target="Hola")

    def test_without_the_library_one_line_says_what_to_do(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "comet", None)
        with pytest.raises(Permanent, match=r"comet: the library is not installed .* Install it beside the trainer"):
            comet.library()

    def test_sources_and_translations_go_in_and_scores_come_out_in_order(self) -> None:
        class Stand:
            def predict(self, data: list[dict[str, str]], **given: Any) -> Any:
                assert data == [{"src": "Hello", "mt": "Hola"}]
                assert given == {"batch_size": 8, "gpus": 0, "progress_bar": False}
                return types.SimpleNamespace(scores=[0.81234567])

        assert comet.score(Stand(), [self.PAIR], gpus=0, batch=8) == [0.8123]


def test_outputs_change_only_with_the_version(tmp_path: Path) -> None:
    """When this fails because the meaning of an output changed, raise the version, then write the new digest here."""
    source = {"a": ("Print the file", CODE), "b": ("Another one", "x")}
    target = {"a": ("Imprima el archivo", CODE), "b": ("Otro", "y")}
    reference = {"a": ("Imprima el fichero", CODE)}
    parts = {"source": ("EN", source), "translated": ("ES", target), "reference": ("ES", reference)}
    context = stage(tmp_path, parts, reference_is="human")
    quality.run(context)
    found = sha256_bytes((context.out / "rows.jsonl").read_bytes() + (context.out / "card.json").read_bytes())
    assert (QualityParams.version, found[:16]) == (1, "b5a71de1fff97812")
