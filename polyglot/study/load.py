"""Study file -> study. Everything that is wrong with a file is said at once, a line each; nothing was started.

What is wrong in one section is said first; the rules between sections are checked once every section stands.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import ValidationError

from polyglot.core.section import Problem
from polyglot.study.catalogue import Used, fill_in
from polyglot.study.problems import bad_file, invalid_file, invalid_part
from polyglot.study.rules import study_problems
from polyglot.study.study import Study, study_class
from polyglot.study.training import Training
from polyglot.study.yaml_file import YamlFile, read_yaml


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedStudy:
    """A valid study with the file that it came from; local paths in it are relative to `path`'s folder."""

    study: Study
    file: YamlFile
    path: Path
    used: tuple[Used, ...] = ()  # entries of the catalogue that it names

    @property
    def source(self) -> bytes:
        """The file's bytes."""
        return self.file.source


def load_study(path: Path) -> LoadedStudy:
    """Read and validate a study file. Raises BadInput (exit code 2)."""
    file, used = fill_in(read_yaml(path), path.parent)
    model = study_class(file.value)
    try:
        study = model.model_validate(file.value, by_alias=True, by_name=False)
    except ValidationError as error:
        raise invalid_file(file, error, model) from error
    if problems := list(_training_problems(study, file)):
        raise bad_file(file, problems)
    if problems := list(study_problems(study)):
        raise bad_file(file, problems)
    return LoadedStudy(study=study, file=file, path=path, used=used)


def _training_problems(study: Study, file: YamlFile) -> Iterator[Problem]:
    """What is wrong with the recipes of models, each checked whole; what of one is the study's is told as such."""
    for name, model in study.models.items():
        if model.training is None:
            continue
        whole, place = study.training.changed(model.training), ("models", name, "training")
        try:
            Training.model_validate(whole, by_alias=True, by_name=False)
        except ValidationError as error:
            for problem in invalid_part(file, error, Training, whole, place):
                key = problem.place[3] if len(problem.place) > 3 else None
                of_study = key in study.training.said() and key not in model.training
                got = f"{problem.got}, of the study's `training`".removeprefix(", ") if of_study else problem.got
                yield replace(problem, got=got)
