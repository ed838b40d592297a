"""Apertium for real: what it is given comes back whole, row by row."""

import os
from pathlib import Path

import pytest

from jobs.lib.text.texts import Text
from polyglot.core.errors import Interrupted, Permanent
from tests.kit.apertium import needs_apertium
from tests.kit.data_ingests import ingest_paths, needs_benchmark, rows_of
from tests.kit.judge_stage import records
from tests.kit.shared import SHARED
from tests.kit.translations import build, card, context, row, run, texts, written

SPECIAL = r"Keep [this] {and} ^that$ /or \n <b>it</b> @all 990528k"


@needs_apertium
class TestReal:
    def test_each_text_is_its_own_translation_whatever_its_neighbours_are(self, tmp_path: Path) -> None:
        rows = [
            row(f"a-{n}", f"The house number {n}", f"{'Very ' * (n % 7)}good dog {n}.\n\n- `x{n}`\n")
            for n in range(1200)
        ]
        root = build(tmp_path, rows, engine="apertium")
        run(root)
        found = texts(root)
        assert len(found) == 1200
        for n in range(1200):
            assert found[f"a-{n}"][0] == f"El número de casa {n}"
            assert found[f"a-{n}"][1].endswith(f" {n}.\n\n- `x{n}`\n")

    def test_code_and_markup_and_the_format_s_own_characters_survive(self, tmp_path: Path) -> None:
        code = (
            "Run:\n```python\nif x[0] ^ y:  # the house\n    print('\\0 $x')\n```\n| The dog | `a|b` |\n| --- | --- |\n"
        )
        root = build(tmp_path, [row("a", "Look at https://a.b/c?d=e.", code + SPECIAL)], engine="apertium")
        run(root)
        first, second = texts(root)["a"]
        assert "https://a.b/c?d=e" in first
        assert (
            "```python\nif x[0] ^ y:  # the house\n    print('\\0 $x')\n```\n| El perro | `a|b` |\n| --- | --- |\n"
            in second
        )
        assert all(part in second for part in ("[", "]", "{and}", "^", "$", "\\n", "<b>", "</b>", "990528k"))

    def test_it_goes_on_from_what_is_on_record(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        from jobs.translate import job as translate
        from jobs.translate.engines import apertium

        monkeypatch.setattr(apertium, "_BATCH_TEXTS", 4)
        root = build(tmp_path, [row(f"a-{n}", "x" * n + "x house", "dog") for n in range(20)], engine="apertium")
        here = context(root)
        asked = iter([False, False, True])
        here.stopping = lambda: next(asked, True)  # type: ignore[method-assign]
        with pytest.raises(Interrupted), here.journal:  # type: ignore[attr-defined]
            translate.run(here)
        assert len(records(root)) == 8
        assert run(root).volatile["resumed_texts"] == 8
        assert len(records(root)) == 21

    def test_a_pair_that_is_not_installed_is_named_with_the_remedy(self, tmp_path: Path) -> None:
        with pytest.raises(
            Permanent, match=r"got pair eng-fin; expected one of .*eng-spa.* Install the Debian packages"
        ):
            run(build(tmp_path, [row("a", "x", "y")], engine="apertium", target="FI"))

    @needs_benchmark
    def test_the_code_of_the_coding_questions_references_survives_where_the_published_one_does_not(
        self, tmp_path: Path
    ) -> None:
        folder = "reference_answer/gpt-4.jsonl"
        files = {lang: [SHARED / "mt-bench-x" / f"mt_bench_{lang}" / folder] for lang in ("EN", "ES")}
        found = ingest_paths(tmp_path / "in", files, what="references", format="mt-bench")
        english, published = (
            {r["id"]: r["turns"] for r in rows_of(found, f"references/{lang}.jsonl")} for lang in files
        )
        root = build(tmp_path / "t", rows_of(found, "references/EN.jsonl"), what="references", engine="apertium")
        run(root)
        made = texts(root, "references/ES.jsonl")
        wanted, ours, theirs = (
            [[block.code for turn in rows[name] for block in Text(turn).blocks] for name in english]
            for rows in (english, made, published)
        )
        assert sum(map(len, wanted)) == 21
        assert ours == wanted
        assert sum(a == b for a, b in zip(wanted, theirs, strict=True) if a) == 0
        assert card(root)["rejected"] == 0
        assert written(root, "rejected.jsonl") == []


def test_a_program_that_is_not_installed_is_named_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", os.devnull)
    with pytest.raises(Permanent, match="no such program on PATH. Install the Debian packages apertium"):
        run(build(tmp_path, [row("a", "x", "y")], engine="apertium"))
