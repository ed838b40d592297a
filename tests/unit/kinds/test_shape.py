"""The parameters of published models, as their publishers count them."""

from pathlib import Path

import pytest

from polyglot.kinds.shape import Shape
from polyglot.study.catalogue import load_catalogue

PUBLISHED = {  # billions; Teuken's is what its weights' 14.9 GB in bfloat16 hold
    "teuken-7b": 7.4535,
    "mixtral-8x7b": 46.7028,
    "mistral-7b": 7.2480,
    "bloom-7b1": 7.0690,
    "xglm-7.5b": 7.4928,
    "llama-3.1-8b": 8.0303,
    "llama-3.2-1b": 1.2358,
    "qwen2.5-7b": 7.6156,
    "gemma-2-9b": 9.2417,
    "smollm2-135m": 0.1345,
    "llama-3.1-8b-instruct": 8.0303,
    "qwen2.5-7b-instruct": 7.6156,
    "smollm2-135m-instruct": 0.1345,
}


def test_every_model_of_the_catalogue_has_a_shape_with_its_known_parameters(tmp_path: Path) -> None:
    models = load_catalogue(tmp_path)["models"]
    counted = {name: Shape.of_config(entry.shape or {}).parameters / 1e9 for name, entry in models.items()}
    assert counted == pytest.approx(PUBLISHED, rel=1e-3)


def test_a_mixture_of_experts_holds_all_and_multiplies_by_two() -> None:
    common = {"hidden_size": 8, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = {**common, "model_type": "mixtral", "vocab_size": 10, "num_local_experts": 8, "num_experts_per_tok": 2}
    shape = Shape.of_config(config)
    assert shape.multiplied == 4 * 8 * 8 + 2 * 3 * 8 * 16
    assert shape.parameters == 2 * 80 + 4 * 8 * 8 + 8 * 3 * 8 * 16 + 3 * 8


def test_the_text_part_of_a_larger_model_is_read() -> None:
    inner = {"hidden_size": 8, "num_hidden_layers": 3, "num_attention_heads": 2, "vocab_size": 10}
    assert Shape.of_config({"model_type": "some", "text_config": inner}).layers == 3


def test_what_a_configuration_lacks_is_named() -> None:
    with pytest.raises(ValueError, match="config.json does not say: layers, vocabulary"):
        Shape.of_config({"hidden_size": 8, "num_attention_heads": 2})
