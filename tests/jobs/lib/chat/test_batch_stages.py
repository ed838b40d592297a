"""The stages that ask by batches, as they are: a rater and a translation; and a judge built in, which is asked live."""

from pathlib import Path

from tests.kit import judge_small, judge_stage, quality_stage
from tests.kit.batch_server import Answer, BatchServer, Line, answered
from tests.kit.translations import build, row, run, texts

BATCH = {"mode": "batch", "batch_poll_seconds": 0.02, "timeout_seconds": 20}


def test_ratings_of_adequacy_come_by_a_batch(tmp_path: Path) -> None:
    with BatchServer(answer=lambda line: answered("Nothing is lost.\nScore: 93")) as server:
        root = quality_stage.build(tmp_path, 6, settings=BATCH | {"base_url": server.base_url})
        ran = quality_stage.run(root)
    assert ran.volatile["attempts"] == {"reply": 12}
    assert (server.live, [len(batch.lines) for batch in server.batches.values()]) == (0, [12])


def test_a_translation_asks_for_all_of_its_rows_at_once(tmp_path: Path) -> None:
    def swapped(line: Line) -> Answer:
        return answered(line.user.swapcase())

    rows = [row(f"a-{number}", f"Ask {number}", f"Say {number}") for number in range(1200)]
    given = {"engine": "openai", "model": "m-1", "prompt": 1, "max_tokens": 64}
    with BatchServer(answer=swapped) as server:
        root = build(tmp_path, rows, settings=BATCH | {"base_url": server.base_url}, **given)
        run(root)
    assert texts(root)["a-1199"] == ["aSK 1199", "sAY 1199"]
    assert (server.live, [len(batch.lines) for batch in server.batches.values()]) == (0, [2400])


def test_the_built_in_judge_has_no_batches_and_is_asked_live(tmp_path: Path) -> None:
    root = judge_small.stage(tmp_path, "http://127.0.0.1:9/v1", settings=BATCH, endpoint="built-in", model="")
    ran = judge_small.run(root)
    assert ran.volatile["attempts"] == {"reply": 8}
    assert len(judge_stage.verdicts(root, "DE")) == 8
