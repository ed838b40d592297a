"""`polyglot sheet export | import`: translations and answers for people to rate, blinded, and what they say."""

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from polyglot.cli.answer_sheets import Incoming, export_answers
from polyglot.cli.deliver import check_out
from polyglot.cli.looking import open_view
from polyglot.cli.options import MixName, ProfileName, StoreUrl, StudyGiven
from polyglot.cli.output import say
from polyglot.cli.sheet_rows import checks_of, turns_of
from polyglot.cli.view import View
from polyglot.core.canonical import sha256_bytes, sha256_file
from polyglot.core.errors import BadInput, PolyglotError
from polyglot.core.records import to_json
from polyglot.engine.engine import run
from polyglot.kinds.kind import File
from polyglot.plan.plan import needed_for
from polyglot.plan.planner import Planner
from polyglot.plan.quality import agree_stage
from polyglot.schedulers.local.scheduler import LocalScheduler
from polyglot.sheets.answers import Drawing
from polyglot.sheets.page import as_csv, as_html
from polyglot.sheets.ratings import BadSheets, Rated, read, unblind
from polyglot.sheets.sample import SheetKey, draw
from polyglot.sheets.store import all_ratings, keep_key, keep_ratings, read_key
from polyglot.store.blobs import fetch, put_file
from polyglot.store.committed import committed

command = typer.Typer(
    name="sheet",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    help="Translations and answers for people to rate, blinded, and what they say.",
)
_Folder = Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Where the files are put.")]
_MOST_CHARACTERS = 1500  # of a turn of a translation, where nothing is said


@command.command("export")
def export(
    study: StudyGiven,
    answers: Annotated[bool, typer.Option("--answers", help="Of models' answers, not of translations.")] = False,
    pairs: Annotated[
        list[str] | None, typer.Option("--pairs", metavar="ARM,ARM", help="Answers of two arms beside each other.")
    ] = None,
    single: Annotated[
        list[str] | None, typer.Option("--single", metavar="ARM", help="Answers of an arm, one at a time.")
    ] = None,
    rows: Annotated[
        int,
        typer.Option(
            "--rows",
            min=1,
            max=10_000,
            help="Turns of each source, each in every translation; questions of each language.",
        ),
    ] = 32,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the draw, the order and the sides.")] = 0,
    raters: Annotated[
        int, typer.Option("--raters", min=1, max=100, help="Of answers: sheets of the same items in each language.")
    ] = 1,
    only: Annotated[list[str] | None, typer.Option("--check", metavar="NAME", help="These translations alone.")] = None,
    language: Annotated[
        list[str] | None, typer.Option("--language", metavar="CODE", help="Of answers: these languages alone.")
    ] = None,
    most_characters: Annotated[
        int | None,
        typer.Option(
            "--most-characters", min=1, help="Longer turns are not drawn; 1500 of translations, of answers any."
        ),
    ] = None,
    out: _Folder = Path("out/sheet"),
    mix: MixName = None,
    profile: ProfileName = "local",
    store: StoreUrl = None,
) -> None:
    """Draw turns that every translation has, or answers, blind them, and write pages for raters.

    Of answers there is one page for each rater and language: the same questions, in an order and on sides of their own.
    """
    check_out(out, what="the sheet")
    of_answers = answers or bool(pairs) or bool(single)
    for option, given, wanted in (("--check", only, False), ("--language", language, True)):
        if given and of_answers is not wanted:
            raise BadInput(f"{option} is of {'answers' if wanted else 'translations'} alone", where=option)
    view = open_view(study, mix=mix, profile=profile, store=store)
    if of_answers:
        drawing = Drawing(rows=rows, seed=seed, raters=raters, most_characters=most_characters)
        export_answers(view, out, pairs or (), single or (), language or (), drawing)
        return
    most = _MOST_CHARACTERS if most_characters is None else most_characters
    sheet = draw(turns_of(view, only), rows=rows, seed=seed, most_characters=most)
    keep_key(view.store, view.plan.study, sheet)
    out.mkdir(parents=True, exist_ok=True)
    for suffix, text in (("html", as_html(sheet, view.plan.study)), ("csv", as_csv(sheet))):
        path = out / f"sheet-{sheet.id}.{suffix}"
        path.write_bytes(text.encode())
        print(path)
    say(f"sheet {sheet.id}: {len(sheet.items)} items; which translation each is of is kept in {view.store.url}")


@command.command("import")
def import_(
    study: StudyGiven,
    files: Annotated[
        list[Path], typer.Argument(metavar="FILES…", help="What raters sent back: CSV, JSON, JSON Lines.")
    ],
    language: Annotated[
        str | None, typer.Option("--language", metavar="CODE", help="Of votes that do not say it (FastChat's).")
    ] = None,
    out: _Folder = Path("out/sheet"),
    mix: MixName = None,
    profile: ProfileName = "local",
    store: StoreUrl = None,
) -> None:
    """Keep what raters sent back in the store, compare them, and say how to show it in the report.

    CSV files are of translations. All others are of answers: what the page saved, or exports of Label Studio, Argilla
    and Potato with the ids of our items, or votes in FastChat's schema. The same file imported again changes nothing;
    nothing is kept when one of the files is wrong.
    """
    check_out(out, what="the table of ratings")
    view = open_view(study, mix=mix, profile=profile, store=store)
    tables = [path for path in files if path.suffix.lower() == ".csv"]
    others = [path for path in files if path not in tables]
    rated, problems = [], list[str]()
    for path in tables:
        try:
            one = read(path)
            key = read_key(view.store, view.plan.study, one)
            unblind(one, key)
            rated.append((one, key))
        except BadInput as error:
            problems += str(error).splitlines()
    votes = Incoming.read(view, others, language, problems)
    if problems:
        raise BadSheets(problems)
    out.mkdir(parents=True, exist_ok=True)
    if others:
        votes.keep(view, out)
    if tables:
        _keep_ratings(view, rated, out)


def _keep_ratings(view: View, rated: Sequence[tuple[Rated, SheetKey]], out: Path) -> None:
    new = sum(keep_ratings(view.store, view.plan.study, one, key) for one, key in rated)
    path = out / "ratings.jsonl"
    data = b"".join(to_json(row) + b"\n" for row in all_ratings(view.store, view.plan.study))
    path.write_bytes(data)
    say(f"{new} of {len(rated)} files are new")
    print(path)
    for line in _compare(view, path):
        print(line)
    where = f"{{path: {path}, sha256: {sha256_bytes(data)}}}"
    say(f"To have it in the report, add to the study file (path from its folder): ratings: {where}")


def _compare(view: View, ratings: Path) -> list[str]:
    """Run the agree stage, as the plan of a study with these ratings would, and put its figures in words."""
    put_file(view.store, ratings, ratings.name)
    checks = {f"quality:{name}": view.plan.find(f"quality {name}") for name in checks_of(view)}
    planner = Planner(view.profile)
    file = File(sha256=sha256_file(ratings), bytes=ratings.stat().st_size, name="ratings.jsonl")
    stage = agree_stage(planner, checks, (file,))
    stages = needed_for([stage], (*view.plan.stages, stage))
    with LocalScheduler.for_profile(view.profile) as scheduler:
        run(stages, view.store, scheduler, max_attempts=view.profile.max_attempts).raise_if_failed()
    manifest = committed(view.store, "agree", stage.key)
    record = manifest.file("agreement.json") if manifest else None
    if record is None:
        raise PolyglotError("the agreement was not committed")
    with tempfile.TemporaryDirectory() as folder:
        fetch(view.store, record, Path(folder) / "agreement.json")
        found = json.loads((Path(folder) / "agreement.json").read_text(encoding="utf-8"))
    lines = [f"raters\t{found['raters']}\tratings\t{found['ratings']}"]
    lines += [f"alpha\t{name}\t{row['alpha']}\t{row['units']} turns" for name, row in found["alpha"].items()]
    lines += [f"penalty\t{row['check']}\t{row['mqm_mean']:g}\t{row['turns']} turns" for row in found["checks"]]
    for row in found["correlations"]:
        lines.append(
            f"correlation\t{row['metric']}\tkendall {row['kendall']}, spearman {row['spearman']}\t{row['turns']} turns"
        )
    return lines
