"""From files as they were read to their summary: scores and pairs by file, agreement over all files together."""

from collections.abc import Iterator, Sequence
from itertools import chain

from jobs.judgments.pairs import Voted, orders_in, pairs_in, votes_in
from jobs.judgments.scores import score_agreement, scores_in
from jobs.judgments.strengths import strengths_in
from jobs.judgments.votes import vote_agreement
from jobs.lib.stats.clusters import LEVEL, RESAMPLES
from polyglot.exchange.read import ReadFile
from polyglot.exchange.rows import Exchanged, SingleJudgment
from polyglot.exchange.summary import Summary, SummaryFile


def summarise(
    files: Sequence[ReadFile[Exchanged]], *, people: Sequence[str] = (), resamples: int = RESAMPLES
) -> Summary:
    """Count everything. `people` are patterns of names that are counted together as "human"; see `group_of`."""
    votes = [voted for file in files for voted in votes_in(file)]
    ratings = [one.row for file in files for one in file.rows if isinstance(one.row, SingleJudgment)]
    return Summary(
        level=LEVEL,
        files=tuple(map(_file, files)),
        scores=tuple(chain.from_iterable(scores_in(file, resamples) for file in files)),
        pairs=tuple(chain.from_iterable(pairs_in(file, people) for file in files)),
        orders=tuple(chain.from_iterable(orders_in(file, people) for file in files)),
        strengths=tuple(chain.from_iterable(strengths_in(file, people, resamples) for file in files)),
        votes=tuple(vote_agreement([one.vote for one in votes], people, resamples)),
        score_agreement=tuple(score_agreement(ratings, resamples)),
        told=tuple(_told(files, votes)),
    )


def _file(found: ReadFile[Exchanged]) -> SummaryFile:
    return SummaryFile(
        name=found.name,
        form=found.form,
        rows=len(found.rows),
        repeats=len(found.repeats),
        failures=len(found.failures),
        told=tuple(found.told()),
    )


def _told(files: Sequence[ReadFile[Exchanged]], votes: Sequence[Voted]) -> Iterator[str]:
    """What is in two files: of several languages, or once as a game and once as a vote."""
    first: dict[object, str] = {}
    twice: dict[tuple[str, str], int] = {}
    rated = (
        (file.name, ("rating", *one.row.identity))
        for file in files
        for one in file.rows
        if isinstance(one.row, SingleJudgment)
    )
    for name, identity in chain(rated, ((one.file, (one.vote.judge, one.vote.item)) for one in votes)):
        other = first.setdefault(identity, name)
        if other != name:
            twice[other, name] = twice.get((other, name), 0) + 1
    for (one, other), number in twice.items():
        yield (
            f"{number} judgments of {one} are in {other}, too, and counted twice in agreement: read together files of "
            "one language, and of each judgment one form"
        )
