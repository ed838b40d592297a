"""Small studies as locked values, for tests of what a plan makes of them."""

from pathlib import Path

from polyglot.study.load import load_study
from polyglot.study.lock import Locked, lock_study
from tests.kit.bad_inputs.studies import study_text


def locked(folder: Path, **changes: str | None) -> Locked:
    """The valid small study of `study_text` with some keys changed, locked; files that it names lie in the folder."""
    path = folder / "study.yaml"
    path.write_text(study_text(**changes), encoding="utf-8")
    return lock_study(load_study(path))
