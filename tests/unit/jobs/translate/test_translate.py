"""The translate stage around its engines: files, rejections, what is asked for once."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from jobs.translate import job as translate
from jobs.translate.engines.engine import Outcome
from jobs.translate.marks import Marks
from jobs.translate.units import Style
from polyglot.core.errors import Permanent
from tests.kit.translations import build, card, context, row, run, texts, written

CODE = (
    "Run this:\n\n```python\nfor x in xs:\n    print(x)  # each\n```\n\nThen `make test` on https://example.org/a?b=1."
)


class Scripted:
    """An engine that does to each text what a function says; "" is a translation that came back empty."""

    def __init__(self, script: Callable[[str], str | None], **style: Any) -> None:
        self.script, self.asked = script, list[str]()
        self.style = Style(**{"span": "line", "marks": Marks()} | style)

    def translate(self, texts: Sequence[str], settled: Callable[[int], None]) -> Mapping[str, Outcome]:
        self.asked += texts
        settled(len(texts))
        done = {text: self.script(text) for text in texts}
        return {text: Outcome(found, None if found is not None else "refused") for text, found in done.items()}

    def about(self) -> Mapping[str, Any]:
        return {"version": "scripted-1"}

    def account(self) -> Mapping[str, Any]:
        return {"cost_usd": 0.25}

    def close(self) -> None:
        pass


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Scripted]:
    def put(script: Callable[[str], str | None], **style: Any) -> Scripted:
        engine = Scripted(script, **style)
        monkeypatch.setattr(translate, "open_engine", lambda params, context: engine)
        return engine

    return put


class TestFiles:
    def test_every_text_of_a_row_is_translated_and_its_form_stays(self, tmp_path: Path) -> None:
        rows = [row("a-1", "Ask me", "Say so", "And now?", CODE), row("a-2", "Ask again", "Said")]
        ran = run(build(tmp_path, rows))
        assert written(tmp_path, "rows/ES.jsonl") == [each | {"language": "ES"} for each in rows]
        assert written(tmp_path, "rejected.jsonl") == []
        assert [len(each["turns"]) for each in written(tmp_path, "records/ES.jsonl")] == [4, 2]
        assert ran.metrics == {"rows": 2, "rejected": 0}

    def test_questions_and_references_keep_their_form(self, tmp_path: Path) -> None:
        question = {"id": "81", "language": "EN", "category": "math", "turns": ["One?", "Two?"]}
        run(build(tmp_path / "q", [question], what="questions"))
        assert written(tmp_path / "q", "questions/ES.jsonl") == [question | {"language": "ES"}]
        reference = {"id": "81", "language": "EN", "turns": ["One.", ""]}
        run(build(tmp_path / "r", [reference], what="references"))
        assert written(tmp_path / "r", "references/ES.jsonl") == [reference | {"language": "ES"}]

    def test_the_validation_part_goes_the_same_way(self, tmp_path: Path) -> None:
        run(build(tmp_path, [row("a", "x y", "z")], validation=[row("v", "u v", "w")]))
        assert texts(tmp_path, "validation/ES.jsonl") == {"v": ["u v", "w"]}
        assert card(tmp_path)["files"] == {
            "rows": {"accepted": 1, "rejected": 0},
            "validation": {"accepted": 1, "rejected": 0},
        }

    def test_a_language_that_the_rows_lack_is_named(self, tmp_path: Path) -> None:
        root = build(tmp_path, [row("a", "x", "y")])
        (root / "rows/rows/EN.jsonl").rename(root / "rows/rows/DE.jsonl")
        with pytest.raises(Permanent, match=r"got rows/DE\.jsonl; expected rows/EN\.jsonl"):
            run(root)


class TestProtection:
    def test_an_engine_never_sees_code_and_cannot_change_it(
        self, tmp_path: Path, scripted: Callable[..., Scripted]
    ) -> None:
        engine = scripted(str.upper)
        run(build(tmp_path, [row("a", "please", CODE)]))
        assert engine.asked == ["please", "Run this:", "Then ⟦1⟧ on ⟦2⟧."]
        assert texts(tmp_path)["a"][1] == CODE.replace("Run this", "RUN THIS").replace("Then", "THEN").replace(
            " on ", " ON "
        )

    @pytest.mark.parametrize(
        ("script", "reason"),
        [
            (lambda text: text.replace("⟦1⟧", ""), "mark-lost"),
            (lambda text: text + "⟦1⟧" * ("⟦" in text), "mark-added"),
            (lambda text: text.replace("⟦1⟧", "⟦9⟧"), "mark-added"),
            (lambda text: text.replace("⟦1⟧", "⟦one⟧"), "mark-garbled"),
            (lambda text: text.replace("on", "`rm`"), "code-changed"),
            (lambda text: text.replace("Then", "- Then"), "layout-changed"),
            (lambda text: "```" if text.startswith("Run") else text, "code-block-changed"),
            (lambda text: " " if text.startswith("Run") else text, "empty-translation"),
            (lambda text: None if text.startswith("Run") else text, "refused"),
        ],
    )
    def test_a_row_whose_protected_parts_changed_is_rejected_by_name(
        self, tmp_path: Path, scripted: Callable[..., Scripted], script: Callable[[str], str | None], reason: str
    ) -> None:
        scripted(script)
        run(build(tmp_path, [row("a", "please", CODE), row("b", "Well", "Good")]))
        assert texts(tmp_path) == {"b": ["Well", "Good"]}
        (rejected,) = written(tmp_path, "rejected.jsonl")
        assert rejected == {
            "language": "ES",
            "file": "rows/EN.jsonl",
            "line": 1,
            "id": "a",
            "reason": reason,
            "turn": 2,
        }
        assert card(tmp_path)["reasons"] == {reason: 1}
        assert written(tmp_path, "records/ES.jsonl")[0]["rejected"] == {"turn": 2, "reason": reason}

    def test_what_a_free_engine_lost_is_asked_for_again_in_parts(
        self, tmp_path: Path, scripted: Callable[..., Scripted]
    ) -> None:
        engine = scripted(lambda text: text.replace("⟦1⟧", "").upper(), split_when_lost=True)
        run(build(tmp_path, [row("a", "please", "Use `ls` now")]))
        assert engine.asked == ["please", "Use ⟦1⟧ now", "Use", "now"]
        assert texts(tmp_path)["a"][1] == "USE `ls` NOW"
        assert card(tmp_path)["units_in_parts"] == 1

    def test_a_language_of_which_nothing_is_left_fails(self, tmp_path: Path, scripted: Callable[..., Scripted]) -> None:
        scripted(lambda text: None)
        with pytest.raises(Permanent, match="ES: none of 1 rows could be translated: refused 1"):
            run(build(tmp_path, [row("a", "x", "y")]))


class TestOnce:
    def test_equal_units_are_asked_for_once_in_the_stage(
        self, tmp_path: Path, scripted: Callable[..., Scripted], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(translate, "_CHUNK_ROWS", 2)
        engine = scripted(str.upper)
        run(build(tmp_path, [row(str(n), "Same\nsame as `a`", f"same as `{n}`") for n in range(5)]))
        assert engine.asked == ["Same", "same as ⟦1⟧"]
        assert texts(tmp_path)["4"] == ["SAME\nSAME AS `a`", "SAME AS `4`"]
        assert (card(tmp_path)["units"], card(tmp_path)["units_repeated"]) == (15, 13)

    def test_the_account_is_kept_when_the_stage_fails(self, tmp_path: Path, scripted: Callable[..., Scripted]) -> None:
        scripted(lambda text: None)
        here = context(build(tmp_path, [row("a", "x", "y")]))
        with pytest.raises(Permanent):
            translate.run(here)
        assert here.volatile == {"cost_usd": 0.25}
