"""Profiles that are refused."""

from functools import partial
from pathlib import Path

from polyglot.study.profile import load_profile
from tests.kit.bad_inputs import Case


def _load(folder: Path, text: str) -> None:
    path = folder / "profile.yaml"
    path.write_text(text)
    load_profile(str(path))


def _case(name: str, text: str) -> Case:
    return Case(room="Profiles", name=name, provoke=partial(_load, text=text))


DIGEST = "sha256:" + "0123456789abcdef" * 4
IMAGES = f"images: {{controller: 'r/c@{DIGEST}', worker: 'r/w@{DIGEST}', trainer: 'r/t@{DIGEST}'}}"


def _cluster(name: str, section: str, *, images: str = IMAGES, top: str = "store: s3://bucket/prefix\n") -> Case:
    return _case(name, f"{top}backend: kubernetes\nkubernetes:\n  {images}\n  {section}\n")


CASES = [
    Case(room="Profiles", name="no such profile", provoke=lambda folder: load_profile("nowhere")),
    _case("an unknown stage kind", "resources: {trian: {cpus: 1}}\n"),
    _case("a bad memory size", "memory: 4 gigs\n"),
    _case("a bad duration", "resources: {train: {deadline: 3 weeks}}\n"),
    _case("an unknown backend", "backend: slurm\n"),
    _case("a GPU that is not known", "device: h1000\n"),
    _case("GPUs that would idle", "resources: {answer: {gpus: 4}}\n"),
    _case("GPUs that would idle in a kind of one process", "resources: {base: {gpus: 2}}\n"),
    _case("processes beside GPUs", "resources: {train: {gpus: 2}}\nsettings: {train: {processes: 2}}\n"),
    _case("batches of conversations", "settings: {ask: {mode: batch}}\n"),
    _case("a way of asking that is not known", "settings: {judge: {mode: cheap}}\n"),
    _case("more calls than a batch may hold", "settings: {judge: {mode: batch, batch-requests: 60000}}\n"),
    _case("no processes at all", "settings: {train: {processes: 0}}\n"),
    _case("prices without their day", "prices: {gpu-hour-usd: 2.5}\n"),
    _case("a price that is no number", "prices: {gpu-hour-usd: cheap, as-of: 2026-11-01}\n"),
    _case("a day that is none", "prices: {gpu-hour-usd: 2.5, as-of: 2026-13-01}\n"),
    _case("a limit of something else", "ask-above: {hours: 3}\n"),
    _case("a webhook's address in the open", "nights: {webhook: 'https://hooks.example/abc'}\n"),
    _case("no processors", "cpus: 0\n"),
    _case("a cluster without its section", "store: s3://bucket/prefix\nbackend: kubernetes\n"),
    _case("a cluster's section for this machine", f"kubernetes:\n  {IMAGES}\n"),
    _cluster("a directory as a cluster's store", "namespace: lab", top="store: file:///data/store\n"),
    _cluster("no store for a cluster", "namespace: lab", top=""),
    _cluster("this machine's bounds on a cluster", "namespace: lab", top="store: s3://b1b/p\ncpus: 8\n"),
    _cluster("no images", "namespace: lab", images="context: lab"),
    _cluster("an image by tag", "namespace: lab", images=IMAGES.replace(f"r/w@{DIGEST}", "r/w:1.0")),
    _cluster("a digest cut short", "namespace: lab", images=IMAGES.replace(f"r/w@{DIGEST}", "r/w@sha256:0123")),
    _cluster("an unknown key of a cluster", "name-space: lab"),
    _cluster("a namespace with capitals", "namespace: Lab"),
    _cluster("a secret as a variable", "environment: {AWS_SECRET_ACCESS_KEY: x}"),
    _cluster("the hub's token as a variable", "environment: {HF_TOKEN: x}"),
    _cluster("a variable that polyglot sets", "environment: {HOME: /tmp}"),
    _cluster("a variable that is not text", "environment: {RETRIES: 3}"),
    _cluster("a variable's bad name", "environment: {A-B: x}"),
    _cluster("a control character in a variable", 'environment: {A: "x\\u0007"}'),
    _cluster("a pool that is not described", "pool-of: {train: big}"),
    _cluster("a pool for an unknown kind", "pool-of: {tarin: default}"),
    _cluster("a toleration without a key", "pools: {big: {tolerations: [{effect: NoSchedule}]}}"),
    _cluster("a toleration of anything with a value", "pools: {big: {tolerations: [{operator: Exists, value: x}]}}"),
    _cluster("a label that Kubernetes refuses", "pools: {big: {node-selector: {pool: a b}}}"),
    _cluster("a bad time to live", "ttl: 1 hour"),
    _cluster("a bad disk size", "scratch: 10 gigs"),
    _cluster("an unknown answer to a lost node", "lost-node: retry"),
    _cluster("an unknown pull policy", "image-pull-policy: always"),
    _case("a deadline of nothing", "resources: {train: {deadline: 0s}}\n"),
    _case("a memory of nothing", "resources: {train: {memory: 0B}}\n"),
    _case("a judge's address with a password", "settings: {judge: {base-url: 'https://me:secret@judge.example/v1'}}\n"),
    _case("a judge's address without a scheme", "settings: {judge: {base-url: banana}}\n"),
]
