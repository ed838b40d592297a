"""What changes no reply is in no key of the kinds that ask, and what was asked under an earlier key is found."""

from dataclasses import replace

import pytest

from polyglot.core.stage import Stage
from polyglot.kinds.judge import KIND as JUDGE
from polyglot.kinds.judge import JudgeParams
from polyglot.kinds.kind import Params
from polyglot.kinds.quality import KIND as QUALITY
from polyglot.kinds.quality import QualityParams
from polyglot.kinds.reference import KIND as REFERENCE
from polyglot.kinds.reference import ReferenceParams

JUDGED = JudgeParams(endpoint="openai", model="m", languages=("EN",), prompts_sha256={"EN": "0" * 64})
WRITTEN = ReferenceParams(endpoint="openai", model="m", languages=("EN",), categories="all", prompt=1)
RATED = QualityParams(
    what="dataset", source="EN", target="DE", adequacy_model="m", adequacy_prompt=2, adequacy_max_tokens=9
)


def stage(params: Params) -> Stage:
    return Stage(kind=params.kind, version=params.version, params=params.document(), inputs={"answers": "0" * 64})


def test_a_judge_s_earlier_versions_had_the_share_among_their_parameters() -> None:
    assert "max_failed_share" not in JUDGED.document()
    now = stage(JUDGED)
    found = list(JUDGE.earlier(now, {"max_failed_share": 0.1}))
    assert [(one.version, one.params["max_failed_share"]) for one in found] == [(2, 0.1), (2, 0.02)]
    assert all(one.inputs == now.inputs and one.seed == now.seed for one in found)
    assert [one.params["max_failed_share"] for one in JUDGE.earlier(now, {})] == [0.02]


def test_references_keep_the_key_that_they_had_with_the_default() -> None:
    now = stage(WRITTEN)
    assert now.params["max_failed_share"] == 0.02
    found = list(REFERENCE.earlier(now, {"max_failed_share": 0.5}))
    assert found == [replace(now, params={**now.params, "max_failed_share": 0.5})]
    assert list(REFERENCE.earlier(now, {})) == []


@pytest.mark.parametrize(("model", "shares"), [("m", [0.5, 0.05]), ("", [])])
def test_ratings_of_adequacy_were_asked_for_under_another_key(model: str, shares: list[float]) -> None:
    now = stage(RATED.model_copy(update={"adequacy_model": model}))
    found = list(QUALITY.earlier(now, {"max_failed_share": 0.5}))
    assert [(one.params["adequacy_prompt"], one.params["adequacy_max_failed_share"]) for one in found] == [
        (1, share) for share in shares
    ]
