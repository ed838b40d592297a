"""The drift job: one night held against those before it, and what of it is the judge's doing, or a model's.

Reads `anchors:<cell>` (tonight's verdicts on old answers), `old:<cell>` (these answers), `answers:<cell>` and
`verdicts:<cell>` (tonight's own), and what the night before left, a blob; writes drift.json and state.json. Nothing is
asked and nothing is drawn: equal inputs give equal bytes. The statistics are described in docs/statistics.md.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from jobs.drift.attribution import Blame, blame, limit
from jobs.drift.bets import in_words
from jobs.drift.items import DIGITS, History
from jobs.drift.judge import (
    AnchorNight,
    category_figures,
    first_names,
    first_scores,
    language_figures,
    names_of,
    see_anchors,
    strangers,
    union,
)
from jobs.drift.models import CellNight, see_cell
from jobs.lib.context import Context
from polyglot.core import records
from polyglot.kinds.answer import AnswerCard
from polyglot.kinds.drift import (
    STATE,
    CellState,
    Drift,
    DriftParams,
    DriftState,
    Finding,
    LanguageDrift,
    NightDrift,
    Then,
    VerdictOfNight,
)

_ORDER: tuple[VerdictOfNight, ...] = ("judge", "model", "serving", "unknown", "noise")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """All of one night."""

    params: DriftParams
    state: DriftState
    anchors: AnchorNight
    cells: Sequence[CellNight]
    told: Blame  # by the evidence alone
    findings: tuple[Finding, ...]

    @property
    def verdict(self) -> VerdictOfNight:
        """One word: what blocks comparisons goes before what does not."""
        return min((one.verdict for one in self.findings), key=_ORDER.index, default="noise")

    @property
    def evidence(self) -> float | None:
        """Against the judge; None where no anchor has a score."""
        return round(self.anchors.book.evidence, DIGITS) if self.anchors.book else None


def run(context: Context) -> None:
    """Look, decide, write."""
    params = DriftParams.of(context.stage)
    state = _state(context, params)
    number = len(state.nights) + 1
    anchors = see_anchors(context, params, state)
    cells = [see_cell(context, params, cell, state.cells.get(cell), night=number) for cell in params.watch.cells]
    names = (*(row.night for row in state.nights), params.night)
    told = _blame(params, anchors, cells)
    findings = tuple(_findings(params, state, anchors, cells, told, names))
    seen = Seen(params=params, state=state, anchors=anchors, cells=cells, told=told, findings=findings)
    last = state.nights[-1] if state.nights else None
    languages = language_figures(anchors, params.languages, {} if last is None or last.fresh else last.ewma)
    history = (*state.nights, _row(seen, languages))
    says = _says(seen)
    (context.out / "drift.json").write_bytes(records.to_json(_document(seen, says, languages, history)) + b"\n")
    (context.out / STATE).write_bytes(records.to_json(_next_state(seen, history)) + b"\n")
    context.metrics.update(verdict=seen.verdict, says=says, evidence=seen.evidence, nights=number)
    context.log.info("%s: %s", seen.verdict, says)


def _state(context: Context, params: DriftParams) -> DriftState:
    """What the night before left; on the first night what the study itself says."""
    watch = params.watch
    if watch.state:
        return records.read(context.blob(watch.state), DriftState)
    served, fingerprints = first_names(context, watch.frozen)
    return DriftState(
        nights=(),
        baseline="",
        baseline_nights=1,
        served_by=served,
        fingerprints=fingerprints,
        items=first_scores(context, params).rows(),
        bets=None,
        cells={cell: _first_cell(context, then) for cell, then in watch.then.items()},
    )


def _first_cell(context: Context, then: Then) -> CellState:
    served, fingerprints = names_of([records.read(context.blob(then.answer_card), AnswerCard)])
    return CellState(then=then, served_by=served, fingerprints=fingerprints, items=(), bets=None)


def _findings(
    params: DriftParams,
    state: DriftState,
    anchors: AnchorNight,
    cells: Sequence[CellNight],
    told: Blame,
    names: Sequence[str],
) -> Sequence[Finding]:
    """All that was found, the digests' first."""
    found = [cell.certain for cell in cells if cell.certain]
    renamed = strangers(anchors.served_by, state.served_by)
    if renamed:
        says = f"the judge's endpoint calls itself {', '.join(anchors.served_by)}, {', '.join(state.served_by)} before"
        found.append(Finding(verdict="judge", since=params.night, says=says))
    if told.judge and anchors.book:
        channel = anchors.book.strongest
        says = in_words(channel, anchors.difference(channel))
        found.append(Finding(verdict="judge", since=names[anchors.book.since - 1], says=says))
    if not anchors.enough:
        says = f"{len(anchors.rows)} of {len(anchors.history.times)} anchors have a score tonight: too few to tell"
        found.append(Finding(verdict="unknown", since=params.night, says=says))
    elif not (renamed or told.judge):
        found += _moved(cells, told, names)
    return found


def _blame(params: DriftParams, anchors: AnchorNight, cells: Sequence[CellNight]) -> Blame:
    """Who is to blame, by the evidence alone."""
    book = anchors.book
    judge = np.array(book.evidence if book else -np.inf)
    weighed = np.array([cell.book.evidence if cell.book else -np.inf for cell in cells])
    there = np.array([book.run_at(cell.book.strongest) if book and cell.book else 0.0 for cell in cells])
    return blame(judge, weighed, there, error=params.error, watched=len(cells))


def _moved(cells: Sequence[CellNight], told: Blame, names: Sequence[str]) -> list[Finding]:
    """Cells whose new answers are scored otherwise, while the judge stands."""
    found = []
    for index, cell in enumerate(cells):
        if cell.book is None or not (told.cells[index] or told.unclear[index]):
            continue
        channel, since = cell.book.strongest, names[cell.book.since - 1]
        moved = "" if cell.difference is None else f" ({cell.difference:+.2f} points tonight)"
        what = "agree less with the earlier ones" if channel.test == "flips" else "moved"
        says = f"the scores of {cell.cell}'s new answers {what}{moved}"
        if told.unclear[index]:
            says += ", and the judge is not above doubt"
            found.append(Finding(verdict="unknown", since=since, says=says))
        elif cell.asked:
            found.append(Finding(verdict="model", since=since, says=f"{says} while the judge stands"))
        else:
            says += " while the judge stands and the weights are the same"
            found.append(Finding(verdict="serving", since=since, says=says))
    return found


def _row(seen: Seen, languages: Sequence[LanguageDrift]) -> NightDrift:
    fresh = seen.verdict == "judge"
    return NightDrift(
        night=seen.params.night,
        verdict=seen.verdict,
        difference={row.language: row.difference for row in languages},
        ewma={row.language: row.ewma for row in languages},
        flips=languages[0].flips,
        evidence=seen.evidence,
        fresh=fresh,
    )


def _document(seen: Seen, says: str, languages: tuple[LanguageDrift, ...], history: tuple[NightDrift, ...]) -> Drift:
    params, state = seen.params, seen.state
    return Drift(
        night=params.night,
        before=params.watch.before,
        baseline=state.baseline,
        baseline_nights=state.baseline_nights,
        verdict=seen.verdict,
        says=says,
        findings=seen.findings,
        anchors=params.watch.anchors,
        served_by=seen.anchors.served_by,
        remarks=tuple(_remarks(seen)),
        evidence=seen.evidence,
        limit=round(limit(params.error), DIGITS),
        cell_limit=round(limit(params.error, max(len(seen.cells), 1)), DIGITS),
        error=params.error,
        horizon=params.horizon,
        languages=languages,
        categories=category_figures(seen.anchors),
        cells=tuple(cell.figures() for cell in seen.cells),
        history=history,
    )


def _next_state(seen: Seen, history: tuple[NightDrift, ...]) -> DriftState:
    """After a change of the judge everything begins with tonight; of a cell that changed, that cell."""
    anchors, state = seen.anchors, seen.state
    fresh = seen.verdict == "judge"
    kept = History() if fresh else anchors.history
    kept.add(anchors.scored)
    changed = {cell.cell for cell in seen.cells if cell.certain} | _blamed(seen)
    return DriftState(
        nights=history,
        baseline=seen.params.night if fresh else state.baseline,
        baseline_nights=1 if fresh else state.baseline_nights + 1,
        served_by=anchors.served_by if fresh and anchors.served_by else union(state.served_by, anchors.served_by),
        fingerprints=anchors.fingerprints or state.fingerprints,
        items=kept.rows(),
        bets=None if fresh else anchors.book.kept() if anchors.book else state.bets,
        cells={cell.cell: cell.kept(fresh=fresh or cell.cell in changed) for cell in seen.cells},
    )


def _remarks(seen: Seen) -> Iterator[str]:
    """What is odd and no finding by itself: other fingerprints, as what serves a model changes without its scores
    changing, and a baseline that is lost.
    """
    sides = [("the judge", seen.state.fingerprints, seen.anchors.fingerprints)]
    sides += [(cell.cell, cell.then.fingerprints, cell.fingerprints) for cell in seen.cells if cell.then]
    for name, before, now in sides:
        if before and now and before != now:
            yield f"the fingerprint of {name} is {', '.join(now)}, {', '.join(before)} before"
    for cell in seen.cells:
        if cell.lost:
            yield f"the store has the baseline of {cell.cell} no more: it begins anew with this night"


def _blamed(seen: Seen) -> set[str]:
    """The cells whose scores raised an alarm."""
    if seen.verdict not in ("model", "serving"):
        return set()
    return {cell.cell for cell, moved in zip(seen.cells, seen.told.cells, strict=True) if moved}


def _says(seen: Seen) -> str:
    """One sentence or a few: what was found, or that nothing was."""
    if not seen.findings:
        row = seen.anchors
        number = len(row.rows)
        return f"nothing but noise: {number} verdicts on the same answers are like the earlier ones"
    said = []
    for finding in sorted(seen.findings, key=lambda one: _ORDER.index(one.verdict)):
        since = f", since {finding.since}" if finding.since != seen.params.night else ""
        said.append(f"{finding.says}{since}")
    text = "; ".join(said)
    if seen.verdict == "judge":
        text += ". The baseline begins anew; nothing is compared across this night"
    return text
