"""How trainings went, by step, beside the loss: gradient norms, learning rates, and losses on rows held back."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from markupsafe import Markup

from jobs.report.plots.lines import Line, draw_lines, points_of, thin_out
from jobs.report.plots.scale import linear
from polyglot.kinds.aggregate import RosterCell
from polyglot.kinds.train import TrainingRecord, ValidationStep

ArmRuns = Mapping[str, Sequence[tuple[RosterCell, TrainingRecord]]]  # by the panel's name
_HELD_BACK_HEIGHT = 120
_RIGHT = 88.0  # per cent: what is to the right of it is the lines' names


class Curve(NamedTuple):
    """One panel; `left` and `right` stand below it."""

    name: str
    plot: Markup
    left: str
    right: str


class Curves(NamedTuple):
    """All panels; those of norms share one axis from 0 to `norm_top`, those of rows held back one of their own."""

    norms: tuple[Curve, ...]
    norm_top: str
    rates: tuple[Curve, ...]
    held_back: tuple[Curve, ...]


def curves(arms: ArmRuns) -> Curves:
    """What is shown of the runs of some arms."""
    norms, top = _norms(arms)
    return Curves(norms=norms, norm_top=top, rates=tuple(_rates(arms)), held_back=tuple(_held_back(arms)))


def _norms(arms: ArmRuns) -> tuple[tuple[Curve, ...], str]:
    """Panels of the gradients' norms, and the height of their axis; runs that kept none are left out."""
    kept = {
        name: [
            [norm for norm in record.gradient_norm if norm is not None] for _, record in runs if record.gradient_norm
        ]
        for name, runs in arms.items()
    }
    most = points_of(len(kept))
    lines = {name: [thin_out(norms, most) for norms in all_norms if norms] for name, all_norms in kept.items()}
    values = [value for corners in lines.values() for line in corners for _, value in line]
    if not values:
        return (), ""
    scale = linear([0.0, max(values)], ticks=3)
    panels = []
    for name, corners in lines.items():
        if corners:
            highest = max(norm for norms in kept[name] for norm in norms)
            said = f"Gradient norm of {name}: {len(corners)} runs, {highest:.3g} at the highest"
            drawn = [Line(corners=line, tone=f"tone{index % 3}") for index, line in enumerate(corners)]
            plot = draw_lines(scale, drawn, said, height=64)
            panels.append(Curve(name=name, plot=plot, left=_steps(arms[name][0][1]), right=f"up to {highest:.3g}"))
    return tuple(panels), scale.label(scale.high)


def _rates(arms: ArmRuns) -> Iterator[Curve]:
    """A panel for each schedule, named by those that follow it."""
    by_schedule: dict[tuple[float, ...], list[str]] = {}
    for name, runs in arms.items():
        for schedule in dict.fromkeys(record.learning_rate for _, record in runs):
            by_schedule.setdefault(schedule, []).append(name)
    for schedule, names in by_schedule.items():
        called = "all" if len(by_schedule) == 1 and len(names) > 1 else ", ".join(names)
        scale = linear([0.0, max(schedule)], ticks=3)
        said = f"Learning rate of {called}: {max(schedule):.3g} at the highest"
        plot = draw_lines(scale, [Line(corners=thin_out(schedule))], said, height=64)
        yield Curve(name=called, plot=plot, left=f"{len(schedule)} steps", right=f"up to {max(schedule):.3g}")


def _held_back(arms: ArmRuns) -> Iterator[Curve]:
    """Losses by language, the mean of the runs, where they were taken more than once."""
    found = {name: _by_language(runs) for name, runs in arms.items()}
    several = {name: lines for name, lines in found.items() if any(len(line) > 1 for line in lines.values())}
    values = [value for lines in several.values() for line in lines.values() for _, value in line]
    if not values:
        return
    scale = linear(values, ticks=3)
    for name, lines in several.items():
        own = arms[name][0][0].languages
        last = max(step for line in lines.values() for step, _ in line)
        first = min(step for line in lines.values() for step, _ in line)
        ends = _apart({language: 100 - scale.at(line[-1][1]) for language, line in lines.items()})
        drawn = [
            Line(
                corners=[(round(_RIGHT * (step - first) / max(last - first, 1), 2), value) for step, value in line],
                tone="in" if language in own else "out",
                name=language,
                name_at=ends[language],
            )
            for language, line in lines.items()
        ]
        said = f"Loss on rows held back of {name} after {first} to {last} steps: "
        said += ", ".join(f"{language} {line[0][1]:.2f} to {line[-1][1]:.2f}" for language, line in lines.items())
        plot = draw_lines(scale, drawn, said, height=_HELD_BACK_HEIGHT, labels=True)
        yield Curve(name=name, plot=plot, left=f"after {first} steps", right=f"{last} steps")


def _by_language(runs: Sequence[tuple[RosterCell, TrainingRecord]]) -> Mapping[str, list[tuple[int, float]]]:
    """(step, mean loss of the runs) by language."""
    losses: dict[str, dict[int, list[float]]] = {}
    for _, record in runs:
        validation: Sequence[ValidationStep] = record.validation or ()
        for taken in validation:
            for language, one in taken.languages.items():
                if one.loss is not None:
                    losses.setdefault(language, {}).setdefault(taken.step, []).append(one.loss)
    return {
        language: [(step, sum(values) / len(values)) for step, values in sorted(steps.items())]
        for language, steps in sorted(losses.items())
    }


def _apart(places: Mapping[str, float], *, least: float = 100 * 13 / _HELD_BACK_HEIGHT) -> Mapping[str, float]:
    """Heights in per cent for names, each as near to its line's end as its neighbours allow."""
    ordered = sorted(places, key=lambda name: places[name])
    found: dict[str, float] = {}
    lowest = -least
    for name in ordered:
        lowest = found[name] = max(places[name], lowest + least)
    over = max(found.values()) - 100
    for name in reversed(ordered) if over > 0 else ():
        found[name] = min(found[name], 100 - least * (len(ordered) - 1 - ordered.index(name)))
    return {name: round(height, 2) for name, height in found.items()}


def _steps(record: TrainingRecord) -> str:
    return f"{record.steps} steps"
