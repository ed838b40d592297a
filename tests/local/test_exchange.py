"""Files of the field: what a study writes for others gives its report's numbers, and stands beside a study's own cells
when it is read back.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

from polyglot.core import records
from polyglot.core.canonical import sha256_file
from polyglot.kinds.aggregate import ArmKey
from polyglot.kinds.imported import ImportRecord
from polyglot.kinds.report import Report
from polyglot.store.artifact import StoredArtifact
from polyglot.store.committed import committed
from tests.kit.desk import Desk
from tests.kit.judge_server import Call, ScriptedJudge, Step, reply

LANGUAGES = ("EN", "DE", "FR", "IT", "ES")
JUDGE = "gpt-4"
TUNED, UNTUNED = "tiny_house_ENDE_s0", "tiny_untuned"
JUDGED = f"{{endpoint: openai, model: {JUDGE}, max-failed-share: 0.2, pairs: {{against: [untuned]}}}}"

STUDY = {  # enough training for answers that are not all alike
    "models": "{tiny: {built-in: {steps: 20}}}",
    "training": "{steps: 12, learning-rate: 0.01, max-tokens: 256, precision: float32}",
    "answers": "{max-new-tokens: 6, dtype: float32, temperatures: {}}",
    "judge": JUDGED,
}


def verdict(call: Call) -> Step:
    """A judge whose verdicts depend on the prompt alone: of all kinds, and some that are none."""
    prompt = json.dumps(call.body["messages"])
    drawn = int(sha256(prompt.encode()).hexdigest(), 16)
    if drawn % 40 == 0:
        return reply("Hard to say.")
    return reply(f"[[{'ABC'[drawn % 3] if '[[A]]' in prompt else 1 + drawn % 10}]]")


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def show_single(rows: list[dict[str, Any]]) -> dict[str, float]:
    """What FastChat's show_result says of single judgments on average: failures, of score -1, are dropped."""
    scores = defaultdict(list)
    for row in rows:
        if row["score"] != -1:
            scores[row["model"]].append(row["score"])
    return {model: fmean(found) for model, found in scores.items()}


def show_pairs(rows: list[dict[str, Any]]) -> dict[str, Counter[str]]:
    """And of pairs: those with an error are dropped, and orders that name two winners are a tie."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        both = (row["g1_winner"], row["g2_winner"])
        if "error" in both:
            continue
        won = both[0] if both[0] == both[1] else "tie"
        for model in ("model_1", "model_2"):
            found[row[model]]["tie" if won == "tie" else "win" if won == model else "loss"] += 1
    return found


@dataclass(frozen=True)
class Ran:
    """A study after its run, its report, and the folder with what it wrote for others."""

    desk: Desk
    report: Report
    out: Path

    def fetch(self, *arguments: str | Path) -> list[Path]:
        said = self.desk.run("fetch", "one", *arguments, "--to", self.out, "--store", self.desk.url)
        assert said.code == 0, said.err
        return [Path(line) for line in said.out.splitlines()]


def submit(desk: Desk, study: Path) -> Report:
    said = desk.run("submit", study, "--store", desk.url)
    assert said.code == 0, said.err
    return records.read(desk.root / "out" / study.stem / "report.json", Report)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    with pytest.MonkeyPatch.context() as patch, ScriptedJudge(verdict) as server:
        desk = Desk.at(tmp_path_factory.mktemp("ran"), patch)
        patch.setenv("OPENAI_BASE_URL", server.base_url)
        report = submit(desk, desk.one_mix(**STUDY))
        made = Ran(desk, report, desk.root / "theirs")
        for what in ("answers", "verdicts", "comparisons"):
            folders = made.fetch(what, "--as", "fastchat")
            assert folders == [made.out / "data" / f"mt_bench_{language}" for language in LANGUAGES]
        yield made


def means(report: Report, key: ArmKey) -> dict[str, float | None]:
    return {row.language: row.mean for row in report.arms if row.arm_key == key and row.language in LANGUAGES}


def test_a_language_is_a_folder_as_fastchat_has_it(ran: Ran) -> None:
    folder = ran.out / "data" / "mt_bench_DE"
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert found == {
        "question.jsonl",
        f"model_answer/{TUNED}.jsonl",
        f"model_answer/{UNTUNED}.jsonl",
        f"model_judgment/{JUDGE}_single.jsonl",
        f"model_judgment/{JUDGE}_pair.jsonl",
        f"model_judgment/{JUDGE}_votes.json",
        f"reference_answer/{JUDGE}.jsonl",
    }
    questions = lines(folder / "question.jsonl")
    assert len(questions) == 80
    assert all(isinstance(row["question_id"], int) and len(row["turns"]) == 2 for row in questions)
    answers = lines(folder / "model_answer" / f"{TUNED}.jsonl")
    assert [row["question_id"] for row in answers] == [row["question_id"] for row in questions]
    assert {row["model_id"] for row in answers} == {TUNED}
    assert all(len(row["choices"][0]["turns"]) == 2 for row in answers)


@pytest.mark.parametrize("language", LANGUAGES)
def test_single_judgments_give_the_means_of_the_report(ran: Ran, language: str) -> None:
    shown = show_single(lines(ran.out / "data" / f"mt_bench_{language}" / "model_judgment" / f"{JUDGE}_single.jsonl"))
    tuned, untuned = ArmKey("tiny", "house", "ENDE"), ArmKey.untuned("tiny")
    assert set(shown) == {TUNED, UNTUNED}
    assert shown[TUNED] == pytest.approx(means(ran.report, tuned)[language], abs=5e-5)
    assert shown[TUNED] != shown[UNTUNED]
    assert shown[UNTUNED] == pytest.approx(means(ran.report, untuned)[language], abs=5e-5)


@pytest.mark.parametrize("language", LANGUAGES)
def test_pair_judgments_give_the_shares_of_the_report(ran: Ran, language: str) -> None:
    assert ran.report.reliability is not None
    (row,) = [row for row in ran.report.reliability.results if row.language == language]
    shown = show_pairs(lines(ran.out / "data" / f"mt_bench_{language}" / "model_judgment" / f"{JUDGE}_pair.jsonl"))
    first = UNTUNED if row.first.dataset is None else TUNED
    mine = shown[first]
    assert mine.total() == row.wins.of == 160 - row.unscored < 160
    assert min(mine["win"], mine["tie"], mine["loss"]) > 0
    for name, share in (("win", row.wins), ("tie", row.ties), ("loss", row.losses)):
        assert mine[name] / mine.total() == pytest.approx(share.value, abs=5e-5)
    adjusted = (mine["win"] + mine["tie"] / 2) / mine.total()
    assert adjusted == pytest.approx(row.rate.value, abs=5e-5)


def test_votes_are_those_of_the_pairs_that_have_one(ran: Ran) -> None:
    folder = ran.out / "data" / "mt_bench_IT" / "model_judgment"
    pairs, votes = lines(folder / f"{JUDGE}_pair.jsonl"), json.loads((folder / f"{JUDGE}_votes.json").read_text())
    scored = [row for row in pairs if "error" not in (row["g1_winner"], row["g2_winner"])]
    assert 0 < len(votes) == len(scored) < 160
    contradicting = sum(row["g1_winner"] != row["g2_winner"] for row in scored)
    assert sum(vote["winner"] == "tie (inconsistent)" for vote in votes) == contradicting > 0
    assert all(vote["judge"][0] == JUDGE and vote["judge"][1].startswith("pair") for vote in votes)


def test_comparisons_are_annotations_of_alpaca_eval(ran: Ran) -> None:
    files = ran.fetch("comparisons", "--as", "alpaca-eval")
    assert [path.relative_to(ran.out).as_posix() for path in files] == [
        f"alpaca_eval_{language}/annotations.json" for language in LANGUAGES
    ]
    rows = json.loads(files[1].read_text(encoding="utf-8"))
    pairs = lines(ran.out / "data" / "mt_bench_DE" / "model_judgment" / f"{JUDGE}_pair.jsonl")
    by_model = show_pairs(pairs)[rows[0]["generator_2"]]
    preferred = fmean(row["preference"] - 1 for row in rows if row["preference"] is not None)
    assert preferred == pytest.approx((by_model["win"] + by_model["tie"] / 2) / by_model.total())
    answers = lines(ran.out / "data" / "mt_bench_DE" / "model_answer" / f"{rows[0]['generator_1']}.jsonl")
    assert rows[0]["output_1"] == answers[0]["choices"][0]["turns"][0]


def test_nothing_of_others_is_overwritten(ran: Ran) -> None:
    path = ran.out / "data" / "mt_bench_EN" / "model_judgment" / f"{JUDGE}_single.jsonl"
    kept = path.read_bytes()
    assert ran.fetch("verdicts", "--as", "fastchat"), "what is there already stays"
    assert path.read_bytes() == kept
    path.write_text('{"question_id": 1}\n')
    said = ran.desk.run("fetch", "one", "verdicts", "--as", "fastchat", "--to", ran.out, "--store", ran.desk.url)
    assert said.code == 2
    assert "there is something else already" in said.err
    assert path.read_text() == '{"question_id": 1}\n'
    path.write_bytes(kept)


def test_what_has_no_such_form_is_refused(ran: Ran) -> None:
    said = ran.desk.run("fetch", "one", "answers", "--as", "alpaca-eval", "--to", ran.out, "--store", ran.desk.url)
    assert said.code == 2
    assert "got answers as alpaca-eval; expected comparisons" in said.err


@pytest.mark.timeout(900)
def test_what_was_written_stands_beside_a_studys_own_cells_when_it_is_read_back(ran: Ran) -> None:
    desk = ran.desk

    def named(what: str) -> str:
        paths = {language: f"theirs/data/mt_bench_{language}/{what}" for language in LANGUAGES}
        files = (f"{key}: {{path: {path}, sha256: {sha256_file(desk.root / path)}}}" for key, path in paths.items())
        return f"{{{', '.join(files)}}}"

    english = ran.out / "data" / "mt_bench_EN" / "model_judgment" / f"{JUDGE}_single.jsonl"
    rows = lines(english)
    mine = [row for row in rows if row["model"] == TUNED]
    failed, lost = mine[0] | {"score": -1}, mine[1]
    rest = [row for row in rows if row is not mine[0] and row is not lost]
    told = [*rest, rest[0], failed, failed | {"question_id": 9999}]
    english.write_text("".join(json.dumps(row) + "\n" for row in told), encoding="utf-8")

    answers, verdicts = named(f"model_answer/{TUNED}.jsonl"), named(f"model_judgment/{JUDGE}_single.jsonl")
    study = desk.study(
        "beside",
        mixes="[ENDE]",
        benchmark="{built-in: verifiable}",
        **STUDY,
        baselines=f"{{here: {{answers: {answers}}}, theirs: {{model: {TUNED}, answers: {answers}, "
        f"verdicts: {verdicts}}}}}",
    )
    report = submit(desk, study)
    tuned = means(report, ArmKey("tiny", "house", "ENDE"))
    assert tuned == means(ran.report, ArmKey("tiny", "house", "ENDE"))
    assert means(report, ArmKey.baseline("here")) == tuned, "the same answers, judged here"
    theirs = means(report, ArmKey.baseline("theirs"))
    assert {key: value for key, value in theirs.items() if key != "EN"} == {
        key: value for key, value in tuned.items() if key != "EN"
    }
    scored = [row["score"] for row in mine if row is not mine[0] and row is not lost and row["score"] != -1]
    assert theirs["EN"] == pytest.approx(fmean(scored), abs=5e-5)

    (judged,) = [row for row in report.judges if row.cell == "baseline:theirs"]
    assert (judged.model, judged.endpoint) == (JUDGE, "files")
    assert judged.reasons.get("no-verdict", 0) >= 1
    assert judged.reasons["not-in-file"] == 1
    assert report.reliability is not None
    assert [judge.endpoint for judge in report.reliability.judges] == ["openai"], "the card is of the study's judge"
    assert "not judged here: " in report.facts["baseline theirs"]
    assert report.facts["baseline here"].endswith("judged here")
    page = (desk.root / "out/beside/report.html").read_text(encoding="utf-8")
    assert f"baseline:theirs was not judged here: the verdicts are those of {JUDGE}, read from files." in page
    (steps,) = [row.steps for row in report.provenance if row.cell == "baseline:theirs"]
    assert [step.kind for step in steps[:2]] == ["imported", "imported"]

    planned = desk.session(study).plan.find("read-verdicts baseline:theirs")
    manifest = committed(desk.store, "imported", planned.key)
    assert manifest is not None
    record = StoredArtifact(desk.store, manifest, desk.root / "cache").read("import.json", ImportRecord)
    found = record.files["EN"]
    assert (record.judge, found.model, found.sha256) == (JUDGE, TUNED, sha256_file(english))
    assert (found.rows, found.missing, found.unused) == (160, 1, 1)
    assert found.repeats == (1 if rest[0]["model"] == TUNED else 0)
    assert found.failures >= 2
