"""Which attention a training computes with, and why that one.

Packed samples want kernels that take sequences by their lengths (flash, flex); sdpa keeps them apart by a mask of the
whole sequence, which it must read. Where nothing is said, the fast ones are taken where they are sure to work.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from huggingface_hub import constants
from transformers import AutoModelForCausalLM, PreTrainedConfig
from transformers.modeling_flash_attention_utils import lazy_import_flash_attention
from transformers.utils.import_utils import is_flash_attn_2_available, is_flash_attn_3_available

from polyglot.core.errors import Permanent

FLASH = ("flash_attention_2", "flash_attention_3")
_NAMES = {"flex": "flex_attention"}  # transformers' names, where they are not ours
_WIDEST = 256  # numbers a head of the flash kernels


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """`implementation` as transformers calls it, None: what it chooses itself; and why."""

    implementation: str | None
    why: str


def choose(asked: str | None, *, on_gpu: bool, half: bool, packed: bool, absent: Mapping[str, str]) -> Choice:
    """Choose by what a profile asks for, or what is fastest of what is sure to work.

    `half`: products are in bfloat16. `absent` says of each flash kernel that cannot be had why not. Raises Permanent
    where what is asked for cannot be.
    """
    if asked is None:
        if not on_gpu:
            return Choice(implementation=None, why="transformers' choice on a processor")
        if not packed:
            return Choice(implementation=None, why="transformers' choice, as no samples are packed")
        if not half:
            return Choice(implementation=None, why="transformers' choice: the flash kernels want precision bfloat16")
        if FLASH[0] in absent:
            why = f"transformers' choice: {FLASH[0]} is not to be had, {absent[FLASH[0]]}"
            return Choice(implementation=None, why=why)
        return Choice(implementation=FLASH[0], why="as samples are packed, whose lengths it takes")
    if asked in FLASH:
        if not on_gpu:
            raise Permanent(f"attention: {asked} computes on a GPU alone, and there is none. Take sdpa, or say nothing")
        if not half:
            raise Permanent(f"attention: {asked} wants precision bfloat16, and this is float32. Take sdpa")
        if asked in absent:
            raise Permanent(f"attention: {asked} is not to be had: {absent[asked]}. Take sdpa, or say nothing")
    if asked == "flex" and not on_gpu:
        raise Permanent("attention: flex has no backward pass on a processor. Take sdpa, or say nothing")
    return Choice(implementation=_NAMES.get(asked, asked), why="as the settings say")


def absent_kernels(config: PreTrainedConfig) -> dict[str, str]:
    """Why flash kernels cannot be had, for a model of this configuration on this machine; those that can are left out.

    Nothing is fetched for it: kernels of the `kernels` package count where its cache has them.
    """
    text = config.get_text_config()
    kind = AutoModelForCausalLM._model_mapping.get(type(config), None)
    heads = int(getattr(text, "num_attention_heads", 0) or 1)
    width = getattr(text, "head_dim", None) or int(text.hidden_size) // heads
    why = ""
    if not getattr(kind, "_supports_flash_attn", False):
        why = f"transformers has none for {config.model_type}"
    elif width > _WIDEST:
        why = f"its heads have {_WIDEST} numbers at most and the model's have {width}"
    there = {FLASH[0]: is_flash_attn_2_available, FLASH[1]: is_flash_attn_3_available}
    found = {}
    for name, is_there in there.items():
        if reason := why or ("" if is_there() else _why_not_cached(name)):
            found[name] = reason
    return found


def _why_not_cached(name: str) -> str:
    package = "flash_attn" if name == FLASH[0] else "flash_attn_interface"
    lacking = f"the environment has neither {package} nor its kernel in the cache of the package kernels"
    before, constants.HF_HUB_OFFLINE = constants.HF_HUB_OFFLINE, True
    try:
        lazy_import_flash_attention(name)
    except (ImportError, OSError, ValueError, RuntimeError, KeyError):
        return lacking
    finally:
        constants.HF_HUB_OFFLINE = before
    return ""
