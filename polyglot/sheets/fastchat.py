"""Votes in FastChat's schema: {judge, model_a, model_b, question_id, turn, winner}, one JSON object a line.

They name models themselves, so no key is needed: names are a study's cells, or arms that have one cell. Votes that
somebody gave twice on an item are named and kept as they stand, as the published agreement counts them.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from polyglot.core.errors import BadInput
from polyglot.kinds.compare import Outcome
from polyglot.kinds.people import HumanVote
from polyglot.sheets.ratings import BadSheets

FIELDS = ("judge", "model_a", "model_b", "question_id", "turn", "winner")
WINNERS: Mapping[str, Outcome] = {
    "model_a": "first",
    "model_b": "second",
    "tie": "tie",
    "tie (inconsistent)": "tie",
    "tie (bothbad)": "both-bad",
    "both-bad": "both-bad",
}


def is_fastchat(found: object) -> bool:
    """Whether a row is such a vote."""
    return isinstance(found, dict) and {"winner", "model_a", "model_b"} <= found.keys()


def read_fastchat(
    rows: Sequence[tuple[str, object]], *, cells: Mapping[str, str], questions: Collection[str], language: str
) -> list[HumanVote]:
    """The votes, in the file's order; `cells` are by the names that they may have. Raises BadSheets, a line a fault."""
    votes, problems = [], list[str]()
    for where, row in rows:
        try:
            votes.append(_vote(where, row, cells, questions, language))
        except BadInput as error:
            problems.append(str(error))
    if problems:
        raise BadSheets(problems)
    return votes


def repeated(votes: Sequence[HumanVote]) -> list[str]:
    """Who voted more than once on an item, in words."""
    who = Counter((vote.rater, vote.id, vote.turn, *sorted((vote.first, vote.second or ""))) for vote in votes)
    return [
        f"{rater} voted {number} times on question {identity}, turn {turn}, {first} and {second}"
        for (rater, identity, turn, first, second), number in who.items()
        if number > 1
    ]


def _vote(where: str, row: object, cells: Mapping[str, str], questions: Collection[str], language: str) -> HumanVote:
    if not isinstance(row, dict) or not all(name in row for name in FIELDS):
        lacking = ", ".join(name for name in FIELDS if not isinstance(row, dict) or name not in row)
        raise BadInput("not a vote", where=where, expected=f"{', '.join(FIELDS)}; {lacking} lacking")
    names = []
    for side in ("model_a", "model_b"):
        if not isinstance(row[side], str) or row[side] not in cells:
            some = ", ".join(list(cells)[:6])
            raise BadInput(
                "no such model in the study", where=f"{where}: {side}", got=repr(row[side])[:60], expected=some
            )
        names.append(cells[row[side]])
    if names[0] == names[1]:
        raise BadInput("a model beside itself", where=where, got=names[0])
    identity = str(row["question_id"]).removesuffix(f"_{language}")
    if identity not in questions:
        raise BadInput("no such question in the study", where=where, got=repr(row["question_id"])[:60])
    turn = row["turn"]
    if isinstance(turn, bool) or not isinstance(turn, int) or not 1 <= turn <= 100:
        raise BadInput("turn", where=where, got=repr(turn)[:60], expected="1 or more")
    if not isinstance(row["winner"], str) or row["winner"] not in WINNERS:
        raise BadInput("winner", where=where, got=repr(row["winner"])[:60], expected=", ".join(WINNERS))
    judge = row["judge"]
    rater = judge if isinstance(judge, str) else " ".join(map(str, judge)) if isinstance(judge, list) else ""
    if not rater.strip():
        raise BadInput("no name of the rater", where=f"{where}: judge", got=repr(judge)[:60])
    return HumanVote(
        rater=rater.strip()[:80],
        language=language,
        id=identity,
        turn=turn,
        first=names[0],
        second=names[1],
        outcome=WINNERS[row["winner"]],
        score=None,
    )
