"""Sheets of answers, out and back: `polyglot sheet` for what models say."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from polyglot.cli.answer_rows import cells_by_name, tables_of
from polyglot.cli.output import say
from polyglot.cli.view import View
from polyglot.core.canonical import sha256_bytes
from polyglot.core.errors import BadInput
from polyglot.core.records import line
from polyglot.kinds.people import HumanVote
from polyglot.sheets.answers import Drawing, draw_answers
from polyglot.sheets.answers_page import as_items, as_page
from polyglot.sheets.fastchat import is_fastchat, read_fastchat, repeated
from polyglot.sheets.others import form_of, read_others
from polyglot.sheets.power import said
from polyglot.sheets.store import all_votes, keep_key, keep_plain_votes, keep_votes, read_key
from polyglot.sheets.votes import Marked, load_json, read_ours, unblind

_MOST_REPEATS = 5  # that are told one by one


def export_answers(
    view: View,
    out: Path,
    pairs: Sequence[str],
    single: Sequence[str],
    languages: Sequence[str],
    drawing: Drawing,
) -> None:
    """Draw, keep the keys, write a page and its items for each rater and language, and say what they can show."""
    with tables_of(view) as tables:
        strange = [one for one in languages if one not in tables.languages]
        if strange:
            expected = "one of " + ", ".join(tables.languages)
            raise BadInput("no such language in the study", where="--language", got=strange[0], expected=expected)
        asked = [one for one in tables.languages if one in languages or not languages]
        groups = tables.groups(pairs, single)
        sheets = draw_answers(groups, tables.questions(asked), tables.texts, drawing)
    out.mkdir(parents=True, exist_ok=True)
    for sheet in sheets:
        keep_key(view.store, view.plan.study, sheet)
        for suffix, text in (("html", as_page(sheet)), ("jsonl", "".join(f"{row}\n" for row in as_items(sheet)))):
            path = out / f"answers-{sheet.language}-rater-{sheet.rater}-{sheet.id}.{suffix}"
            path.write_bytes(text.encode())
            print(path)
    say(f"{len(sheets)} sheets of {len(sheets[0].items)} items; whose answers they are is kept in {view.store.url}")
    if sheets[0].what == "pairs":
        say(f"of two arms in one language: {said(drawing.rows)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """Votes that were read and nowhere kept yet."""

    sheets: tuple[tuple[Marked, tuple[HumanVote, ...]], ...]
    plain: tuple[tuple[HumanVote, ...], ...]

    @classmethod
    def read(cls, view: View, files: Sequence[Path], language: str | None, problems: list[str]) -> "Incoming":
        """Read files of any of the forms; a line of `problems` for each fault."""
        sheets, plain = list[tuple[Marked, tuple[HumanVote, ...]]](), list[tuple[HumanVote, ...]]()
        for path in files:
            try:
                _, rows = load_json(path)
                listed = _listed(rows)
                if any(is_fastchat(found) for _, found in listed):
                    plain.append(tuple(_fastchat(view, path, listed, language)))
                    continue
                others = any(form_of(found) for _, found in listed)
                for marked in read_others(path, listed) if others else [read_ours(path, rows[0][1])]:
                    key = read_key(view.store, view.plan.study, marked)
                    sheets.append((marked, tuple(unblind(marked, key))))
            except BadInput as error:
                problems += str(error).splitlines()
        return cls(sheets=tuple(sheets), plain=tuple(plain))

    def keep(self, view: View, out: Path) -> None:
        """Keep them in the store, and write every vote of the study to `votes.jsonl`."""
        store, study = view.store, view.plan.study
        new = sum(keep_votes(store, study, marked, votes) for marked, votes in self.sheets)
        new += sum(keep_plain_votes(store, study, votes) for votes in self.plain)
        for votes in self.plain:
            again = repeated(votes)
            for text in again[:_MOST_REPEATS]:
                say(f"{text}; all are counted")
            if len(again) > _MOST_REPEATS:
                say(f"{len(again) - _MOST_REPEATS} more voted more than once on an item")
        found = all_votes(store, study)
        data = b"".join(line(vote) for vote in found)
        path = out / "votes.jsonl"
        path.write_bytes(data)
        say(f"{new} of {len(self.sheets) + len(self.plain)} sheets are new")
        print(path)
        people = len({vote.rater for vote in found})
        for language in sorted({vote.language for vote in found}):
            own = [vote for vote in found if vote.language == language]
            print(f"votes\t{language}\t{len(own)}\t{len({vote.rater for vote in own})} of {people} people")
        where = f"{{path: {path}, sha256: {sha256_bytes(data)}}}"
        say(f"To have it in the report, add to the study file (path from its folder): votes: {where}")


def _listed(rows: Sequence[tuple[str, object]]) -> list[tuple[str, object]]:
    """Records with their places: those of a list that is the whole document, or the rows themselves."""
    if len(rows) == 1 and isinstance(rows[0][1], list):
        return [(f"{rows[0][0]}: record {number}", one) for number, one in enumerate(rows[0][1], 1)]
    return list(rows)


def _fastchat(view: View, path: Path, rows: Sequence[tuple[str, object]], language: str | None) -> Sequence[HumanVote]:
    with tables_of(view) as tables:
        named = language or (tables.languages[0] if len(tables.languages) == 1 else None)
        if named not in tables.languages:
            expected = f"--language, one of {', '.join(tables.languages)}"
            raise BadInput("votes in what language", where=str(path), got=named or "nothing", expected=expected)
        questions = {row.id for row in tables.questions([named])[named]}
        return read_fastchat(rows, cells=cells_by_name(tables), questions=questions, language=named)
