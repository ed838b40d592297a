"""Loading models and tokenizers that somebody else made, without running anything they brought.

Only safetensors are read, each file's header is checked before a byte of weights is, nothing is fetched, no code of a
repository is ever run, and a model whose weights are incomplete is refused instead of being filled with noise. Every
refusal is Permanent and says which file is at fault.
"""

import json
import os
from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors import SafetensorError, safe_open
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, PreTrainedModel

from polyglot.core.errors import Permanent

PICKLES = frozenset({".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".h5", ".msgpack", ".npz", ".npy"})
_CONFIGS = ("config.json", "tokenizer_config.json", "generation_config.json", "processor_config.json")

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}

transformers.logging.set_verbosity_error()  # type: ignore[no-untyped-call]
transformers.logging.disable_progress_bar()  # type: ignore[no-untyped-call]


def check_directory(directory: Path) -> None:
    """Refuse a model directory that could run code or holds weights which are not what they say. Raises Permanent."""
    if not (directory / "config.json").is_file():
        raise Permanent("model/config.json is missing: this is no model directory")
    _refuse_code(directory)
    if (directory / "adapter_config.json").exists():
        raise Permanent("model/adapter_config.json: adapters are not read; merge them into the model first")
    shards = _shards(directory)
    if not shards:
        pickles = sorted(path.name for path in directory.iterdir() if path.suffix in PICKLES)
        found = f"; got {', '.join(pickles)}, which may run code when read" if pickles else ""
        raise Permanent(f"model: no safetensors weights{found}. Convert them with save_pretrained")
    for shard in shards:
        _check_shard(shard)


def load_model(
    directory: Path, *, dtype: torch.dtype | None, device: torch.device, attention: str | None = None
) -> PreTrainedModel:
    """Load any AutoModelForCausalLM; `dtype` None keeps the one that its files have, `attention` None the library's.

    Weights are mapped from disk and go straight to the device: the peak is one copy of the model and one tensor.
    Raises Permanent for whatever `check_directory` refuses, unknown architectures and incomplete weights.
    """
    check_directory(directory)
    try:
        config = AutoConfig.from_pretrained(directory, trust_remote_code=False, local_files_only=True)
        loaded: Any = AutoModelForCausalLM.from_pretrained(
            directory,
            config=config,
            dtype=dtype if dtype is not None else "auto",
            device_map={"": device} if device.type != "cpu" else None,
            attn_implementation=attention,
            trust_remote_code=False,
            local_files_only=True,
            use_safetensors=True,
            output_loading_info=True,
        )
    except (ValueError, KeyError, TypeError, RuntimeError, ImportError, SafetensorError) as error:
        if isinstance(error, torch.cuda.OutOfMemoryError):
            raise
        raise Permanent(f"model: cannot be loaded: {_first_line(error)}") from error
    model: PreTrainedModel = loaded[0]
    report: dict[str, Any] = loaded[1]
    missing = sorted(report["missing_keys"]) + sorted(str(key) for key in report["mismatched_keys"])
    if missing:
        raise Permanent(f"model: {len(missing)} weights are missing or of another shape, the first: {missing[0]}")
    return model


def load_tokenizer(directory: Path) -> Any:
    """Load the tokenizer of a model directory. Raises Permanent when there is none or it brings code."""
    _refuse_code(directory)
    try:
        return AutoTokenizer.from_pretrained(directory, trust_remote_code=False, local_files_only=True)
    except (ValueError, KeyError, TypeError, OSError, ImportError) as error:
        raise Permanent(f"tokenizer: cannot be loaded: {_first_line(error)}") from error
    except Exception as error:  # the Rust tokenizer raises bare Exception for a file that it cannot parse
        if type(error) is not Exception:
            raise
        raise Permanent(f"tokenizer: cannot be loaded: {_first_line(error)}") from error


def max_positions(model: PreTrainedModel) -> int | None:
    """The longest sequence that the model can see, in tokens; None where its positions have no end."""
    config = model.config.get_text_config()
    value = getattr(config, "max_position_embeddings", None)
    return value if isinstance(value, int) and value > 0 else None


def choose_device() -> torch.device:
    """The GPU of this process where there is one (LOCAL_RANK picks it), else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
    return torch.device("cpu")


def _refuse_code(directory: Path) -> None:
    """Refuse what asks for code of a repository, and code itself."""
    for name in _CONFIGS:
        if (directory / name).is_file() and "auto_map" in _json_object(directory / name):
            raise Permanent(f"model/{name}: auto_map asks for code of the repository, which is never run here")
    for path in sorted(directory.rglob("*.py")):
        raise Permanent(f"model/{path.relative_to(directory)}: a model directory holds no code")


def _shards(directory: Path) -> list[Path]:
    """The safetensors files of a model: those that its index names, else the single one."""
    index = directory / "model.safetensors.index.json"
    if not index.is_file():
        single = directory / "model.safetensors"
        return [single] if single.is_file() else []
    names = _json_object(index).get("weight_map")
    if not isinstance(names, dict) or not names:
        raise Permanent(f"model/{index.name}: no weight_map")
    result = []
    for name in sorted({str(name) for name in names.values()}):
        path = directory / name
        if "/" in name or "\\" in name or not name.endswith(".safetensors"):
            raise Permanent(f"model/{index.name}: {name!r} is not the name of a safetensors file beside it")
        if not path.is_file():
            raise Permanent(f"model/{index.name}: {name} is missing")
        result.append(path)
    return result


def _check_shard(path: Path) -> None:
    """Open one file, which makes safetensors check its header: size, JSON, types, offsets without holes or overlaps."""
    try:
        with safe_open(path, framework="pt") as file:
            if not list(file.keys()):
                raise Permanent(f"model/{path.name}: holds no tensor")
    except (SafetensorError, OSError, ValueError) as error:
        raise Permanent(f"model/{path.name}: not a safetensors file: {_first_line(error)}") from error


def _json_object(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise Permanent(f"model/{path.name}: not JSON: {_first_line(error)}") from error
    if not isinstance(value, dict):
        raise Permanent(f"model/{path.name}: not a JSON object")
    return value


def _first_line(error: BaseException) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__)[:300]
