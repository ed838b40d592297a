"""Published data on the cluster: docs-x and MT-Bench-X, trained by two pods of two processes, answered in shards."""

from pathlib import Path

import pytest

from polyglot.plan.build import build_plan
from polyglot.store.committed import committed_many
from polyglot.study.load import load_study
from polyglot.study.lock import lock_study
from polyglot.study.profile import load_profile
from tests.kit.cluster.installation import ROOT, installed
from tests.kit.cluster.target import Target

STUDY = ROOT / "studies" / "docs-x.yaml"
MIX = "ENDEFRITES"
SHARED = ROOT.parent / "shared" / "data" / "docs-x"
# A node has two GPUs, so that no node takes two ranks; each of them is a process, which computes on the CPU here.
RANKED = {"cpus": 1, "gpus": 2, "ranks": 2, "memory": "4GiB"}
LABELS = "polyglot.dev/kind={}"
QUESTIONS = 5 * 80


@pytest.mark.slow
@pytest.mark.skipif(not SHARED.is_dir(), reason="docs-x is not beside the checkout")
@pytest.mark.timeout(1800)
def test_two_ranks_train_and_two_shards_answer_published_data(
    cluster: Target, images: dict[str, str], tmp_path: Path
) -> None:
    """What no single node did alone: the gradient, over gloo between pods and inside them, and the 400 answers."""
    sections = {"resources": {"train": RANKED, "answer": {**RANKED, "gpus": 0}}}
    with installed(cluster, images, tmp_path, sections=sections) as made:
        options = ["--mix", MIX, "--profile", made.profile]
        said = made.polyglot("submit", STUDY, *options, "--attach", "--out", tmp_path / "out")
        assert "<!doctype html>" in Path(said.stdout.splitlines()[0]).read_text()
        nodes = {
            kind: [
                pod.spec.node_name
                for pod in cluster.core.list_namespaced_pod(
                    made.namespace.name, label_selector=LABELS.format(kind)
                ).items
            ]
            for kind in ("train", "answer")
        }
        assert sorted(nodes["train"]) == sorted(set(nodes["train"]))
        assert len(nodes["train"]) == 2
        plan = build_plan(lock_study(load_study(STUDY)), load_profile("local"), mix=MIX)
        found = committed_many(made.store, [planned.stage for planned in plan])
        by_label = {planned.label: planned for planned in plan}
        train = by_label[f"train tiny/docs/{MIX}/s0"]
        assert found[train.key].execution["world_size"] == 4
        answered = by_label[f"answer tiny/docs/{MIX}/s0"]
        parts = {entry.path.rpartition("/")[2] for entry in made.store.list(f"stages/answer/{answered.key}/parts/")}
        assert {name.partition("-of-")[0] for name in parts} == {"0", "1"}
        judged = found[by_label[f"judge tiny/docs/{MIX}/s0"].key]
        assert judged.metrics["verdicts"] == 2 * QUESTIONS
