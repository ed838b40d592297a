"""`polyglot init`: write a first study file and a profile from a few choices."""

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from polyglot.cli.output import say
from polyglot.core.errors import BadInput
from polyglot.core.languages import PAPER_ORDER
from polyglot.study.catalogue import load_catalogue
from polyglot.study.draft import BUILT_IN, PROFILE, Choices, design_mixes, study_draft
from polyglot.study.load import load_study
from polyglot.study.lock import built_in_prompts, lock_study
from polyglot.study.pinning import pin_text
from polyglot.study.systems import SYSTEMS

_PROFILE = Path("profiles") / "local.yaml"


_Name = Annotated[str | None, typer.Argument(metavar="NAME", help="The study's name; it is written to NAME.yaml.")]
_Model = Annotated[
    str | None, typer.Option(help="built-in, a name of the catalogue, a folder, or owner/name of a hub.")
]
_FILES = "built-in, a name of the catalogue, or LANGUAGE=FILE, once for each language."
_Files = Annotated[list[str] | None, typer.Option(help=_FILES)]
_Format = Annotated[str, typer.Option("--format", help="The schema of data files, where their rows do not tell.")]
_Mixes = Annotated[list[str] | None, typer.Option(help="A mix such as ENDE; by default each language, and all.")]
_Judge = Annotated[str | None, typer.Option(help="built-in, or the name of a model at an endpoint.")]

_PROMPTS = "LANGUAGE=FILE with judge prompts, once for each language; else the built-in ones."
_Prompts = Annotated[list[str] | None, typer.Option(metavar="LANGUAGE=FILE", help=_PROMPTS)]

_DESIGN = "Mixes that tell which shares are best: simplex, or english-share, which varies that of English alone."
_Design = Annotated[str | None, typer.Option(help=_DESIGN)]
_Languages = Annotated[str | None, typer.Option(help="Of the design, such as EN,DE,FR; the paper's five by default.")]

_BASELINE = "A model that is not tuned, judged beside the mixes: as --model, or endpoint:MODEL."
_Baselines = Annotated[list[str] | None, typer.Option(help=_BASELINE)]


def command(
    name: _Name = None,
    model: _Model = None,
    data: _Files = None,
    schema: _Format = "",
    mix: _Mixes = None,
    benchmark: _Files = None,
    judge: _Judge = None,
    prompts: _Prompts = None,
    baseline: _Baselines = None,
    design: _Design = None,
    languages: _Languages = None,
) -> None:
    """Write a commented study and a profile into this folder; what no option says is asked, or built in where nobody
    can be.
    """
    choices = Choices(
        name=name or _ask("Name of the study", "first"),
        model=model or _ask("Base model (built-in, a name of the catalogue, a folder, owner/name)"),
        data=_source(data or _ask("Data (built-in, a name of the catalogue, or EN=FILE DE=FILE …)").split(), "--data"),
        format=schema,
        mixes=_chosen(mix, design, languages),
        benchmark=_source(
            benchmark or _ask("Benchmark (built-in, a name of the catalogue, or EN=FILE …)").split(), "--benchmark"
        ),
        judge=judge or _ask("Judge (built-in, or the name of a model at an endpoint)"),
        prompts=_files(prompts or [], "--prompts"),
        baselines=tuple(baseline or ()),
        is_design=design is not None,
    )
    path = Path(f"{choices.name}.yaml")
    text = study_draft(choices, load_catalogue(Path()), Path())
    copied = _prompts(choices)
    if path.exists():
        raise BadInput("is there already", where=str(path), remedy="Choose another name, or remove it")
    copied = {target: source for target, source in copied.items() if not target.exists()}  # an earlier study's
    for target, source in copied.items():
        target.parent.mkdir(exist_ok=True)
        shutil.copyfile(source, target)
    path.write_text(text, encoding="utf-8")
    text, _ = pin_text(path, again=False, commit_of=_no_commit, digest_of=_no_digest)
    path.write_text(text, encoding="utf-8")
    if not _PROFILE.exists():
        _PROFILE.parent.mkdir(exist_ok=True)
        _PROFILE.write_text(PROFILE, encoding="utf-8")
    for written in (path, _PROFILE, *copied):
        print(written)
    try:
        lock_study(load_study(path))
    except BadInput as error:  # a commit to be filled in, a mix of a language that the data lack: the file is a draft
        say(f"still to do:\n{error}")


def _chosen(mixes: list[str] | None, design: str | None, languages: str | None) -> tuple[str, ...]:
    """The mixes that are named, or those of a design. Raises BadInput for both, and for languages of no design."""
    if design is None:
        if languages is not None:
            raise BadInput(
                "no design", where="--languages", got=languages, remedy="Add --design, or name mixes by --mix"
            )
        return tuple(mixes or ())
    if mixes:
        raise BadInput("both a design and mixes", where="--design", got=design, remedy="Leave --mix out")
    return design_mixes(design, languages or ",".join(PAPER_ORDER))


def _no_commit(repository: str, is_dataset: bool) -> str:
    raise OSError("left to `polyglot pin`")


def _no_digest(address: str) -> tuple[str, int]:
    raise OSError("left to `polyglot pin`")


def _ask(what: str, default: str = BUILT_IN) -> str:
    return str(typer.prompt(what, default=default)) if sys.stdin.isatty() else default


def _source(given: list[str], where: str) -> str | Mapping[str, str]:
    """One name, or files by language. Raises BadInput for a mixture."""
    pairs = [item.partition("=") for item in given]
    if len(pairs) == 1 and not pairs[0][1]:
        return given[0]
    return _files(given, where, "one name, or ")


def _files(given: list[str], where: str, or_: str = "") -> Mapping[str, str]:
    """Files by language. Raises BadInput for what is none, and a language that is named twice."""
    files = {language: path for language, _, path in (item.partition("=") for item in given)}
    if len(files) < len(given) or not all(files.values()):
        expected = f"{or_}LANGUAGE=FILE for each language"
        raise BadInput("not one source", where=where, got=" ".join(given), expected=expected)
    return files


def _prompts(choices: Choices) -> dict[Path, Path]:
    """Judge prompts to begin with, for questions of one's own: those of the language, else the English ones."""
    languages = choices.benchmark if isinstance(choices.benchmark, Mapping) else {}
    return {
        Path("prompts") / f"{language}.jsonl": built_in_prompts(language if language in SYSTEMS else "EN")
        for language in languages
        if language not in choices.prompts
    }
