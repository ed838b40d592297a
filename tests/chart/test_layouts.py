"""Every layout that is chosen for the study's models becomes a Job with its pods, GPUs and settings."""

import json
from pathlib import Path

import pytest

from polyglot.estimates.fits import sized
from polyglot.schedulers.base import Attempt
from polyglot.schedulers.kubernetes.render.manifests import render_jobs
from tests.kit import estimates


@pytest.mark.parametrize("model", ["teuken-7b", "mixtral-8x7b"])
def test_a_layout_is_rendered_as_it_was_chosen(tmp_path: Path, model: str) -> None:
    attempts, chosen = [], []
    for device in ("h100", "h200"):
        for gpus, ranks in ((1, 1), (2, 1), (4, 1), (8, 1), (8, 2)):
            session, row = estimates.laid_out(tmp_path, model, device, gpus=gpus, ranks=ranks)
            (planned,) = sized([row], session.profile, session.site.capacity)
            attempts.append(Attempt(planned=planned, number=1, store_url="s3://bucket/prefix"))
            chosen.append(planned)
    assert {planned.resources.total_gpus for planned in chosen} >= {1, 2, 4, 8, 16}
    cluster = session.profile.cluster
    assert cluster is not None
    for attempt, planned in zip(attempts, chosen, strict=True):  # they are of one stage, so of one name
        (job,) = render_jobs([attempt], study="layouts", cluster=cluster)
        assert job["spec"]["completions"] == job["spec"]["parallelism"] == planned.resources.ranks
        (container,) = job["spec"]["template"]["spec"]["containers"]
        assert container["resources"]["limits"]["nvidia.com/gpu"] == str(planned.resources.gpus)
        request = json.loads(container["env"][0]["value"])
        assert {name: request["settings"][name] for name in planned.settings} == planned.settings
        assert planned.settings["layout"] == "auto"
