"""What a night is held against: fixed when it begins, by digests, so that nothing done later changes it.

The first night of what is answered and judged is held against the study's own answers and verdicts; a later one against
the state that the last night left whose drift is committed, whatever failed or was missed between, and whatever image,
resources or plan of other stages it was submitted with again. The anchors are two cells of the
study at two levels: the untuned base, else what learnt in the fewest languages, and the largest mix of most languages.
"""

from collections.abc import Sequence

from polyglot.core.errors import Missing
from polyglot.core.stage import PlannedStage
from polyglot.engine.submission import Submission, submission_at, submission_of_night
from polyglot.kinds.aggregate import AggregateParams
from polyglot.kinds.cells import Cell
from polyglot.kinds.drift import STATE, DriftParams, Then, Watch, by_language, environment_of, then_of
from polyglot.kinds.judge import JudgeParams
from polyglot.kinds.registry import kind_of
from polyglot.kinds.reliability import ReliabilityParams
from polyglot.kinds.report import ReportParams
from polyglot.plan.plan import aggregate_of
from polyglot.store.committed import committed, committed_many
from polyglot.store.manifest import Manifest
from polyglot.store.nights import Night, nights
from polyglot.store.store import Store

Chain = tuple[str, tuple[tuple[str, str, str], ...]]  # the backend; cells with the keys of answers and verdicts


def watch_of(store: Store, study: str, path: str) -> Watch | None:
    """What a night of the submission at a path is held against now; None where no anchor is committed yet."""
    submission = submission_at(store, path)
    own: dict[str, Chain | None] = {path: _chain(submission)}
    for night in reversed(nights(store, study)):
        watch = night.watch
        if watch is None:
            continue
        if night.submission not in own:
            own[night.submission] = _chain_at(store, night.submission)
        state = _state_after(store, night) if own[night.submission] == own[path] else None
        if state is not None:
            return Watch(anchors=watch.anchors, cells=watch.cells, frozen=watch.frozen, before=night.name, state=state)
    return first_watch(store, submission.stages)


def _chain(submission: Submission) -> Chain:
    """What nights have in common that are held against each other."""
    _, roles = _watched(submission.stages)
    return submission.backend, tuple((cell, *keys) for cell, keys in sorted(roles.items()))


def _chain_at(store: Store, path: str) -> Chain | None:
    """The same of a night's submission; None where the store has it no more."""
    try:
        return _chain(submission_at(store, path))
    except Missing:
        return None


def drift_key(store: Store, night: Night, report: Manifest | None) -> str | None:
    """The key of a night's drift stage: what its report read; before there is one, what is planned."""
    if report is not None:
        return report.stage.inputs.get("drift")
    if night.watch is None:
        return None
    stages = submission_of_night(store, night).stages
    return next((planned.key for planned in stages if planned.stage.kind == DriftParams.kind), None)


def _state_after(store: Store, night: Night) -> str | None:
    """The digest of the state that a night left; None when it has not come so far."""
    drift = drift_key(store, night, committed(store, ReportParams.kind, night.report))
    manifest = committed(store, DriftParams.kind, drift) if drift else None
    record = manifest.file(STATE) if manifest else None
    return record.sha256 if record else None


def first_watch(store: Store, stages: Sequence[PlannedStage]) -> Watch | None:
    """What a first night is held against: what is committed of the study itself; None without an anchor."""
    by_key = {planned.key: planned for planned in stages}
    cells, roles = _watched(stages)
    done = committed_many(store, [by_key[key].stage for pair in roles.values() for key in pair])
    whole = {key: manifest for key, manifest in done.items() if manifest.file("card.json")}
    then = {
        name: _then(whole[answers], whole[verdicts])
        for name, (answers, verdicts) in roles.items()
        if answers in whole and verdicts in whole
    }
    anchors = tuple(cell.cell for cell in two_levels(cells) if cell.cell in then)
    if not anchors:
        return None
    retested, retest = _retest(store, stages, roles, anchors)
    return Watch(
        anchors=anchors,
        cells=tuple(roles),
        frozen={name: then[name] for name in anchors},
        then=then,
        retested=retested,
        retest=retest,
    )


def anchor_verdicts(stages: Sequence[PlannedStage]) -> list[str]:
    """The keys of the study's own verdicts on what will be its anchors: a night asks as much again."""
    cells, roles = _watched(stages)
    return [roles[cell.cell][1] for cell in two_levels(cells)]


def _watched(stages: Sequence[PlannedStage]) -> tuple[list[Cell], dict[str, tuple[str, str]]]:
    """The cells that are answered and judged here, and the keys of the answers and verdicts of each."""
    by_key = {planned.key: planned for planned in stages}
    aggregate = aggregate_of(stages)
    if aggregate is None:
        return [], {}
    read = aggregate.stage.inputs
    cells = [
        cell
        for cell in AggregateParams.of(aggregate.stage).cells
        if not cell.otherwise
        and by_key[read[f"verdicts:{cell.cell}"]].stage.kind == JudgeParams.kind
        and kind_of(by_key[read[f"answers:{cell.cell}"]].stage.kind).nightly
    ]
    return cells, {cell.cell: (read[f"answers:{cell.cell}"], read[f"verdicts:{cell.cell}"]) for cell in cells}


def two_levels(cells: Sequence[Cell]) -> list[Cell]:
    """The anchors: low, high; one where there is no other."""
    if not cells:
        return []
    mixes = [cell for cell in cells if cell.mix is not None]

    def breadth(cell: Cell) -> tuple[int, bool, float]:
        languages, size = cell.extent
        return languages, not cell.sampled, size

    high = max(mixes, key=breadth) if mixes else cells[-1]
    rest = [cell for cell in cells if cell != high]
    plain = [cell for cell in rest if cell.mix is None and not cell.baseline]
    low = plain[0] if plain else min(rest, key=breadth, default=None)
    return [high] if low is None else [low, high]


def _then(answers: Manifest, verdicts: Manifest) -> Then:
    environment = environment_of(answers.execution, answers.metrics)
    model = answers.inputs.get("model", "")
    return then_of(_digests(answers), _digests(verdicts), model=model, environment=environment)


def _digests(manifest: Manifest) -> dict[str, str]:
    """Of the files, by path."""
    return {record.path: record.sha256 for record in manifest.files}


def _retest(
    store: Store, stages: Sequence[PlannedStage], roles: dict[str, tuple[str, str]], anchors: Sequence[str]
) -> tuple[str, dict[str, str]]:
    """The anchor that the study's retest is of, and the digests of its verdicts; ("", {}) where it has none."""
    by_key = {planned.key: planned for planned in stages}
    card = next((planned for planned in stages if planned.stage.kind == ReliabilityParams.kind), None)
    key = card.stage.inputs.get("retest") if card else None
    manifest = committed(store, JudgeParams.kind, key) if key else None
    if key is None or manifest is None:
        return "", {}
    of = by_key[key].stage.inputs.get("answers")
    cell = next((name for name in anchors if roles[name][0] == of), "")
    return (cell, by_language(_digests(manifest), "verdicts")) if cell else ("", {})
