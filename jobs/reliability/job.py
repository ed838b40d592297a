"""The card of a study's judges, and the results of pairs.

Reads `verdicts:<cell>`, `answers:<cell>`, `questions`, `aggregate` and, where there are any, `comparisons:<pair>`,
`imported:<pair>` (judged by others), `retest` and people's votes; writes reliability.json, pairs.csv and
published_rule.jsonl, and of pairs strengths.csv. Equal inputs give equal bytes. The statistics are described in
docs/statistics.md.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Sized
from itertools import chain

import msgspec

from jobs.lib.context import Context, Input, of_role, rows_of
from jobs.reliability import pairs, single
from jobs.reliability.between import between_judges
from jobs.reliability.figures import by_language
from jobs.reliability.flat import pair_row, strength_rows
from jobs.reliability.imported import Imported, imported_judge, imported_results
from jobs.reliability.noise import judge_noise
from jobs.reliability.pairs import Compared, pair_reliability, pair_results
from jobs.reliability.people import People, people_agreement
from jobs.reliability.reading import Graded, JudgeName, by_judge, categories, graded, judge_of, other_languages
from jobs.reliability.repeats import across_languages, retests
from jobs.reliability.single import single_reliability
from jobs.reliability.strengths import How, strength_tables
from jobs.reliability.suspicious import suspicious
from polyglot.core import records
from polyglot.core.csv_file import write_csv
from polyglot.core.records import UNSET, UnsetType
from polyglot.kinds.aggregate import Scores
from polyglot.kinds.cells import STUDYS_JUDGE
from polyglot.kinds.compare import CompareCard, PairVerdict
from polyglot.kinds.judge import Verdict
from polyglot.kinds.people import HumanVote, read_votes
from polyglot.kinds.reliability import (
    SUSPICIOUS,
    CellPair,
    JudgeReliability,
    Reliability,
    ReliabilityParams,
    RuleDifference,
    Suspicious,
    family_of,
)
from polyglot.kinds.strengths import StrengthTable

MIDDLE = 5.5  # of the scale: what answers nothing, and is given as much, has won
MOST_TOLD = 5  # of such cells; the table has all


def run(context: Context) -> None:
    """Read all verdicts, and say what they are worth."""
    params, inputs = ReliabilityParams.of(context.stage), context.inputs
    category = categories(inputs, params.languages)
    cells, strays = by_judge(params.cells), other_languages(inputs)
    rows = {judge: list(graded(own, inputs, params.languages, strays)) for judge, own in cells.items()}
    compared = list(_compared(params, params.pairs, of_role(inputs, "comparisons")))
    beside = {judge: [row for row in compared if row.judge == judge] for judge in cells}
    others = list(_others(params, inputs))
    differing = {
        judge: (tuple(single.differences(rows[judge])), tuple(pairs.differences(beside[judge]))) for judge in cells
    }
    judges = (
        *(one for judge in cells for one in _cards(params, inputs, judge, rows, beside, category, differing)),
        *(imported_judge(other, params.languages, category, params.level) for other in others),
    )
    votes = [vote for file in params.votes for _, vote in read_votes(context.blob(file.sha256), file.name)]
    people = {judge: _people(params, votes, rows[judge], beside[judge], category) for judge in cells}
    flagged = tuple(row for own in rows.values() for row in suspicious(own))
    figures = (params.languages, category, params.level, params.resamples)
    found = Reliability(
        level=params.level,
        judges=judges,
        results=(
            *pair_results(compared, params.languages, category, params.level),
            *(row for other in others for row in imported_results(other, params.languages, category, params.level)),
        ),
        suspicious=flagged,
        warnings=(*_warnings(params, judges, flagged), *_left_out(people[STUDYS_JUDGE], votes)),
        people=UNSET
        if not params.votes
        else tuple(
            msgspec.structs.replace(row, judge=_named(judge, cells))
            for judge, own in people.items()
            for row in people_agreement(own, *figures)
        ),
        between=tuple(between_judges(rows, beside, *figures)) if len(cells) > 1 else UNSET,
        strengths=tuple(_strengths(params, inputs, compared, others, category)) if compared or others else UNSET,
    )
    (context.out / "reliability.json").write_bytes(records.to_json(found) + b"\n")
    write_csv(context.out / "pairs.csv", map(pair_row, found.results), first=("first", "second", "language"))
    if found.strengths:
        write_csv(context.out / "strengths.csv", chain.from_iterable(map(strength_rows, found.strengths)))
    read_otherwise = chain(*chain(*differing.values()), *(other.differing for other in others))
    otherwise = records.write_lines(context.out / "published_rule.jsonl", read_otherwise)
    context.metrics.update(judges=len(judges), pairs=len(params.pairs), read_otherwise=otherwise)


def _named(judge: str, judges: Sized) -> str | UnsetType:
    """A judge's name, where there are several."""
    return judge if len(judges) > 1 else UNSET


def _compared(params: ReliabilityParams, asked: Sequence[CellPair], sources: Mapping[str, Input]) -> Iterator[Compared]:
    """Every pair of answers; of two arms the one whose cell comes first in the study's order is the first."""
    place = {cell.cell: number for number, cell in enumerate(params.cells)}
    cells = {cell.cell: cell for cell in params.cells}
    for pair in asked:
        first, second = cells[pair.first], cells[pair.second]
        turned = place[pair.first] > place[pair.second]
        arms = (second.arm_key, first.arm_key) if turned else (first.arm_key, second.arm_key)
        for language in params.languages:
            for verdict in rows_of(sources[pair.name], f"comparisons/{language}.jsonl", PairVerdict):
                yield Compared(
                    pair=pair.name,
                    judge=None if first.panel else first.judge or STUDYS_JUDGE,
                    cells=(first.trained, second.trained),
                    arms=arms,
                    turned=turned,
                    verdict=verdict,
                    seed=first.seed if second.seed is None else second.seed,
                )


def _others(params: ReliabilityParams, inputs: Mapping[str, Input]) -> Iterator[Imported]:
    """What was not judged here, by who judged it; it is never counted with what was."""
    sources = of_role(inputs, "imported")
    judges = {pair.name: sources[pair.name].read("card.json", CompareCard).model for pair in params.imported_pairs}
    for judge in dict.fromkeys(judges.values()):
        asked = [pair for pair in params.imported_pairs if judges[pair.name] == judge]
        rows = tuple(_compared(params, asked, sources))
        yield Imported(judge=judge, rows=rows, differing=tuple(pairs.differences(rows)))


def _strengths(
    params: ReliabilityParams,
    inputs: Mapping[str, Input],
    compared: Sequence[Compared],
    others: Sequence[Imported],
    category: Mapping[str, str],
) -> Iterator[StrengthTable]:
    """Of the arms that met, by who judged them: judges of a panel are told apart by their arms."""
    arms = inputs["aggregate"].read("scores.json", Scores).arms
    scores = {(row.arm_key, row.language): row.mean for row in arms}
    how = How(level=params.level, resamples=params.resamples, most_unscored=params.most_unscored)
    yield from strength_tables(compared, params.languages, category, scores, how)
    for other in others:
        for table in strength_tables(other.rows, params.languages, category, scores, how):
            yield msgspec.structs.replace(table, judge=other.judge)


def _cards(
    params: ReliabilityParams,
    inputs: Mapping[str, Input],
    judge: str,
    graded: Mapping[str, Sequence[Graded]],
    compared: Mapping[str, Sequence[Compared]],
    category: Mapping[str, str],
    differing: Mapping[str, tuple[Sequence[RuleDifference], Sequence[RuleDifference]]],
) -> Iterator[JudgeReliability]:
    """What is known of one judge by its verdicts; `graded` and the rest are by judge."""
    names = _served(inputs, {row.of for row in graded[judge]}, {row.pair for row in compared[judge]})
    rows, pairs_of_it = graded[judge], compared[judge]
    again = _retested(params, inputs) if judge == STUDYS_JUDGE else []
    languages, level = params.languages, params.level
    of_one, of_pair = map(by_language, differing[judge])
    repeated = tuple(retests(again, languages, category, level, params.resamples)) if again else ()
    noise = tuple(judge_noise(rows, params.cells, languages, category, repeated))
    for name, served in names.items():
        yield JudgeReliability(
            model=name.model,
            endpoint=name.endpoint,
            served_by=tuple(sorted(served)),
            singles=tuple(single_reliability(rows, languages, category, params.wrong_references, of_one, level)),
            pairs=tuple(pair_reliability(pairs_of_it, languages, category, of_pair, level)),
            retests=repeated,
            across_languages=tuple(across_languages(rows, languages, category, level, params.resamples)),
            name=_named(judge, graded),
            noise=noise or UNSET,
        )


def _served(
    inputs: Mapping[str, Input], cells: Collection[str], compared: Collection[str]
) -> dict[JudgeName, set[str]]:
    """Who judged these cells and pairs, with the names that the endpoint gave."""
    names: dict[JudgeName, set[str]] = {}
    for cell, source in of_role(inputs, "verdicts").items():
        if cell in cells:
            name, given = judge_of(source)
            names.setdefault(name, set()).update(given)
    for pair, source in of_role(inputs, "comparisons").items():
        if pair in compared:
            card = source.read("card.json", CompareCard)
            names.setdefault(JudgeName(model=card.model, endpoint=card.endpoint), set()).update(card.served_by)
    return names


def _retested(params: ReliabilityParams, inputs: Mapping[str, Input]) -> list[Verdict]:
    source = inputs.get("retest")
    if source is None:
        return []
    return [row for one in params.languages for row in rows_of(source, f"verdicts/{one}.jsonl", Verdict)]


def _warnings(
    params: ReliabilityParams, judges: Sequence[JudgeReliability], flagged: Sequence[Suspicious]
) -> Iterator[str]:
    for judge in judges:
        if len(judge.served_by) > 1:
            yield (
                f"{judge.model} was answered by {len(judge.served_by)} models, {', '.join(judge.served_by)}: verdicts "
                "from before and after the change are not of one judge."
            )
        family = family_of(judge.model)
        kin = sorted(name for name, source in params.models.items() if family and family_of(source) == family)
        if kin:
            yield (
                f"The judge {judge.model} is of the same family as {', '.join(kin)} ({family}): judges tend to prefer "
                "their own family's answers."
            )
    yield from _won(flagged)


def _won(flagged: Iterable[Suspicious]) -> Iterator[str]:
    """What answers nothing and is given points all the same, a sentence a cell and kind; most points first."""
    found: dict[tuple[str, str], list[Suspicious]] = {}
    for row in flagged:
        if row.mean is not None and row.mean >= MIDDLE:
            found.setdefault((row.cell, SUSPICIOUS[row.what]), []).append(row)
    told = [
        (sum(row.scored * (row.mean or 0) for row in rows) / sum(row.scored for row in rows), cell, does, rows)
        for (cell, does), rows in found.items()
    ]
    for mean, cell, does, rows in sorted(told, key=lambda one: -one[0])[:MOST_TOLD]:
        turns, languages = sum(row.turns for row in rows), ", ".join(row.language for row in rows)
        yield (
            f"{cell}: {turns} answers that {does} have a mean of {mean:.2f} ({languages}): the judge can be won "
            "without an answer."
        )


def _people(
    params: ReliabilityParams,
    votes: Sequence[HumanVote],
    rows: Sequence[Graded],
    compared: Sequence[Compared],
    category: Mapping[str, str],
) -> People:
    """Votes on the answers that the card is over, with the judge's views of the same."""
    known = {cell.cell for cell in params.cells if not cell.otherwise}
    kept = [
        vote
        for vote in votes
        if {vote.first, vote.second or vote.first} <= known
        and vote.id in category
        and vote.language in params.languages
    ]
    return People.of(kept, rows, [(*row.cells, row.verdict) for row in compared])


def _left_out(people: People, votes: Sequence[HumanVote]) -> Iterator[str]:
    number = len(votes) - len(people.votes)
    if number:
        yield f"{number} of {len(votes)} votes of people are on answers that this card is not over; they are left out."
