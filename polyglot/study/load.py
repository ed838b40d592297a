"""Study file -> study. Everything that is wrong with a file is said at once, a line each; nothing was started.

What is wrong in one section is said first; the rules between sections are checked once every section stands.
"""

from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from polyglot.study.catalogue import Used, fill_in
from polyglot.study.problems import bad_file, invalid_file
from polyglot.study.rules import study_problems
from polyglot.study.study import Study, study_class
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
    if problems := list(study_problems(study)):
        raise bad_file(file, problems)
    return LoadedStudy(study=study, file=file, path=path, used=used)
