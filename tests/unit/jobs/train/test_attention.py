"""Which attention is chosen, by what there is; and what it is told of packed samples."""

from typing import Any

import pytest
from transformers import BloomConfig, Gemma3TextConfig, LlamaConfig

from jobs.train.attention import FLASH, absent_kernels, choose
from polyglot.core.errors import Permanent

NOTHING = {name: "the environment has no kernel" for name in FLASH}


@pytest.mark.parametrize(
    ("on_gpu", "half", "packed", "absent", "implementation", "why"),
    [
        (True, True, True, {}, "flash_attention_2", "as samples are packed"),
        (True, True, True, NOTHING, None, "flash_attention_2 is not to be had, the environment has no kernel"),
        (True, True, False, {}, None, "no samples are packed"),
        (True, False, True, {}, None, "want precision bfloat16"),
        (False, False, True, {}, None, "on a processor"),
    ],
)
def test_is_the_fastest_that_is_sure_to_work_where_nothing_is_said(
    on_gpu: bool, half: bool, packed: bool, absent: dict[str, str], implementation: str | None, why: str
) -> None:
    choice = choose(None, on_gpu=on_gpu, half=half, packed=packed, absent=absent)
    assert choice.implementation == implementation
    assert why in choice.why


@pytest.mark.parametrize("asked", ["sdpa", "eager", "flash_attention_2", "flash_attention_3", "flex"])
def test_is_what_a_profile_says(asked: str) -> None:
    choice = choose(asked, on_gpu=True, half=True, packed=False, absent={})
    assert choice.implementation == ("flex_attention" if asked == "flex" else asked)


@pytest.mark.parametrize(
    ("asked", "conditions", "line"),
    [
        ("flash_attention_2", {"on_gpu": False}, "computes on a GPU alone, and there is none"),
        ("flash_attention_3", {"half": False}, "wants precision bfloat16"),
        ("flash_attention_2", {"absent": NOTHING}, "is not to be had: the environment has no kernel. Take sdpa"),
        ("flex", {"on_gpu": False}, "has no backward pass on a processor. Take sdpa"),
    ],
)
def test_that_cannot_be_is_refused_with_what_to_do(asked: str, conditions: dict[str, Any], line: str) -> None:
    with pytest.raises(Permanent, match=line):
        choose(asked, **{"on_gpu": True, "half": True, "packed": True, "absent": {}, **conditions})


def test_kernels_that_are_not_here_say_what_is_lacking() -> None:
    assert "flash_attn nor its kernel" in absent_kernels(LlamaConfig())["flash_attention_2"]
    assert "flash_attn_interface nor" in absent_kernels(LlamaConfig())["flash_attention_3"]
    assert "transformers has none for bloom" in absent_kernels(BloomConfig())["flash_attention_2"]
    wide = Gemma3TextConfig(head_dim=512)
    assert absent_kernels(wide)["flash_attention_2"] == "its heads have 256 numbers at most and the model's have 512"
