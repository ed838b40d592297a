"""What each mix holds: rows and tokens by language, what was cut and left out, matches with the benchmark, overlaps."""

from collections import Counter
from dataclasses import dataclass

from jobs.report.groups import groups, place_in
from jobs.report.numbers import share, whole
from jobs.report.view import View
from polyglot.kinds.mix import MixCard, MixContamination, PublishedMatch
from polyglot.kinds.report import DataReport, NamedMixCard, Report


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One language of a mix."""

    rows: str
    tokens: str
    share: str
    fertility: float | None  # tokens a word


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One mix; `parts` has None for languages that it lacks."""

    name: str
    ids: str
    parts: tuple[Part | None, ...]
    rows: str
    tokens: str
    cut: str
    matches: str
    published: str
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What two mixes share."""

    rows: str
    ids: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OverlapTable:
    """Every two mixes of one model and data set, in the report's order."""

    title: str
    names: tuple[str, ...]
    rows: tuple[tuple[Shared, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mixes:
    """The table of mixes, and what they share."""

    languages: tuple[str, ...]
    rows: tuple[Row, ...]
    overlaps: tuple[OverlapTable, ...]


def show(report: Report | DataReport, view: View | None) -> Mixes | None:
    """Return what the section shows; None without mixes."""
    if not report.mixes:
        return None
    found = {language for entry in report.mixes for language in entry.card.rows}
    languages = tuple(sorted(found, key=place_in(report)))
    draws = Counter(entry.arm for entry in report.mixes)
    one_group = len(groups(report)) == 1
    return Mixes(
        languages=languages,
        rows=tuple(
            _row(entry, languages, _arm(entry, draws[entry.arm]) if one_group else entry.name) for entry in report.mixes
        ),
        overlaps=_overlaps(report),
    )


def _arm(entry: NamedMixCard, draws: int) -> str:
    return entry.arm + (f", draw {entry.draw}" if draws > 1 else "")


def _row(entry: NamedMixCard, languages: tuple[str, ...], name: str) -> Row:
    card = entry.card
    left = {reason: listed.count for reason, listed in card.left_out.items() if listed.count}
    return Row(
        name=name,
        ids=whole(card.ids),
        parts=tuple(_part(card, language) if language in card.rows else None for language in languages),
        rows=whole(sum(card.rows.values())),
        tokens=whole(sum(card.loss_tokens.values())),
        cut=cut_share(card),
        matches=_matches(card.contamination),
        published=_published(card.published),
        left_out=tuple(f"{reason} {whole(count)}" for reason, count in left.items()),
    )


def _part(card: MixCard, language: str) -> Part:
    part = card.loss_token_shares.get(language)
    return Part(
        rows=whole(card.rows[language]),
        tokens=whole(card.loss_tokens.get(language)),
        share="–" if part is None else f"{100 * part:.1f}%",
        fertility=card.fertility[language].tokens_per_word if language in card.fertility else None,
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
    return "; ".join(part for part in (f"{whole(direct)} rows ({kinds})" if direct else "", more) if part)


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


def _overlaps(report: Report | DataReport) -> tuple[OverlapTable, ...]:
    several = len(report.overlaps) > 1
    return tuple(
        OverlapTable(
            title=f"{overlap.model} on {overlap.dataset}" if several else "",
            names=overlap.mixes,
            rows=tuple(
                tuple(Shared(rows=whole(rows), ids=whole(ids)) for rows, ids in zip(*both, strict=True))
                for both in zip(overlap.rows, overlap.ids, strict=True)
            ),
        )
        for overlap in report.overlaps
        if len(overlap.mixes) > 1
    )
