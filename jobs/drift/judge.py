"""The anchors: the same old answers under tonight's judge, beside what they got since the baseline began."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from jobs.drift.bets import Book, bet
from jobs.drift.items import DIGITS, Beside, History, Item, Scored, beside
from jobs.lib.context import Context, Input, of_role, rows_of
from jobs.lib.stats.exchangeable import ALL, Channel
from polyglot.core import records
from polyglot.core.records import UNSET
from polyglot.kinds.answer import Answer, AnswerCard
from polyglot.kinds.drift import CategoryDrift, DriftParams, DriftState, LanguageDrift, Then
from polyglot.kinds.judge import JudgeCard, Verdict

EWMA = 0.2  # weight of tonight in the moving average that is drawn


@dataclass(frozen=True, slots=True, kw_only=True)
class AnchorNight:
    """What the anchors say tonight."""

    history: History  # of the nights before
    scored: Scored
    rows: list[Beside]
    book: Book | None
    served_by: tuple[str, ...]
    fingerprints: tuple[str, ...]

    @property
    def enough(self) -> bool:
        """Whether at least half of the anchors have a score."""
        return 2 * len(self.rows) >= len(self.history.times) > 0

    def difference(self, channel: Channel) -> float | None:
        """The mean difference where a bet looks."""
        return mean(
            row.difference
            for row in self.rows
            if channel.language in (ALL, row.item.language) and channel.category in ("", row.category)
        )


def see_anchors(context: Context, params: DriftParams, state: DriftState) -> AnchorNight:
    """Read tonight's verdicts on the anchors, and bet."""
    inputs = context.inputs
    told_apart = _once(of_role(inputs, "old"), params.watch.anchors, params.languages)
    scored, cards = Scored(), []
    for cell in params.watch.anchors:
        source = inputs[f"anchors:{cell}"]
        for language in params.languages:
            scored.add(cell, rows_of(source, f"verdicts/{language}.jsonl", Verdict), told_apart.__contains__)
        cards.append(source.read("card.json", JudgeCard))
    history = History.read(row for row in state.items if Item.of(row) in told_apart)
    rows = beside(history, scored)
    number = len(state.nights) + 1
    book = bet(state.bets, history, rows, params.languages, night=number, horizon=params.horizon)
    served, fingerprints = names_of(cards)
    return AnchorNight(
        history=history, scored=scored, rows=rows, book=book, served_by=served, fingerprints=fingerprints
    )


def names_of(cards: Iterable[JudgeCard | AnswerCard]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names and the fingerprints that endpoints gave, sorted."""
    served, fingerprints = set[str](), set[str]()
    for card in cards:
        served.update(card.served_by or ())
        fingerprints.update(card.fingerprints or ())
    return tuple(sorted(served)), tuple(sorted(fingerprints))


def strangers(tonight: Sequence[str], known: Sequence[str]) -> bool:
    """Whether an endpoint gives a name that it has not given since the baseline began: one may route between some."""
    return bool(known) and not set(tonight) <= set(known)


def union(known: Sequence[str], tonight: Sequence[str]) -> tuple[str, ...]:
    """All names since the baseline began, sorted."""
    return tuple(sorted({*known, *tonight}))


def _once(old: Mapping[str, Input], anchors: Sequence[str], languages: Sequence[str]) -> set[Item]:
    """The items that are asked apart: of equal answers to one question the judge is asked once, and says one thing."""
    asked: dict[tuple[str, str, tuple[str, ...]], Item] = {}
    for cell in anchors:
        for language in languages:
            for answer in rows_of(old[cell], f"answers/{language}.jsonl", Answer):
                texts = tuple(turn.text for turn in answer.turns)
                for turn in range(1, len(texts) + 1):
                    item = Item(cell, language, answer.id, answer.sample, turn)
                    asked.setdefault((language, answer.id, texts[:turn]), item)
    return set(asked.values())


def first_scores(context: Context, params: DriftParams) -> History:
    """What the study's own judging gave the anchors: its verdicts, and those of its retest but the first of each."""
    history = History()
    for cell, then in params.watch.frozen.items():
        night = Scored()
        for digest in then.verdicts.values():
            night.add(cell, records.read_lines(context.blob(digest), Verdict))
        history.add(night)
    again: dict[int, Scored] = {}
    for digest in params.watch.retest.values():
        for verdict in records.read_lines(context.blob(digest), Verdict):
            if verdict.repeat is not UNSET and verdict.repeat > 0:  # the first may be the verdict itself, taken over
                again.setdefault(verdict.repeat, Scored()).add(params.watch.retested, [verdict])
    for night in again.values():
        history.add(night)
    return history


def first_names(context: Context, frozen: Mapping[str, Then]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names and fingerprints that the judge's endpoint gave of itself when the study was judged."""
    return names_of(records.read(context.blob(then.judge_card), JudgeCard) for then in frozen.values())


def language_figures(
    night: AnchorNight, languages: Sequence[str], before: Mapping[str, float | None]
) -> tuple[LanguageDrift, ...]:
    """A row for all languages, then one for each. `before`: the moving averages of the night before."""
    found = []
    for language in (ALL, *languages):
        here = [row for row in night.rows if language in (ALL, row.item.language)]
        asked = sum(language in (ALL, item.language) for item in night.scored.categories)
        given = sum(language in (ALL, item.language) for item in night.scored.scores)
        difference = mean(row.difference for row in here)
        last = before.get(language) or 0.0
        found.append(
            LanguageDrift(
                language=language,
                verdicts=len(here),
                failed=asked - given,
                mean=mean(row.tonight for row in here),
                difference=difference,
                flips=mean(row.flips for row in here),
                flips_before=mean(share for row in here if (share := row.flips_before) is not None),
                ewma=last if difference is None else round(EWMA * difference + (1 - EWMA) * last, DIGITS),
            )
        )
    return tuple(found)


def category_figures(night: AnchorNight) -> tuple[CategoryDrift, ...]:
    """A row for each category."""
    return tuple(
        CategoryDrift(
            category=category,
            verdicts=sum(row.category == category for row in night.rows),
            difference=mean(row.difference for row in night.rows if row.category == category),
        )
        for category in sorted({row.category for row in night.rows})
    )


def mean(values: Iterable[float]) -> float | None:
    """The mean, rounded as records are; None of nothing."""
    found = list(values)
    return round(fmean(found), DIGITS) if found else None
