"""How what was run again stands to what was committed, and what is no error."""

from polyglot.core.stage import PlannedStage, Stage
from polyglot.provenance.reproduction import Outcome, compare
from polyglot.store.manifest import FileRecord, Manifest


def planned(kind: str, *inputs: PlannedStage) -> PlannedStage:
    read = {one.stage.kind: one.key for one in inputs}
    return PlannedStage(stage=Stage(kind=kind, version=1, params={}, inputs=read), label=kind)


ANSWERS = planned("answer")
VERDICTS = planned("judge", ANSWERS)
TABLES = planned("aggregate", VERDICTS)
PAGE = planned("report", TABLES, ANSWERS)
STAGES = (ANSWERS, VERDICTS, TABLES, PAGE)


def committed(differing: set[str], git: str = "a", **execution: object) -> dict[str, Manifest]:
    """Results of all stages; those of some kinds have another content."""
    found: dict[str, Manifest] = {}
    for one in STAGES:
        content = ("b" if one.stage.kind in differing else "a") * 64
        inputs = {role: found[key].result for role, key in one.stage.inputs.items()}
        files = (FileRecord(path="x.json", sha256=content, bytes=1),)
        found[one.key] = Manifest(
            stage=one.stage, inputs=inputs, files=files, execution=execution, provenance={"git": git}
        )
    return found


def outcomes(
    now: dict[str, Manifest], *, asked: frozenset[str] = frozenset(), taken: frozenset[str] = frozenset()
) -> list[Outcome]:
    return [row.outcome for row in compare(STAGES, committed(set()), now, taken=taken, asked=asked)]


def test_what_follows_from_an_error_is_told_from_the_error() -> None:
    found = outcomes(committed({"answer", "judge", "aggregate", "report"}))
    assert found == [Outcome.DIFFERENT, Outcome.FOLLOWS, Outcome.FOLLOWS, Outcome.FOLLOWS]


def test_another_reply_is_no_error_and_nor_is_what_differs_by_it_alone() -> None:
    asked = frozenset({VERDICTS.key})
    found = outcomes(committed({"judge", "aggregate", "report"}), asked=asked)
    assert found == [Outcome.EQUAL, Outcome.ASKED, Outcome.ASKED, Outcome.ASKED]
    found = outcomes(committed({"answer", "judge", "aggregate", "report"}), asked=asked)
    assert found == [Outcome.DIFFERENT, Outcome.FOLLOWS, Outcome.FOLLOWS, Outcome.FOLLOWS]


def test_another_environment_explains_other_bytes() -> None:
    assert outcomes(committed({"report"}, torch="9"))[-1] is Outcome.ELSEWHERE
    assert outcomes(committed(set(), torch="9")) == [Outcome.EQUAL] * 4
    assert outcomes(committed({"report"}, git="b"))[-1] is Outcome.ELSEWHERE  # so does another revision of the program


def test_what_was_taken_or_not_asked_is_said_to_be() -> None:
    now = committed(set())
    del now[VERDICTS.key]
    assert outcomes(now, taken=frozenset({ANSWERS.key}))[:2] == [Outcome.TAKEN, Outcome.NOT_ASKED]
