"""The shape of a causal language model: what its memory and its time follow from, read from its configuration.

Counts are those of transformers' own classes. They are exact for decoders with rotary positions (Llama, Mistral,
Mixtral, Qwen 2, Gemma) and within 1 % for older ones (GPT-2, GPT-NeoX, BLOOM, OPT, XGLM), whose biases differ.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from polyglot.core.canonical import Json

_DTYPE_BYTES = {"float32": 4, "float16": 2, "bfloat16": 2, "float64": 8}
# Where no configuration says it: the classes' own defaults.
_TIED = frozenset({"gpt2", "bloom", "xglm", "opt", "gemma", "gemma2", "gemma3_text"})
_UNGATED = frozenset({"gpt2", "gpt_neo", "gpt_neox", "gptj", "bloom", "xglm", "opt", "falcon", "phi", "mpt", "codegen"})
_LEARNT_POSITIONS = {"gpt2": 0, "gpt_neo": 0, "opt": 2}  # rows beyond the positions
_NAMES = {
    "layers": ("num_hidden_layers", "n_layer", "num_layers", "n_layers"),
    "hidden": ("hidden_size", "n_embd", "d_model"),
    "heads": ("num_attention_heads", "n_head", "attention_heads", "n_heads", "num_heads"),
    "vocabulary": ("vocab_size",),
    "intermediate": ("moe_intermediate_size", "intermediate_size", "ffn_dim", "n_inner"),
    "kv_heads": ("num_key_value_heads",),
    "head_size": ("head_dim",),
    "experts": ("num_local_experts", "num_experts"),
    "experts_at_once": ("num_experts_per_tok",),
    "positions": ("max_position_embeddings", "n_positions", "n_ctx"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """`dtype_bytes` is the size of a weight as its files have it, `positions` how far it sees; 0: without an end."""

    layers: int
    hidden: int
    intermediate: int
    heads: int
    kv_heads: int
    head_size: int
    vocabulary: int  # rows of the embedding
    tied: bool  # the head multiplies by the embedding
    gated: bool = True  # a feed-forward layer has three matrices, else two
    biases: bool = False
    experts: int = 1
    experts_at_once: int = 1
    positions: int = 0
    learnt_positions: int = 0  # rows of a table of positions
    dtype_bytes: int = 2

    @classmethod
    def of_config(cls, config: Mapping[str, Json]) -> Self:
        """Read a config.json. Raises ValueError naming what it lacks."""
        inner = config.get("text_config")
        if isinstance(inner, Mapping):
            config = {**config, **inner}
        found = {name: _number(config, names) for name, names in _NAMES.items()}
        lacking = [name for name in ("layers", "hidden", "heads", "vocabulary") if not found[name]]
        if lacking:
            raise ValueError(f"config.json does not say: {', '.join(lacking)}")
        model, hidden, heads = str(config.get("model_type", "")), found["hidden"], found["heads"]
        tied = config.get("tie_word_embeddings", model in _TIED)
        return cls(
            layers=found["layers"],
            hidden=hidden,
            intermediate=found["intermediate"] or 4 * hidden,
            heads=heads,
            kv_heads=found["kv_heads"] or heads,
            head_size=found["head_size"] or hidden // heads,
            vocabulary=found["vocabulary"],
            tied=bool(tied),
            gated=model not in _UNGATED,
            biases=model in _UNGATED,
            experts=found["experts"] or 1,
            experts_at_once=found["experts_at_once"] or 1,
            positions=found["positions"],
            learnt_positions=found["positions"] + _LEARNT_POSITIONS[model] if model in _LEARNT_POSITIONS else 0,
            dtype_bytes=_DTYPE_BYTES.get(str(config.get("dtype") or config.get("torch_dtype")), 4),
        )

    @property
    def parameters(self) -> int:
        """All weights, tied ones once."""
        tables = self.vocabulary * (1 if self.tied else 2) + self.learnt_positions
        norms = (2 * self.layers + 1) * self.hidden * (2 if self.biases else 1)
        return self.hidden * tables + self.layers * (self._attention + self._expert * self.experts) + norms

    @property
    def multiplied(self) -> int:
        """Weights that one token is multiplied by, those of the head left out: it may not reach every token."""
        return self.layers * (self._attention + self._expert * self.experts_at_once)

    @property
    def head(self) -> int:
        """Weights of the output layer."""
        return self.vocabulary * self.hidden

    @property
    def cache_numbers(self) -> int:
        """Numbers in the key-value cache of one token."""
        return 2 * self.layers * self.kv_heads * self.head_size

    @property
    def _attention(self) -> int:
        width, kv = self.heads * self.head_size, self.kv_heads * self.head_size
        biases = width + 2 * kv + self.hidden if self.biases else 0
        return 2 * self.hidden * width + 2 * self.hidden * kv + biases

    @property
    def _expert(self) -> int:
        matrices = 3 if self.gated else 2
        return matrices * self.hidden * self.intermediate + (self.hidden + self.intermediate if self.biases else 0)


def _number(config: Mapping[str, Json], names: tuple[str, ...]) -> int:
    """The first of several names that has a whole number; 0 without any."""
    for name in names:
        value = config.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return value
    return 0
