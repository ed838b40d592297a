"""The lock: every file that a study names, pinned by content. The same study with the same lock has the same keys.

Local files are hashed here and travel to the store as blobs at submit; the lock's document holds no machine's path.
Nothing is looked up on a network: a hub's repository is named by its commit, a remote file by its SHA-256 and size.
"""

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from importlib.util import find_spec
from pathlib import Path

from polyglot.core.canonical import Json, canonical, sha256_bytes, sha256_file
from polyglot.core.errors import BadInput, Faults, Permanent
from polyglot.core.section import Place, Problem
from polyglot.kinds import judge_prompts
from polyglot.kinds.agree import read_ratings
from polyglot.kinds.base import MODEL_FILES, PICKLED_WEIGHTS, files_of
from polyglot.kinds.judge_prompts import Mode
from polyglot.kinds.kind import File
from polyglot.kinds.people import read_votes
from polyglot.study.catalogue import Used
from polyglot.study.files import SourceFile
from polyglot.study.imports import IMPORTS, look_at_import
from polyglot.study.load import LoadedStudy
from polyglot.study.pinning import UNSET
from polyglot.study.problems import bad_file
from polyglot.study.sizes import size_problems
from polyglot.study.sources import Model
from polyglot.study.study import Study
from polyglot.study.translation import Translation

_PIN = "`polyglot pin STUDY` fills it in"
_SAID = {"ratings": read_ratings, "votes": read_votes}  # what people said, and who reads it


@dataclass(frozen=True, slots=True, kw_only=True)
class Locked:
    """A study with its files pinned. `files` is by place in the study: ("datasets", "docs", "files", "EN").

    `prompts` has the judge prompts of each language, `pair_prompts` those of pairs (mostly the same files), where there
    are pairs, and `english_prompts` the English ones, where they are used beside those of each language. `local_files`
    is where the bytes behind a SHA-256 lie.
    """

    study: Study
    source: bytes
    files: Mapping[Place, tuple[File, ...]]
    prompts: Mapping[str, File]
    local_files: Mapping[str, Path]
    used: tuple[Used, ...] = ()  # entries of the catalogue
    pair_prompts: Mapping[str, File] = field(default_factory=dict)
    english_prompts: File | None = None

    @property
    def prompts_sha256(self) -> dict[str, str]:
        """The content of each language's judge prompts."""
        return {language: file.sha256 for language, file in self.prompts.items()}

    @property
    def pair_prompts_sha256(self) -> dict[str, str]:
        """The same of pairs."""
        return {language: file.sha256 for language, file in self.pair_prompts.items()}

    @property
    def english_prompts_sha256(self) -> str:
        """The content of the English ones that are used beside those of each language."""
        return self.english_prompts.sha256 if self.english_prompts else ""

    @property
    def all_prompts(self) -> Iterator[tuple[str, Mode, File]]:
        """Each file of prompts, with a language that it is for and what is judged by it."""
        yield from ((language, "single", file) for language, file in self.prompts.items())
        yield from ((language, "pair", file) for language, file in self.pair_prompts.items())
        if self.english_prompts is not None:
            yield "EN", "single", self.english_prompts

    def files_at(self, *place: str | int) -> dict[str, tuple[File, ...]]:
        """The files of a mapping from language to files at a place of the study."""
        return {str(path[-1]): files for path, files in self.files.items() if path[:-1] == place}

    def document(self) -> dict[str, Json]:
        """The lock as JSON: content by place."""
        return {
            "format": 1,
            "study": {"name": self.study.name, "sha256": sha256_bytes(self.source)},
            "files": {
                ".".join(map(str, path)): [file.model_dump(mode="json") for file in files]
                for path, files in self.files.items()
            },
            "prompts_sha256": self.prompts_sha256,
            **({"pair_prompts_sha256": self.pair_prompts_sha256} if self.pair_prompts else {}),
            **({"english_prompts_sha256": self.english_prompts_sha256} if self.english_prompts else {}),
        }

    def bytes(self) -> bytes:
        """The canonical JSON of the document."""
        return canonical(self.document())


def lock_study(loaded: LoadedStudy) -> Locked:
    """Pin every file that the study names. Raises BadInput with a line for everything that cannot be pinned."""
    pins = _Pins(loaded.path.parent)
    for place, source in _sources(loaded.study):
        pins.add(place, source, single=place not in loaded.file.lines or (*place, 0) not in loaded.file.lines)
    for place, model in models(loaded.study):
        if model.directory is not None:
            pins.add_directory(place, model.directory, convert=model.convert)
    for place, part in translations(loaded.study):
        if part.directory is not None:
            pins.add_directory(place, part.directory)
    problems = [*pins.problems, *_unset_revisions(loaded.study)]
    problems += (
        [] if problems else [*size_problems(loaded.study, pins.files, pins.local), *_unreadable(loaded.study, pins)]
    )
    if problems:
        raise bad_file(loaded.file, problems)
    judge = loaded.study.judge if loaded.study.models else None
    both = judge is not None and judge.prompt_language == "both"
    return Locked(
        study=loaded.study,
        source=loaded.source,
        files={place: files for place, files in pins.files.items() if "prompts" not in place},
        prompts=dict(_prompts(loaded.study, pins, "single")),
        pair_prompts=dict(_prompts(loaded.study, pins, "pair")) if judge is not None and judge.pairs else {},
        english_prompts=_prompts_in("EN", pins, "single") if both else None,
        local_files=pins.local,
        used=loaded.used,
    )


def built_in_prompts(language: str, mode: Mode = "single") -> Path:
    """The built-in judge prompts of a language: package data of the jobs, found without importing them."""
    package = find_spec("jobs")
    for folder in (package.submodule_search_locations if package else None) or ():
        prompts = Path(folder) / "builtin" / "prompts"
        path = (prompts if mode == "single" else prompts / "pairs") / f"{language}.jsonl"
        if path.is_file():
            return path
    remedy = "Bring your own under `judge.prompts`, or install polyglot-lab whole"
    raise BadInput(f"no built-in judge prompts for {language}", remedy=remedy)


class _Pins:
    """Collects pinned files, where their bytes lie, and what is wrong with them."""

    def __init__(self, folder: Path) -> None:
        self.files: dict[Place, tuple[File, ...]] = {}
        self.local: dict[str, Path] = {}
        self.problems: list[Problem] = []
        self._folder = folder

    def add(self, place: Place, sources: tuple[SourceFile, ...], *, single: bool) -> None:
        """Pin the files at a place; `single` says that the file stands there without a list around it."""
        pinned = [self._pin(place if single else (*place, number), file) for number, file in enumerate(sources)]
        self.files[place] = tuple(file for file in pinned if file is not None)

    def add_directory(self, place: Place, directory: str, convert: str | None = None) -> None:
        """Pin the files of a model's folder that models are made of."""
        at = (*place, "directory")
        folder = self._folder / directory
        if not _there(folder.is_dir):
            expected = "a folder, by its path from the study file"
            self.problems.append(Problem(what="no such folder", place=at, got=directory, expected=expected))
            return
        found, forms = sorted(path for path in folder.iterdir() if path.is_file()), files_of(convert)
        wanted = [path for path in found if any(fnmatchcase(path.name, form) for form in forms)]
        for path in wanted:
            if not _is_text(path.name):
                what, got = "a file name that is not UTF-8", ascii(path.name)
                self.problems.append(Problem(what=what, place=at, got=got, remedy="Rename it"))
        for need in ("config.json", MODEL_FILES[0] if convert is None else PICKLED_WEIGHTS[0]):
            if not any(fnmatchcase(path.name, need) for path in wanted):
                got = ", ".join(ascii(path.name)[1:-1] for path in found[:5]) or "an empty folder"
                what = f"no {need} in the folder"
                self.problems.append(Problem(what=what, place=at, got=got, remedy=_remedy(need, found)))
        pinned = [self._hashed(at, path) for path in wanted if _is_text(path.name)]
        self.files[(*place, "files")] = tuple(file for file in pinned if file is not None)

    def _pin(self, place: Place, file: SourceFile) -> File | None:
        if file.is_address:
            return File(sha256=file.sha256, bytes=file.bytes or 0, name=file.name, uri=file.path)
        path = self._folder / file.path
        if not _there(path.is_file):
            expected = "a file, by its path from the study file"
            at = (*place, "path")
            self.problems.append(Problem(what="no such file", place=at, got=file.path, expected=expected))
            return None
        pinned = self._hashed((*place, "path"), path)
        if pinned is None:
            return None
        if pinned.sha256 != file.sha256:
            remedy = "If the new content is meant, write its SHA-256 here"
            what, at = "the file has other content", (*place, "sha256")
            problem = Problem(what=what, place=at, got=pinned.sha256, expected=file.sha256, remedy=remedy)
            self.problems.append(problem)
        elif file.bytes is not None and file.bytes != pinned.bytes:
            at, got = (*place, "bytes"), str(pinned.bytes)
            self.problems.append(Problem(what="another size", place=at, got=got, expected=str(file.bytes)))
        return pinned

    def _hashed(self, place: Place, path: Path) -> File | None:
        try:
            found = File(sha256=sha256_file(path), bytes=path.stat().st_size, name=path.name)
        except OSError as error:
            self.problems.append(Problem(what="cannot be read", place=place, got=os.strerror(error.errno or 0)))
            return None
        self.local.setdefault(found.sha256, path.resolve())
        return found


def _remedy(need: str, found: Sequence[Path]) -> str:
    """What helps where a folder lacks a file."""
    if any(fnmatchcase(path.name, PICKLED_WEIGHTS[0]) for path in found):
        return "Convert the model to safetensors, or add `convert: pickle`: they are read without running code"
    return "Remove `convert`" if need in PICKLED_WEIGHTS else "Convert the model to safetensors"


def _there(look: Callable[[], bool]) -> bool:
    """Whether something is there; a name that is too long for the system is nowhere."""
    try:
        return look()
    except (OSError, ValueError):
        return False


def _is_text(name: str) -> bool:
    """Whether a name can be written down; the operating system allows any bytes."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def translations(study: Study) -> Iterator[tuple[Place, Translation]]:
    """Every translation that the study asks for, with its place."""
    for name, dataset in study.datasets.items():
        for number, part in enumerate(dataset.translate or ()):
            yield ("datasets", name, "translate", number), part
    for number, question in enumerate(study.benchmark.translate or ()):
        yield ("benchmark", "translate", number), question


def models(study: Study) -> Iterator[tuple[Place, Model]]:
    """Every model that is to be in the store, baselines too, with its place."""
    for name, model in study.models.items():
        yield ("models", name), model
    for name, baseline in study.baselines.items():
        if baseline.stored:
            yield ("baselines", name), baseline


def _sources(study: Study) -> Iterator[tuple[Place, tuple[SourceFile, ...]]]:
    for place, model in models(study):
        if model.files is not None:
            yield (*place, "files"), model.files
    for name, dataset in study.datasets.items():
        for language, files in (dataset.files or {}).items():
            yield ("datasets", name, "files", language), files
        held = dataset.validation
        for language, files in held.items() if isinstance(held, Mapping) else ():
            yield ("datasets", name, "validation", language), files
        for mix, published in dataset.published.items():
            if published.files is not None:
                yield ("datasets", name, "published", mix, "files"), published.files
    for name, baseline in study.baselines.items():
        for part in ("answers", "verdicts"):
            for language, file in (getattr(baseline, part) or {}).items():
                yield ("baselines", name, part, language), (file,)
    for name, pairs in study.imported_pairs.items():
        for language, file in pairs.files.items():
            yield ("imported-pairs", name, "files", language), (file,)
    for part in _SAID:
        if (files := getattr(study, part)) is not None:
            yield (part,), files
    for part in ("questions", "references"):
        for language, files in (getattr(study.benchmark, part) or {}).items():
            yield ("benchmark", part, language), files
    for section, prompts in (("benchmark", study.benchmark.prompts), ("judge", study.judge.prompts)):
        for language, file in (prompts or {}).items():
            yield (section, "prompts", language), (file,)


def _prompts(study: Study, pins: _Pins, mode: Mode) -> Iterator[tuple[str, File]]:
    """Each language's judge prompts: those of the one language that the judge is told in, or of its own."""
    for language in study.benchmark.languages if study.models else ():
        yield language, _prompts_in(study.judge.one_language or language, pins, mode)


def _prompts_in(language: str, pins: _Pins, mode: Mode) -> File:
    """A language's prompts: the judge's own, else the benchmark's, else the built-in ones."""
    for section in ("judge", "benchmark"):
        if files := pins.files.get((section, "prompts", language)):
            return files[0]
    path = built_in_prompts(language, mode)
    sha256 = sha256_file(path)
    pins.local.setdefault(sha256, path)
    return File(sha256=sha256, bytes=path.stat().st_size, name=path.name)


def _unreadable(study: Study, pins: _Pins) -> Iterator[Problem]:
    """What the last stages would refuse, told before the first: their own readers read the files here."""
    said = dict.fromkeys(_SAID, 0)
    for place, files in pins.files.items():
        for number, file in enumerate(files):
            path = pins.local.get(file.sha256)
            try:
                if "prompts" in place and path is not None:
                    for mode in _modes(study):
                        judge_prompts.load(path, str(place[-1]), mode)
                elif place[0] in IMPORTS and path is not None:
                    look_at_import(study, place, path, file.name)
                elif (part := str(place[0])) in _SAID and path is not None:
                    said[part] += sum(1 for _ in _SAID[part](path, file.name))
            except Faults as error:
                for line in error.lines:
                    text = line.removeprefix(file.name).lstrip(",: ")
                    yield Problem(what=text, place=(*place, number) if len(files) > 1 else place)
            except Permanent as error:
                text = re.sub(rf"^(judge prompts of {place[-1]}|{re.escape(file.name)})[,:] ", "", str(error))
                yield Problem(what=text, place=(*place, number) if len(files) > 1 else place)
    for part, number_of in said.items():
        if (part,) in pins.files and not number_of:
            what = f"no {part.removesuffix('s')} in these files"
            yield Problem(what=what, place=(part,), remedy="Import sheets first")


def _modes(study: Study) -> tuple[Mode, ...]:
    """How answers are judged."""
    return ("single", "pair") if study.judge.pairs is not None else ("single",)


def _unset_revisions(study: Study) -> Iterator[Problem]:
    parts = (("models", study.models), ("baselines", study.baselines), ("datasets", study.datasets))
    for part, sources in parts:
        for name, source in sources.items():
            if source.revision == UNSET:
                prefix = "datasets/" if part == "datasets" else ""
                remedy = f"{_PIN}, or `git ls-remote https://huggingface.co/{prefix}{source.hub} HEAD`"
                what = "the commit is still to be filled in"
                yield Problem(what=what, place=(part, name, "revision"), remedy=remedy)
    for place, translation in translations(study):
        if translation.revision == UNSET:
            remedy = f"{_PIN}, or `git ls-remote https://huggingface.co/{translation.model} HEAD`"
            yield Problem(what="the commit is still to be filled in", place=(*place, "revision"), remedy=remedy)
