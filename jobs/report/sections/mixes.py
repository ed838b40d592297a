"""What each mix holds: rows and tokens by language, what was cut and left out, matches with the benchmark, overlaps."""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from jobs.report.folds import folded
from jobs.report.groups import groups, place_in
from jobs.report.numbers import View, share, whole
from polyglot.kinds.mix import MixCard, MixContamination, PublishedMatch
from polyglot.kinds.report import DataReport, NamedMixCard, Overlap, Report


class Row(NamedTuple):
    """One mix."""

    name: str
    card: MixCard
    cut: str
    matches: str
    published: str


class Mixes(NamedTuple):
    """The table of mixes, and what those of one model and data set share, with its title."""

    languages: tuple[str, ...]
    rows: tuple[Row, ...]
    folded: tuple[Row, ...]
    overlaps: tuple[tuple[str, Overlap], ...]


def show(report: Report | DataReport, view: View | None) -> Mixes | None:
    """Return what the section shows; None without mixes."""
    if not report.mixes:
        return None
    found = {language for entry in report.mixes for language in entry.card.rows}
    draws = Counter(entry.arm for entry in report.mixes)
    one_group, several = len(groups(report)) == 1, len(report.overlaps) > 1
    largest = _largest(report.mixes)
    shown, rest = folded(report.mixes, is_open=lambda entry: entry.name in largest)

    def rows(entries: Iterable[NamedMixCard]) -> tuple[Row, ...]:
        return tuple(_row(entry, _arm(entry, draws[entry.arm]) if one_group else entry.name) for entry in entries)

    return Mixes(
        languages=tuple(sorted(found, key=place_in(report))),
        rows=rows(shown),
        folded=rows(rest),
        overlaps=tuple(
            (f"{overlap.model} on {overlap.dataset}" if several else "", overlap)
            for overlap in report.overlaps
            if len(overlap.mixes) > 1
        ),
    )


def _largest(entries: Iterable[NamedMixCard]) -> set[str]:
    """The names of those that are of the largest size of their form, in their model and data set."""
    found: dict[tuple[str, str], tuple[float, str]] = {}
    for entry in entries:
        form, size = entry.arm.partition("@")[0], float("inf") if entry.card.size is None else entry.card.size
        of = entry.name.partition(entry.arm)[0], form
        if of not in found or size > found[of][0]:
            found[of] = size, entry.name
    return {name for _, name in found.values()}


def _arm(entry: NamedMixCard, draws: int) -> str:
    return entry.arm + (f", draw {entry.draw}" if draws > 1 else "")


def _row(entry: NamedMixCard, name: str) -> Row:
    card = entry.card
    return Row(
        name=name,
        card=card,
        cut=cut_share(card),
        matches=_matches(card.contamination),
        published=_published(card.published),
    )


def cut_share(card: MixCard, language: str | None = None) -> str:
    """The share of a mix's rows, or of one language's, that were cut at max_tokens."""
    names = [language] if language else list(card.rows)
    return share(sum(card.truncated.get(name, 0) for name in names), sum(card.rows.get(name, 0) for name in names))


def _matches(found: MixContamination | None) -> str:
    """How many of a mix's rows match the benchmark, by kind, and how many more do in another language."""
    if found is None:
        return "not checked"
    direct, by_id = sum(found.rows.values()), sum(found.rows_by_id.values())
    if not direct and not by_id:
        return "none"
    by_kind = {"exact": found.exact, "overlap": found.overlap, "near": found.near}
    kinds = ", ".join(f"{kind} {matches.rows}" for kind, matches in by_kind.items() if matches.rows)
    more = f"{whole(by_id)} more by their id in another language" if by_id else ""
    return "; ".join(
        part for part in (f"{whole(direct)} row{'s' * (direct != 1)} ({kinds})" if direct else "", more) if part
    )


def _published(said: PublishedMatch | None) -> str:
    """What a published mix is, in words; "" for any other."""
    if said is None:
        return ""
    form = "a partition" if said.partition else "parallel" if said.parallel else "neither partition nor parallel"
    odd = {
        "unmatched": said.unmatched,
        "ambiguous": said.ambiguous,
        "outside": said.outside,
        "repeats": said.repeats,
    }
    found = ", ".join(f"{lines.count} {name}" for name, lines in odd.items() if lines.count)
    return f"as published: {form}" + (f"; {found}" if found else "")
