"""Studies whose costs are estimated: seven billion parameters, with and without GPUs; nothing of them is ever run."""

from pathlib import Path

from polyglot.cli.session import Session, open_session
from polyglot.estimates.estimate import Estimated

REVISION = "0123456789abcdef" * 2 + "01234567"
SEVEN = f"""
study: seven
models: {{mistral: {{published: mistral-7b, revision: {REVISION}}}}}
datasets: {{bactrian: {{published: bactrian-x}}}}
mixes: [EN, ENDEFRITES]
training: {{epochs: 1, batch-size: 64, max-tokens: 2048}}
benchmark: {{published: mt-bench-x}}
judge: {{endpoint: openai, model: gpt-4-0613, price-usd-per-mtok-prompt: 30, price-usd-per-mtok-completion: 60}}
"""
DIGEST = "sha256:" + "0" * 64
IMAGES = f"images: {{controller: 'r/c@{DIGEST}', worker: 'r/w@{DIGEST}', trainer: 'r/t@{DIGEST}'}}"
GPUS = """
resources: {train: {gpus: 1}, answer: {gpus: 1}}
prices: {gpu-hour-usd: 2.5, as-of: 2026-11-01}
"""


def profile_of(folder: Path, text: str) -> str:
    """A profile file with this content."""
    path = folder / "profile.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def cluster(pools: str, *, more: str = GPUS) -> str:
    """A profile of a cluster with these pools, those of GPUs for what trains and answers."""
    section = f"kubernetes:\n  {IMAGES}\n  pools: {{{pools}}}\n  pool-of: {{train: gpu, answer: gpu, base: big}}\n"
    return f"store: s3://bucket/prefix\nbackend: kubernetes\n{more}{section}"


def seven(folder: Path, profile: str = "", *, study: str = SEVEN) -> Session:
    """The study under a profile, with an empty store in the folder."""
    path = folder / "study.yaml"
    path.write_text(study, encoding="utf-8")
    chosen = profile_of(folder, profile) if profile else "local"
    return open_session(path, mix=None, profile=chosen, store=f"file://{folder}/store")


def laid_out(folder: Path, model: str, device: str, *, gpus: int, ranks: int = 1) -> tuple[Session, Estimated]:
    """The study with a model of the catalogue, `layout: auto` on so many GPUs of a fast network, with 12
    CPUs each; and its largest training.
    """
    pools = f"gpu: {{device: {device}, network-gbit: 3200}}, big: {{}}"
    text = cluster(pools).replace("train: {gpus: 1}", f"train: {{gpus: {gpus}, cpus: {12 * gpus}, ranks: {ranks}}}")
    text = text.replace("prices:", "settings: {train: {layout: auto}}\nprices:")
    session = seven(folder, text, study=SEVEN.replace("mistral-7b", model))
    trainings = [row for row in session.estimated if row.planned.stage.kind == "train"]
    return session, max(trainings, key=lambda row: row.forecast.tokens or 0)
