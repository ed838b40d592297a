"""What the page's tables show: scores by mix and language, categories, mixes, data, judge, provenance."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jobs.report.languages import place_in
from jobs.report.numbers import Metric, share, whole

Row = Mapping[str, Any]
Arm = tuple[str, str | None, str]

PARTS = ("questions", "references", "native_references", "prompts")  # of the benchmark, that have a card
UNTUNED = "untuned"  # the arm that is the base model as it came
GROUP_TITLES = {"all": "All", "in-mix": "In mix", "out-of-mix": "Out of mix"}


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatCell:
    """One field of a heat table. `strength` (0 to 1) is its colour, `own` that the mix has this language."""

    text: str
    detail: str
    strength: float
    own: bool = False
    missing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatRow:
    """One arm's row; `weak` marks too few seeds for a claim about the mix."""

    name: str
    detail: str
    cells: tuple[HeatCell, ...]
    weak: bool
    kind: int  # 0 untuned, 1 monolingual, 2 several languages: the parts of the table


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatTable:
    """A heat table with its column titles; one per model and data set."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[HeatRow, ...]


def arm_key(row: Row) -> Arm:
    """What names an arm within a report."""
    return (row["model"], row["dataset"], row["arm"])


def groups(report: Row) -> list[tuple[str, str | None]]:
    """The (model, data set) pairs with tuned arms, in the report's order; untuned models stand with each of theirs."""
    tuned = [(row["model"], row["dataset"]) for row in report["arms"] if row["dataset"] is not None]
    alone = [(row["model"], None) for row in report["arms"] if row["model"] not in {model for model, _ in tuned}]
    return list(dict.fromkeys([*tuned, *alone]))


def group_title(report: Row, group: tuple[str, str | None]) -> str:
    """A group's name, empty when the report has one group alone."""
    return "" if len(groups(report)) == 1 else " on ".join(part for part in group if part)


def arms_of(report: Row, group: tuple[str, str | None]) -> list[Arm]:
    """The arms of a group, its untuned model first."""
    keys = dict.fromkeys(arm_key(row) for row in report["arms"])
    return [key for key in keys if key[0] == group[0] and key[1] in (None, group[1])]


def score_tables(report: Row, metric: Metric) -> Iterator[HeatTable]:
    """Mixes by languages, and the unweighted mean of the languages."""
    rows = {(*arm_key(row), row["language"]): row for row in report["arms"]}
    languages = report["method"]["languages"]
    members = _members(report)
    for group in groups(report):
        body = []
        for key in arms_of(report, group):
            cells = tuple(
                heat_cell(rows[*key, language], metric, own=language in members[key])
                for language in (*languages, "all")
            )
            body.append(_heat_row(rows[*key, "all"], cells, report["method"]["min_seeds"], members[key]))
        title = group_title(report, group)
        yield HeatTable(title=title, columns=(*languages, GROUP_TITLES["all"]), rows=tuple(body))


def category_tables(report: Row, metric: Metric) -> Iterator[HeatTable]:
    """Mixes by categories and turns, over all languages."""
    columns = [(category, None) for category in report["method"]["categories"]]
    columns += [(None, turn) for turn in sorted({row["turn"] for row in report["breakdown"] if row["turn"]})]
    rows = {(*arm_key(row), row["category"], row["turn"]): row for row in report["breakdown"]}
    members = _members(report)
    for group in groups(report):
        body = []
        for key in arms_of(report, group):
            found = [rows[*key, *column] for column in columns]
            cells = tuple(heat_cell(row, metric) for row in found)
            body.append(_heat_row(found[0], cells, report["method"]["min_seeds"], members[key]))
        titles = tuple(category or f"turn {turn}" for category, turn in columns)
        yield HeatTable(title=group_title(report, group), columns=titles, rows=tuple(body))


def heat_cell(row: Row, metric: Metric, *, own: bool = False) -> HeatCell:
    """One mean with its limits."""
    value = row[metric.mean]
    if value is None:
        return HeatCell(text="n/a", detail="no valid verdict", strength=0.0, own=own, missing=True)
    strength = (value - metric.lowest) / (metric.highest - metric.lowest)
    return HeatCell(text=metric.bare(value), detail=metric.interval(row), strength=round(strength, 3), own=own)


def _members(report: Row) -> dict[Arm, Sequence[str]]:
    """The languages of each arm's mix."""
    return {(cell["model"], cell["dataset"], cell["arm"]): cell["languages"] for cell in report["roster"]}


def _heat_row(row: Row, cells: tuple[HeatCell, ...], min_seeds: int, languages: Sequence[str]) -> HeatRow:
    seeds = row["seeds"]
    tuned = row["dataset"] is not None
    detail = f"{seeds} seed{'' if seeds == 1 else 's'}" if tuned else "as it came"
    kind = min(len(languages), 2)  # untuned, monolingual, several languages
    return HeatRow(name=row["arm"], detail=detail, cells=cells, weak=tuned and seeds < min_seeds, kind=kind)


def mix_rows(report: Row) -> tuple[list[str], list[dict[str, Any]]]:
    """Languages, and for each mix: name, ids, per language rows, loss tokens, their share and the tokens a word; the
    share cut, what was left out, and rows that match the benchmark themselves or by their id.
    """
    cards = [(entry, entry["card"]) for entry in report["mixes"] if entry["card"]]
    languages = sorted({language for _, card in cards for language in card.get("rows", {})}, key=place_in(report))
    rows = []
    draws = Counter(entry["arm"] for entry, _ in cards)
    for entry, card in cards:
        shown = entry["arm"] + (f", draw {entry['draw']}" if draws[entry["arm"]] > 1 else "")
        counted, tokens = card.get("rows", {}), card.get("loss_tokens", card.get("tokens", {}))
        shares, spread = card.get("loss_token_shares", {}), card.get("fertility", {})
        left = {reason: listed["count"] for reason, listed in card.get("left_out", {}).items() if listed["count"]}
        rows.append(
            {
                "name": shown if len(groups(report)) == 1 else entry["name"],
                "ids": whole(card.get("ids")),
                "parts": [
                    {
                        "rows": whole(counted[name]),
                        "tokens": whole(tokens.get(name)),
                        "share": percent(shares.get(name)),
                        "fertility": spread.get(name, {}).get("tokens_per_word"),
                    }
                    if name in counted
                    else None
                    for name in languages
                ],
                "rows": whole(sum(counted.values())),
                "tokens": whole(sum(tokens.values())),
                "cut": cut_share(card),
                "matches": matches(card.get("contamination")),
                "published": published(card.get("published")),
                "left_out": [f"{reason} {whole(count)}" for reason, count in left.items()],
            }
        )
    return languages, rows


def percent(share_of_one: float | None) -> str:
    """A share in percent, "–" when it is not known."""
    return "–" if share_of_one is None else f"{100 * share_of_one:.1f}%"


def matches(found: Row | None) -> str:
    """How many of a mix's rows match the benchmark, by kind, and how many more do in another language."""
    if found is None:
        return "not checked"
    direct, by_id = sum(found.get("rows", {}).values()), sum(found.get("rows_by_id", {}).values())
    if not direct and not by_id:
        return "none"
    kinds = ", ".join(f"{kind} {found[kind]['rows']}" for kind in ("exact", "overlap", "near") if found[kind]["rows"])
    more = f"{whole(by_id)} more by their id in another language" if by_id else ""
    return "; ".join(part for part in (f"{whole(direct)} rows ({kinds})" if direct else "", more) if part)


def published(said: Row | None) -> str:
    """What a published mix is, in words; "" for any other."""
    if said is None:
        return ""
    form = "a partition" if said["partition"] else "parallel" if said["parallel"] else "neither partition nor parallel"
    odd = [f"{said[name]['count']} {name}" for name in ("unmatched", "ambiguous", "outside", "repeats")]
    found = ", ".join(part for part in odd if not part.startswith("0 "))
    return f"as published: {form}" + (f"; {found}" if found else "")


def overlap_tables(report: Row) -> list[dict[str, Any]]:
    """Shared ids and rows of each two mixes of a model and data set; mixes in the report's order."""
    several = len(report.get("overlaps", ())) > 1
    return [
        {
            "title": f"{group['model']} on {group['dataset']}" if several else "",
            "names": group["mixes"],
            "rows": [
                [
                    {"rows": whole(shared), "ids": whole(ids), "own": at == other}
                    for other, (shared, ids) in enumerate(zip(group["rows"][at], group["ids"][at], strict=True))
                ]
                for at in range(len(group["mixes"]))
            ],
        }
        for group in report.get("overlaps", ())
        if len(group["mixes"]) > 1
    ]


def cut_share(card: Row, language: str | None = None) -> str:
    """The share of a mix's rows, or of one language's, that were cut at max_tokens."""
    rows, cut = card.get("rows", {}), card.get("truncated", {})
    names = [language] if language else list(rows)
    return share(sum(cut.get(name, 0) for name in names), sum(rows.get(name, 0) for name in names))


def data_cards(report: Row) -> list[dict[str, Any]]:
    """Data sets, questions, references, judge prompts: counts per language and every defect that was found."""
    entries = [("data set", entry) for entry in report["data"]]
    entries += [(report[what]["name"], report[what]) for what in PARTS if report.get(what)]
    cards = []
    for what, entry in entries:
        card = dict(entry["card"])
        place = place_in(report)
        languages = dict(sorted(card.get("languages", {}).items(), key=lambda item: place(item[0])))
        card["languages"] = languages  # files of canonical JSON have the languages by code
        source = card.get("source", {})
        cards.append(
            {
                "what": what,
                "name": entry["name"],
                "key": entry["key"],
                "licence": card.get("licence"),
                "source": ", ".join(
                    str(source[name]) for name in ("kind", "format", "hub", "revision") if source.get(name)
                ),
                "languages": list(languages),
                "accepted": [whole(found.get("accepted")) for found in languages.values()],
                "rejected": [whole(found.get("rejected", 0)) for found in languages.values()],
                "defects": defects(card),
                "checks": checks(card),
            }
        )
    return cards


def defects(card: Row) -> list[dict[str, Any]]:
    """Flatten a card's findings into rows: name, counts per language, places. What was found nowhere is left out."""
    languages = list(card.get("languages", {}))
    found: dict[str, dict[str, tuple[int, int | None, Sequence[str]]]] = {}
    answers: dict[tuple[str, str], int] = {}  # of findings in instructions and answers, those in answers

    def note(name: str, language: str, count: int, of: int | None, places: Sequence[str]) -> None:
        if count:
            found.setdefault(name, {})[language] = (count, of, places)

    for name, check in card.get("defects", {}).items():
        for language, counted in check["languages"].items():
            note(name, language, counted["count"], counted.get("of"), counted.get("where", []))
            by_role = counted.get("by_role", {})
            if by_role.get("user", {}).get("count"):
                answers[name, language] = by_role.get("assistant", {}).get("count", 0)
    for language, entry in card.get("languages", {}).items():
        for reason, count in entry.get("reasons", {}).items():
            note(f"rejected: {reason}", language, count, None, [])
        for reason, count in entry.get("notes", {}).items():
            note(reason, language, count, None, [])
        if field := entry.get("reference_field"):
            note("reference field filled, of those that have it", language, field["filled"], field["present"], [])
        for name in ("repeated_rows", "ambiguous_instructions"):
            listed = entry.get(name, {"count": 0, "ids": []})
            note(name, language, listed["count"], None, listed["ids"])
        if near := entry.get("near_duplicates"):
            note("near duplicates", language, near["count"], near["of"], [ids[1] for ids in near["clusters"]["ids"]])
        for kind, personal in entry.get("personal", {}).items():
            note(f"personal data: {kind}", language, personal["count"], None, personal["where"])
    for name in ("absent", "rejected"):
        for language, listed in card.get("parallel", {}).get(name, {}).items():
            note(f"ids {name}", language, listed["count"], None, listed["ids"])
    return [
        {
            "name": name.replace("-", " ").replace("_", " "),
            "counts": [_count_of(*by[language][:2]) if language in by else "0" for language in languages],
            "answers": [
                whole(answers[name, language]) if (name, language) in answers else "" for language in languages
            ],
            "places": " · ".join(
                f"{language} {', '.join(map(str, places[:5]))}{' …' if len(places) > 5 else ''}"
                for language in languages
                if language in by and (places := by[language][2])
            ),
        }
        for name, by in found.items()
    ]


def checks(card: Row) -> list[tuple[str, str, bool]]:
    """The card's checks: name, rule, and whether it found anything."""
    languages, rules = card.get("languages", {}).values(), card.get("rules", {})
    more = [
        (f"personal data: {kind}", rule, any(kind in entry.get("personal", {}) for entry in languages))
        for kind, rule in rules.get("personal", {}).items()
    ]
    for name in ("near_duplicates", "ambiguous_instructions"):
        if name in rules:
            hit = any(entry[name]["count"] for entry in languages)
            more.append((name.replace("_", " "), rules[name], hit))
    found = [
        (
            name.replace("-", " ").replace("_", " "),
            check.get("rule", ""),
            any(counted["count"] for counted in check["languages"].values()),
        )
        for name, check in card.get("defects", {}).items()
    ]
    return found + more


def _count_of(count: int, of: int | None) -> str:
    return whole(count) if of is None else f"{whole(count)}/{whole(of)}"


def judge_summary(report: Row) -> dict[str, Any]:
    """Totals over cells: who judged, failed verdicts by reason and by language, tokens, answers cut at the limit."""
    judges = report["judges"]
    languages: dict[str, dict[str, int]] = {}
    reasons: Counter[str] = Counter()
    fallbacks: Counter[str] = Counter()
    for judge in judges:
        for language, counted in judge["languages"].items():
            here = languages.setdefault(language, dict.fromkeys(counted, 0))
            for name, value in counted.items():
                here[name] += value
        reasons.update(judge["reasons"])
        fallbacks.update(judge["fallbacks"])
    cut: dict[str, tuple[int, int]] = {}
    for row in report["cells"]:
        if row["category"] is None and row["turn"] is None:
            before = cut.get(row["language"], (0, 0))
            cut[row["language"]] = (before[0] + row["cut"], before[1] + row["answer_turns"])
    ordered = [language for language in report["method"]["languages"] if language in languages]
    return {
        "models": sorted({f"{judge['model']} ({judge['endpoint'] or 'endpoint not recorded'})" for judge in judges}),
        "reasons": sorted(reasons.items(), key=lambda item: (-item[1], item[0])),
        "fallbacks": sorted(fallbacks.items(), key=lambda item: (-item[1], item[0])),
        "rivals": sum(judge["rivals"] for judge in judges),
        "rows": [
            {
                "language": language,
                "verdicts": whole(languages[language]["verdicts"]),
                "failed": whole(languages[language]["failed"]),
                "failed_share": share(languages[language]["failed"], languages[language]["verdicts"]),
                "cut_share": share(*cut.get(language, (0, 0))),
                "prompt_tokens": whole(languages[language]["prompt_tokens"]),
                "completion_tokens": whole(languages[language]["completion_tokens"]),
            }
            for language in ordered
        ],
    }
