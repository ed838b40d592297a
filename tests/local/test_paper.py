"""studies/paper.yaml itself, from a plain folder to its report: published repositories' shapes on a loopback hub."""

from pathlib import Path

import pytest

from tests.kit.desk import Desk
from tests.kit.judge_server import reply
from tests.kit.judge_small import always
from tests.kit.paper import TEUKEN, TOKEN, Published, published, study_text

SHORT = "{max-new-tokens: 8}"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory):  # noqa: ANN201
    with published(tmp_path_factory.mktemp("published")) as served:
        yield served


@pytest.fixture
def desk(hub: Published, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    made = Desk.at(tmp_path, monkeypatch)
    for name, value in hub.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    (tmp_path / "catalogue.yaml").write_text(hub.catalogue, encoding="utf-8")
    return made


@pytest.mark.timeout(900)
def test_the_study_of_the_paper_is_pinned_and_run_to_its_report(desk: Desk, hub: Published) -> None:
    """One seed and three of its mixes; `python -m tests.bench paper_study` runs all nine with three seeds."""
    path = desk.root / "paper.yaml"
    path.write_text(
        study_text(mixes="[EN, ENDEFRITES, DEFRITES-sampled]", seeds="[0]", answers=SHORT), encoding="utf-8"
    )
    assert desk.run("pin", path).code == 0
    assert f"revision: {TEUKEN}" in path.read_text(encoding="utf-8").replace('"', "")
    with always(reply("[[7]]")) as judge, pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_BASE_URL", judge.base_url)
        said = desk.run("submit", path, "--store", desk.url)
    assert said.code == 0, said.err
    page = Path(said.out.splitlines()[0]).read_text(encoding="utf-8")
    assert "DEFRITES-sampled" in page
    assert "Teuken-7B-base-v0.6" in page
    fetched = [line.rpartition("/")[2] for line in hub.hub.asked if line.startswith("GET") and "/resolve/" in line]
    assert not [name for name in fetched if name.endswith((".py", ".pt", ".bin"))]


@pytest.mark.timeout(900)
def test_other_published_models_are_fetched_and_answer(
    desk: Desk, hub: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("mixtral-8x7b", "bloom-7b1", "xglm-7.5b", "gemma-2-9b")
    token = desk.root / "token"
    token.write_text(TOKEN + "\n")
    monkeypatch.setenv("HF_TOKEN_PATH", str(token))
    path = desk.root / "study.yaml"
    models = ", ".join(f"{name.partition('-')[0]}: {{published: {name}}}" for name in names)
    path.write_text(
        f"study: one\nmodels: {{{models}}}\ndatasets: {{lima: {{published: lima-x}}}}\n"
        "mixes: [EN]\nseeds: [0]\ntraining: {steps: 2, batch-size: 8, max-tokens: 1024}\n"
        "benchmark: {published: mt-bench-x}\njudge: {endpoint: built-in}\n"
        f"answers: {SHORT}\n",
        encoding="utf-8",
    )
    assert desk.run("pin", path).code == 0
    said = desk.run("submit", path, "--store", desk.url)
    assert said.code == 0, said.err
