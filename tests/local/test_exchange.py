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

import msgspec
import pytest

from polyglot.core import records
from polyglot.core.canonical import sha256_file
from polyglot.exchange.summary import Summary
from polyglot.kinds.cells import ArmKey
from polyglot.kinds.imported import ImportRecord
from polyglot.kinds.people import read_votes
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


@pytest.fixture
def english(ran: Ran) -> Iterator[Path]:
    """The English verdicts that were written; what a test makes of them is gone after it."""
    path = ran.out / "data" / "mt_bench_EN" / "model_judgment" / f"{JUDGE}_single.jsonl"
    before = path.read_bytes()
    yield path
    path.write_bytes(before)


@pytest.mark.timeout(900)
def test_what_was_written_stands_beside_a_studys_own_cells_when_it_is_read_back(ran: Ran, english: Path) -> None:
    desk = ran.desk
    rows = lines(english)
    mine = [row for row in rows if row["model"] == TUNED]
    failed, lost = mine[0] | {"score": -1}, mine[1]
    rest = [row for row in rows if row is not mine[0] and row is not lost]
    told = [*rest, rest[0], failed, failed | {"question_id": 9999}]
    english.write_text("".join(json.dumps(row) + "\n" for row in told), encoding="utf-8")

    answers, verdicts = (
        named(desk, what) for what in (f"model_answer/{TUNED}.jsonl", f"model_judgment/{JUDGE}_single.jsonl")
    )
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


def named(desk: Desk, what: str) -> str:
    """A file for each language, pinned, as a study names it."""
    paths = {language: f"theirs/data/mt_bench_{language}/{what}" for language in LANGUAGES}
    files = (f"{key}: {{path: {path}, sha256: {sha256_file(desk.root / path)}}}" for key, path in paths.items())
    return f"{{{', '.join(files)}}}"


@pytest.fixture(scope="module")
def compared(ran: Ran) -> Path:
    """A study of two models whose answers were read, and pairs of them: a row is there twice, another is strange."""
    desk = ran.desk
    english = ran.out / "data" / "mt_bench_EN" / "model_judgment" / f"{JUDGE}_pair.jsonl"
    rows, copy = lines(english), desk.root / "pairs-EN.jsonl"
    swapped = rows[0] | {"model_1": rows[0]["model_2"], "model_2": rows[0]["model_1"]}
    copy.write_text("".join(json.dumps(row) + "\n" for row in (*rows, swapped, rows[1] | {"question_id": 9999})))
    baselines = ", ".join(
        f"{name}: {{model: {model}, answers: {named(desk, f'model_answer/{model}.jsonl')}}}"
        for name, model in (("tuned", TUNED), ("plain", UNTUNED))
    )
    pairs = named(desk, f"model_judgment/{JUDGE}_pair.jsonl")
    where = f"theirs/data/mt_bench_EN/model_judgment/{JUDGE}_pair.jsonl"
    pairs = pairs.replace(f"{where}, sha256: {sha256_file(english)}", f"pairs-EN.jsonl, sha256: {sha256_file(copy)}")
    return desk.study(
        "compared",
        mixes="[ENDE]",
        benchmark="{built-in: verifiable}",
        **STUDY | {"judge": "{endpoint: built-in}"},
        baselines=f"{{{baselines}}}",
        imported_pairs=f"{{gpt: {{files: {pairs}}}}}",
    )


@pytest.mark.timeout(900)
def test_pairs_of_others_stand_in_the_tables_under_their_judge_and_not_under_the_studys(
    compared: Path, ran: Ran
) -> None:
    desk = ran.desk
    report = submit(desk, compared)
    assert report.reliability is not None
    assert ran.report.reliability is not None
    theirs = {row.language: row for row in report.reliability.results}
    ours = {row.language: row for row in ran.report.reliability.results}
    assert {row.judge for row in theirs.values()} == {JUDGE}
    for language in ("DE", "FR", "IT", "ES"):
        mine, other = ours[language], theirs[language]
        turned = (mine.first.dataset is None) == (other.first == ArmKey.baseline("tuned"))
        assert (other.wins, other.losses) == ((mine.losses, mine.wins) if turned else (mine.wins, mine.losses))
        assert (other.ties, other.inconsistent, other.unscored) == (mine.ties, mine.inconsistent, mine.unscored)
    cards = {judge.model: judge for judge in report.reliability.judges}
    assert set(cards) == {"polyglot-rules", JUDGE}
    assert (cards["polyglot-rules"].pairs, cards[JUDGE].singles, cards[JUDGE].endpoint) == ((), (), "files")
    measured = {row.language: row for row in ran.report.reliability.judges[0].pairs}
    found = {row.language: row for row in cards[JUDGE].pairs}
    assert (found["DE"].inconsistent, found["DE"].planned) == (measured["DE"].inconsistent, measured["DE"].planned)
    page = (desk.root / "out/compared/report.html").read_text(encoding="utf-8")
    assert "not compared here: the verdicts on pairs are those of gpt-4, read from files" in page
    assert "Not judged here: by gpt-4, read from files" in page
    assert "gpt-4, not judged here: read from files" in page
    assert report.facts["pairs by gpt"].endswith("not judged here")

    planned = desk.session(compared).plan.find("read-pairs baseline:tuned | baseline:plain by gpt")
    manifest = committed(desk.store, "imported", planned.key)
    assert manifest is not None
    record = StoredArtifact(desk.store, manifest, desk.root / "cache").read("import.json", ImportRecord)
    file = record.files["EN"]
    assert (record.what, record.judge, set(file.model.split(" and "))) == ("pairs", JUDGE, {TUNED, UNTUNED})
    assert (file.rows, file.repeats, file.missing, file.unused) == (162, 1, 0, 1)

    said = desk.run("fetch", "compared", "comparisons", "--as", "fastchat", "--to", "again", "--store", desk.url)
    assert said.code == 0, said.err
    again = lines(Path("again/data/mt_bench_DE/model_judgment") / f"{JUDGE}_pair.jsonl")
    assert len(again) == 160


def test_votes_of_people_name_answers_of_others_as_their_files_do(compared: Path, ran: Ran) -> None:
    named = {"judge": "expert_1", "model_a": UNTUNED, "model_b": TUNED, "question_id": 81, "turn": 1}
    (ran.desk.root / "votes.jsonl").write_text(json.dumps(named | {"winner": "model_a"}))
    said = ran.desk.run("sheet", "import", compared, "votes.jsonl", "--language", "DE", "--store", ran.desk.url)
    assert said.code == 0, said.err
    ((_, vote),) = read_votes(Path(said.out.splitlines()[0]), "votes")
    assert (vote.first, vote.second, vote.outcome) == ("baseline:plain", "baseline:tuned", "first")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_verb_that_reads_files_alone_gives_the_reports_numbers(ran: Ran, language: str) -> None:
    folder = ran.out / "data" / f"mt_bench_{language}" / "model_judgment"
    files = [folder / f"{JUDGE}_{what}.jsonl" for what in ("single", "pair")]
    said = ran.desk.run("judgments", *files, "-o", "json")
    assert said.code == 0, said.err
    found = msgspec.json.decode(said.out, type=Summary)
    assert [(file.form, file.rows, file.repeats) for file in found.files] == [("single", 320, 0), ("pairs", 160, 0)]
    scores = {row.model: row.mean.value for row in found.scores if row.turn is None}
    for model, key in ((TUNED, ArmKey("tiny", "house", "ENDE")), (UNTUNED, ArmKey.untuned("tiny"))):
        assert scores[model] == pytest.approx(means(ran.report, key)[language], abs=5e-5)
    assert ran.report.reliability is not None
    (result,) = [row for row in ran.report.reliability.results if row.language == language]
    (first,) = [row for row in found.pairs if row.model == (TUNED if result.first.dataset else UNTUNED)]
    assert (first.rate.of, first.failed) == (result.rate.of, result.unscored)
    assert first.rate.share.value == pytest.approx(result.rate.value, abs=5e-5)
    (card,) = [row for row in ran.report.reliability.judges[0].pairs if row.language == language]
    (order,) = found.orders
    assert order.inconsistent is not None
    assert order.first is not None
    assert order.inconsistent.share.value == pytest.approx(card.inconsistent.value, abs=5e-5)
    assert order.first.share.value == pytest.approx(card.first_slot.value, abs=5e-5)
    assert (order.failed, found.votes, found.told) == (card.planned - card.parsed, (), ())
