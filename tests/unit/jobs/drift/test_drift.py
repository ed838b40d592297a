"""The drift job over nights of two cells: one of weights that repeats itself, one behind an endpoint that does not."""

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace as changed

from jobs.drift import job
from jobs.drift.bets import Book, bet
from jobs.drift.items import Beside, History, Item
from polyglot.core import records
from polyglot.core.records import UNSET
from polyglot.core.stage import Stage
from polyglot.kinds.answer import Answer, AnswerCard, AnswerTurn
from polyglot.kinds.drift import Bets, Drift, DriftParams, DriftState, Then, Watch
from polyglot.kinds.judge import JudgeCard, Verdict
from tests.kit.data_jobs import DataContext, data_context
from tests.kit.folder_input import FolderInput

LANGUAGES, CELLS = ("EN", "DE"), ("mix", "asked")
QUESTIONS = [(str(number), ("math", "writing")[number % 2]) for number in range(40)]


@dataclass(frozen=True, kw_only=True)
class Night:
    """What is special about one."""

    judge_adds: int = 0
    judged_by: str = "judge-1"
    fingerprint: str = "f1"
    asked_adds: int = 0
    asked_of: str = "big-1"
    weights: str = "a" * 64
    torch: str = "2.9"
    mix_says: str = "so"
    failing: Callable[[str], bool] = lambda identity: False
    lost: bool = False  # what it was judged is withdrawn later


def drawn(*words: object) -> int:
    return int(hashlib.sha256(" ".join(map(str, words)).encode()).hexdigest(), 16)


def level(cell: str, answered: str) -> Callable[[str], int]:
    """How good an answer is; those of the asked model are not the same on two nights."""
    return lambda turn: drawn(cell, turn) % 4 + (drawn(answered, turn) % 3 if cell == "asked" else 0)


@dataclass
class World:
    root: Path
    watch: Watch = field(default_factory=lambda: Watch(anchors=CELLS, cells=CELLS, frozen={}))
    context: DataContext = field(init=False)
    last: Drift = field(init=False)

    def __post_init__(self) -> None:
        self.context = data_context(self.root / "job")
        then = {}
        for cell in CELLS:
            answers, verdicts = self.cell(cell, "study", Night())
            files = {name: self.blob(answers, f"answers/{name}.jsonl") for name in LANGUAGES}
            then[cell] = Then(
                answers=files,
                verdicts={name: self.blob(verdicts, f"verdicts/{name}.jsonl") for name in LANGUAGES},
                answer_card=self.blob(answers, "card.json"),
                judge_card=self.blob(verdicts, "card.json"),
                model=answers.results_read.get("model", ""),
                environment="device cpu, torch 2.9" if cell == "mix" else "",
            )
        self.watch = Watch(anchors=CELLS, cells=CELLS, frozen=then, then=then)

    def blob(self, source: FolderInput, name: str) -> str:
        return self.context.offer(name, source.path(name).read_bytes()).sha256

    def cell(self, cell: str, night: str, what: Night) -> tuple[FolderInput, FolderInput]:
        """Answers and verdicts: the asked model says something else every night."""
        said = what.mix_says if cell == "mix" else f"{night}"
        adds = what.judge_adds + (what.asked_adds if cell == "asked" else 0)
        answers = self.write_answers(f"{night}/{cell}", said, cell, what)
        return answers, self.write_verdicts(f"{night}/{cell}-verdicts", night, level(cell, night), adds, what)

    def write_answers(self, folder: str, said: str, cell: str, what: Night) -> FolderInput:
        out = self.root / folder
        (out / "answers").mkdir(parents=True)
        for language in LANGUAGES:
            rows = [
                Answer(
                    id=identity,
                    language=language,
                    category=category,
                    turns=tuple(AnswerTurn(text=f"{cell} {said} {turn}", tokens=1, finish="eos") for turn in (1, 2)),
                )
                for identity, category in QUESTIONS
            ]
            records.write_lines(out / "answers" / f"{language}.jsonl", rows)
        card = AnswerCard(languages={})
        if cell == "asked":
            card = changed(card, endpoint="openai", model="big", served_by=tuple(what.asked_of.split(",")))
        (out / "card.json").write_bytes(records.to_json(card))
        if cell == "asked":
            return FolderInput(out)
        return FolderInput(out, results_read={"model": what.weights}, execution={"device": "cpu", "torch": what.torch})

    def write_verdicts(
        self, folder: str, night: str, good: Callable[[str], int], adds: int, what: Night
    ) -> FolderInput:
        out = self.root / folder
        (out / "verdicts").mkdir(parents=True)
        for language in LANGUAGES:
            rows = []
            for identity, category in QUESTIONS:
                for turn in (1, 2):
                    noise = drawn(night, folder, language, identity, turn) % 10
                    score = 3.0 + good(f"{language} {identity} {turn}") + (noise == 0) - (noise == 1) + adds
                    failed = what.failing(identity)
                    rows.append(
                        Verdict(
                            **{"id": identity, "language": language, "category": category, "sample": 0, "turn": turn},
                            score=None if failed else max(1.0, min(10.0, score)),
                            reason="no-verdict" if failed else None,
                        )
                    )
            records.write_lines(out / "verdicts" / f"{language}.jsonl", rows)
        prints = (what.fingerprint,) if what.fingerprint else UNSET
        served = tuple(what.judged_by.split(","))
        card = JudgeCard(endpoint="openai", model="j", served_by=served, languages={}, fingerprints=prints)
        (out / "card.json").write_bytes(records.to_json(card))
        return FolderInput(out)

    def see(self, night: str, **special: Any) -> Drift:
        """Evaluate a night, after the one that was seen last."""
        what, inputs = Night(**special), dict[str, FolderInput]()
        for cell in CELLS:
            inputs[f"answers:{cell}"], inputs[f"verdicts:{cell}"] = self.cell(cell, night, what)
            if not what.lost:
                for language in LANGUAGES:
                    self.blob(inputs[f"verdicts:{cell}"], f"verdicts/{language}.jsonl")
            old = "study" if cell == "asked" else "so"
            inputs[f"old:{cell}"] = self.write_answers(f"{night}/{cell}-old", old, cell, Night())
            inputs[f"anchors:{cell}"] = self.write_verdicts(
                f"{night}/{cell}-anchors", night, level(cell, "study"), what.judge_adds, what
            )
        params = DriftParams(night=night, languages=LANGUAGES, watch=self.watch)
        self.context.stage = Stage(kind="drift", version=DriftParams.version, params=params.document())
        self.context.inputs = inputs
        job.run(self.context)
        state = self.context.offer("state.json", (self.context.out / "state.json").read_bytes())
        self.watch = changed(self.watch, before=night, state=state.sha256, then={})
        self.last = records.read(self.context.out / "drift.json", Drift)
        return self.last

    def state(self) -> DriftState:
        """What the last night left."""
        return records.read(self.context.out / "state.json", DriftState)


def test_quiet_nights_are_noise_though_an_endpoint_answers_otherwise_each_night(tmp_path: Path) -> None:
    world = World(tmp_path)
    seen = [world.see(f"n{number}") for number in range(1, 7)]
    assert [one.verdict for one in seen] == ["noise"] * 6
    assert [one.baseline_nights for one in seen] == [1, 2, 3, 4, 5, 6]
    last = seen[-1]
    assert {cell.cell: cell.differ for cell in last.cells} == {"mix": (), "asked": LANGUAGES}
    assert last.languages[0].verdicts == 2 * 2 * 2 * len(QUESTIONS)
    assert 0 < (last.languages[0].flips_before or 0) < 0.4
    assert last.evidence is not None
    assert last.evidence < 0 < last.limit
    assert (last.limit, last.cell_limit) == (3.6889, 4.382)  # log(2 / 0.05), and of two cells log(4 / 0.05)
    assert len(last.history) == 6


def test_a_model_behind_an_endpoint_that_got_worse_is_named_and_the_judge_is_not(tmp_path: Path) -> None:
    world = World(tmp_path)
    for number in (1, 2, 3):
        world.see(f"n{number}")
    found = [world.see(f"n{number}", asked_adds=-2) for number in (4, 5)]
    assert [one.verdict for one in found] == ["model", "noise"]  # its baseline began anew
    (finding,) = found[0].findings
    assert (finding.since, "asked's new answers moved" in finding.says) == ("n4", True)


def test_a_changed_judge_is_blamed_for_what_it_does_to_new_answers_too(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.see("n1")
    world.see("n2")
    found = [world.see(f"n{number}", judge_adds=2) for number in (3, 4)]
    assert [one.verdict for one in found] == ["judge", "noise"]
    assert {one.verdict for one in found[0].findings} == {"judge"}
    assert [night.fresh for night in found[1].history] == [False, False, True, False]
    assert (found[1].baseline, found[1].baseline_nights) == ("n3", 1)


def test_digests_tell_weights_from_what_computes_and_both_from_what_should_repeat_itself(tmp_path: Path) -> None:
    said = {}
    for name, special in {
        "weights": {"weights": "b" * 64, "mix_says": "other"},
        "torch": {"torch": "3.0", "mix_says": "other"},
        "nothing": {"mix_says": "other"},
        "name": {"asked_of": "big-2"},
        "equal": {"torch": "3.0"},
    }.items():
        found = World(tmp_path / name).see("n1", **special)
        said[name] = (found.verdict, found.says)
    assert {name: verdict for name, (verdict, _) in said.items()} == {
        **{"weights": "model", "torch": "serving", "nothing": "serving", "name": "model", "equal": "noise"}
    }
    assert "torch 3.0; device cpu, torch 2.9 before" in said["torch"][1]
    assert "asked is answered by big-2, big-1 before" in said["name"][1]


def test_another_name_of_the_judge_is_a_change_and_another_fingerprint_a_remark(tmp_path: Path) -> None:
    renamed = World(tmp_path / "name").see("n1", judged_by="judge-2")
    assert (renamed.verdict, "calls itself judge-2, judge-1 before" in renamed.says) == ("judge", True)
    world = World(tmp_path / "print")
    printed = world.see("n1", fingerprint="f2")
    assert (printed.verdict, printed.remarks) == ("noise", ("the fingerprint of the judge is f2, f1 before",))
    assert world.see("n2", fingerprint="f2").remarks == ()


def test_when_most_anchors_have_no_score_nobody_can_tell(tmp_path: Path) -> None:
    found = World(tmp_path).see("n1", failing=lambda identity: int(identity) % 4 != 0)
    assert found.verdict == "unknown"
    assert "anchors have a score tonight: too few to tell" in found.says
    assert found.languages[0].failed > found.languages[0].verdicts


def test_equal_nights_give_equal_bytes(tmp_path: Path) -> None:
    first, second = World(tmp_path / "a"), World(tmp_path / "b")
    for world in (first, second):
        world.see("n1")
        world.see("n2", judge_adds=1)
    for name in ("drift.json", "state.json"):
        assert (first.context.out / name).read_bytes() == (second.context.out / name).read_bytes()


def test_a_night_without_any_score_takes_no_evidence_away(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.see("n1")
    before = world.state()
    assert world.see("n2", failing=lambda identity: True).verdict == "unknown"
    assert world.last.evidence is None
    assert before.bets is not None
    assert world.state().bets == before.bets


def test_wealth_is_kept_by_what_was_bet_on_when_a_category_and_a_language_join() -> None:
    def items(languages: Sequence[str], categories: Sequence[str]) -> History:
        found = History()
        for language in languages:
            for category in categories:
                item = Item("mix", language, category, 0, 1)
                found.times[item], found.categories[item] = Counter({5.0: 1, 6.0: 1}), category
        return found

    def after(kept: Bets | None, history: History, night: int) -> Book:
        rows = [
            Beside(item=item, category=history.categories[item], tonight=1.0, earlier=history.times[item])
            for item in sorted(history.times)
        ]
        book = bet(kept, history, rows, LANGUAGES, night=night, horizon=90)
        assert book is not None
        return book

    one = after(None, items(["EN"], ["math", "stem"]), 1)
    more = items(LANGUAGES, ["coding", "math", "stem"])
    two, anew = after(one.kept(), more, 2), after(None, more, 2)
    gained = dict(zip(two.channels.each, two.wealth.log - anew.wealth.log, strict=True))
    old = dict(zip(one.channels.each, one.wealth.log, strict=True))
    assert set(old) < set(gained)
    for channel, value in gained.items():
        assert value == pytest.approx(np.logaddexp(old.get(channel, -np.inf), 0.0), abs=1e-3)
    # what is in no history any more is still bet on, so nothing is worth more than it was
    assert after(two.kept(), items(["DE"], ["math", "stem"]), 3).channels.each == two.channels.each


def test_an_endpoint_that_routes_between_names_is_no_change_and_another_name_is(tmp_path: Path) -> None:
    world = World(tmp_path)
    assert world.see("n1", judged_by="judge-1,judge-2").verdict == "judge"
    routed = [world.see(f"n{at}", judged_by=name) for at, name in ((2, "judge-1"), (3, "judge-2"), (4, "judge-1"))]
    assert [one.verdict for one in routed] == ["noise"] * 3
    assert world.see("n5", judged_by="judge-3").verdict == "judge"
    asked = ["big-1,big-2", "big-1", "big-2", "big-1,big-2", "big-3"]
    seen = [world.see(f"m{at}", judged_by="judge-3", asked_of=names) for at, names in enumerate(asked)]
    assert [one.verdict for one in seen] == ["model", "noise", "noise", "noise", "model"]


def test_a_baseline_that_is_lost_begins_anew_with_a_remark_and_is_not_blind_for_good(tmp_path: Path) -> None:
    world = World(tmp_path)
    assert world.see("n1", asked_of="big-2", lost=True).verdict == "model"
    second = world.see("n2", asked_of="big-2")
    assert (second.verdict, second.remarks) == (
        "noise",
        ("the store has the baseline of asked no more: it begins anew with this night",),
    )
    third = world.see("n3", asked_of="big-2")
    assert (third.verdict, third.remarks, third.cells[1].evidence is None) == ("noise", (), False)
