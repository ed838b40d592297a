"""The image of a kind's packages is named by what goes into it, and by nothing else."""

import shutil
from pathlib import Path

import pytest

from tools.builder import KINDS, packages_name

ROOT = Path(__file__).resolve().parents[2]


def names(source: Path) -> dict[str, str]:
    return {kind: packages_name(source, kind, "base") for kind in KINDS}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    shutil.copy(ROOT / "Dockerfile", tmp_path)
    shutil.copytree(ROOT / "requirements", tmp_path / "requirements")
    return tmp_path


@pytest.mark.parametrize(
    ("line", "renamed"),
    [
        ("RUN fetch uv pip sync --quiet --require-hashes trainer.txt", {"trainer"}),
        ("RUN fetch uv pip sync --quiet --require-hashes vllm.txt", set()),
        ("COPY --from=worker-environment /opt/polyglot /opt/polyglot", {"worker"}),
        ("RUN apt-get update -q", {"trainer"}),
        ("RUN ${PYTHON} -m venv /opt/build", set(KINDS)),
        ('      org.opencontainers.image.description="Runs one stage of answers by vLLM"', set()),
    ],
)
def test_a_change_of_the_dockerfile_builds_what_it_goes_into(source: Path, line: str, renamed: set[str]) -> None:
    before, file = names(source), source / "Dockerfile"
    text = file.read_text(encoding="utf-8")
    assert text.count(line) == 1
    file.write_text(text.replace(line, f"{line} # changed"), encoding="utf-8")
    assert {kind for kind in KINDS if names(source)[kind] != before[kind]} == renamed


def test_a_comment_of_the_dockerfile_builds_nothing(source: Path) -> None:
    before, file = names(source), source / "Dockerfile"
    file.write_text("# another\n" + file.read_text(encoding="utf-8").replace("# Our own", "# Our very own"), "utf-8")
    assert names(source) == before


@pytest.mark.parametrize(
    ("lock", "renamed"),
    [("trainer.txt", {"trainer"}), ("worker.txt", {"worker"}), ("build.txt", set(KINDS)), ("sbom.txt", set())],
)
def test_a_change_of_a_lock_builds_the_kind_it_is_of(source: Path, lock: str, renamed: set[str]) -> None:
    before, file = names(source), source / "requirements" / lock
    file.write_text(file.read_text(encoding="utf-8") + "# changed\n", encoding="utf-8")
    assert {kind for kind in KINDS if names(source)[kind] != before[kind]} == renamed
