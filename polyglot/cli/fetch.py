"""`polyglot fetch`: take models, answers, verdicts, data, records of trainings … out of the store as plain files."""

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, cast, get_args

import typer

from polyglot.cli.deliver import check_out
from polyglot.cli.looking import open_view
from polyglot.cli.options import MixName, ProfileName, StoreUrl, StudyGiven
from polyglot.cli.output import say
from polyglot.cli.view import View
from polyglot.core.errors import BadInput
from polyglot.export.alpaca_eval import write_annotations
from polyglot.export.fastchat import WRITERS, Writer
from polyglot.export.files import NotComputed, manifest_of, take
from polyglot.export.model_card import take_model
from polyglot.export.selection import Wanted, select
from polyglot.export.steps import StepsForm, write_events, write_steps
from polyglot.export.tables import TABLES
from polyglot.kinds.kind import Offer

What = StrEnum("What", {name.upper(): name for name in get_args(Offer)})  # type: ignore[misc]
_PLURALS = {"model": "models", "adapter": "adapters", "data": "data sets"}


class Form(StrEnum):
    """How it is written."""

    FILES = "files"
    PARQUET = "parquet"
    CSV = "csv"
    JSON = "json"
    FASTCHAT = "fastchat"
    ALPACA_EVAL = "alpaca-eval"


_EXCHANGED: Mapping[Form, Mapping[str, Writer]] = {
    Form.FASTCHAT: WRITERS,
    Form.ALPACA_EVAL: {"comparisons": write_annotations},
}


def command(
    study: StudyGiven,
    what: Annotated[What, typer.Argument(metavar="WHAT", help=f"One of {', '.join(get_args(Offer))}.")],
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME]", help="Of which cell, model or data set, or a part of its name; all without it."
        ),
    ] = None,
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="The folder that it is put below.")] = Path("."),
    form: Annotated[
        Form,
        typer.Option(
            "--as",
            help="The files as the stages wrote them, or one Parquet table of all of them. Steps are a table: parquet "
            "(without it), csv, or json (one object a line). Answers, verdicts and comparisons as fastchat are what "
            "FastChat's scripts read, comparisons as alpaca-eval its annotations; a folder a language.",
        ),
    ] = Form.FILES,
    mix: MixName = None,
    profile: ProfileName = "local",
    store: StoreUrl = None,
) -> None:
    """Take models, adapters, answers, verdicts, data or references out of the store, and print where they are.

    A model is a folder that transformers and vLLM load, with a card that says how it was made, asked and scored;
    the adapter of one that was tuned by LoRA is a folder that peft loads onto its base model, with the same card.
    Steps are what was recorded of each step of a training, and tensorboard a folder that TensorBoard opens, where the
    profile names that tracker; of trainings that still run, too.
    """
    offer = cast(Offer, what.value)
    if offer in ("steps", "tensorboard"):
        _check_form(offer, form)
        check_out(to if offer == "steps" else to / offer, option="--to", what="what is fetched")
        view = open_view(study, mix=mix, profile=profile, store=store)
        _take_records(view, offer, select(view.plan, offer, name), to, form)
        return
    check_out(to / offer if form is Form.FILES else to, option="--to", what="what is fetched")
    view = open_view(study, mix=mix, profile=profile, store=store)
    wanted = select(view.plan, offer, name)
    _check_form(offer, form)
    there = _computed(view, wanted, named=name is not None)
    if not there:
        count = f"{len(wanted)} " if len(wanted) > 1 else ""
        raise NotComputed(f"{view.title}: none of its {count}{_PLURALS.get(offer, offer)} is computed yet")
    for path in _taken(view, offer, there, to, form):
        print(path)


def _computed(view: View, wanted: Sequence[Wanted], *, named: bool) -> list[Wanted]:
    """Those that are there; a line says which are not. Raises NotComputed for one that was asked for by its name."""
    there, missing = [], []
    for one in wanted:
        try:
            manifest_of(view.store, one)
            there.append(one)
        except NotComputed as error:
            missing.append(str(error))
    if named and missing:
        raise NotComputed(missing[0])
    for line in missing:
        say(line)
    return there


def _taken(view: View, offer: Offer, there: Sequence[Wanted], to: Path, form: Form) -> Iterator[Path]:
    """Write them, and yield where each is."""
    if form is Form.PARQUET:
        yield TABLES[offer](view.store, view.plan, there, to / f"{offer}.parquet")
    elif form in _EXCHANGED:
        yield from _EXCHANGED[form][offer](view.store, view.plan, there, to)
    else:
        for one in there:
            target = to / offer / one.name.replace("/", "-")
            is_model = offer in ("model", "adapter")
            yield take_model(view.store, view.plan, one, target) if is_model else take(view.store, one, target)


def _check_form(offer: Offer, form: Form) -> None:
    """Raise BadInput for a form that something is not written in."""
    if form is Form.PARQUET and offer not in (*TABLES, "steps"):
        raise BadInput("no table", where="--as", got=offer, expected=f"{', '.join(TABLES)} or steps")
    if form in _EXCHANGED and offer not in _EXCHANGED[form]:
        expected = ", ".join(_EXCHANGED[form])
        raise BadInput("not written so", where="--as", got=f"{offer} as {form.value}", expected=expected)
    if form in (Form.CSV, Form.JSON) and offer != "steps":
        raise BadInput("not written so", where="--as", got=f"{offer} as {form.value}", expected="steps")


def _take_records(view: View, offer: Offer, wanted: Sequence[Wanted], to: Path, form: Form) -> None:
    """Write what was recorded of trainings, and print where. Raises NotComputed where there is nothing of any."""
    if offer == "steps":
        as_table = cast(StepsForm, "parquet" if form is Form.FILES else form.value)
        path, count = write_steps(view.store, view.plan, wanted, to, as_table)
        if not count:
            raise NotComputed(f"{view.title}: no step of its {len(wanted)} trainings is recorded yet")
        print(path)
        return
    targets = [(one, to / offer / one.name.replace("/", "-")) for one in wanted]
    found = [target for one, target in targets if write_events(view.store, one, target)]
    if not found:
        remedy = "Name it in the profile before they are trained: `settings: {train: {trackers: [tensorboard]}}`"
        raise NotComputed(f"{view.title}: nothing was told to TensorBoard. {remedy}")
    for target in found:
        print(target)
