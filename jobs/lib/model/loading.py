"""Loading models and tokenizers that somebody else made, without running anything they brought.

Only safetensors are read, each file's header is checked before a byte of weights is, nothing is fetched, no code of a
repository is ever run, and a model whose weights are incomplete is refused instead of being filled with noise. Every
refusal is Permanent and says which file is at fault.
"""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors import SafetensorError, safe_open
from torch.distributed import get_world_size
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.distributed.configuration_utils import DistributedConfig

from jobs.lib.context import Input
from jobs.lib.model.sentence_pieces import check_pieces, pieces_file
from jobs.lib.ranks import is_of_exchange
from polyglot.core.canonical import Json
from polyglot.core.errors import Permanent, PolyglotError

PICKLES = frozenset({".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".h5", ".msgpack", ".npz", ".npy"})
_CONFIGS = ("config.json", "tokenizer_config.json", "generation_config.json", "processor_config.json")

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}

transformers.logging.set_verbosity_error()  # type: ignore[no-untyped-call]
transformers.logging.disable_progress_bar()  # type: ignore[no-untyped-call]


def check_directory(directory: Path) -> None:
    """Refuse a model directory that could run code or holds weights which are not what they say. Raises Permanent."""
    if not (directory / "config.json").is_file():
        raise Permanent("model/config.json is missing: this is no model directory")
    refuse_code(directory)
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
    directory: Path,
    *,
    dtype: torch.dtype | None,
    device: torch.device,
    attention: str | None = None,
    shard: Callable[[PreTrainedModel], None] | None = None,
) -> PreTrainedModel:
    """Load any AutoModelForCausalLM; `dtype` None keeps the one that its files have, `attention` None the library's.

    Weights are mapped from disk and go straight to the device: the peak is one copy of the model and one tensor. With
    `shard`, which makes a model without weights a sharded one, each rank loads its slices; the call is a collective.
    Raises Permanent for whatever `check_directory` refuses, unknown architectures and incomplete weights.
    """
    check_directory(directory)
    config = configuration(directory)
    with _loading("model"):
        kind = AutoModelForCausalLM if shard is None else _sharded_by(shard, config)
        loaded: Any = kind.from_pretrained(
            directory,
            config=config,
            dtype=dtype if dtype is not None else "auto",
            device_map={"": device} if device.type != "cpu" and shard is None else None,
            distributed_config=DistributedConfig(fsdp_size=get_world_size()) if shard is not None else None,
            attn_implementation=attention,
            ignore_mismatched_sizes=True,  # they are refused below, by name
            trust_remote_code=False,
            local_files_only=True,
            use_safetensors=True,
            output_loading_info=True,
        )
    model: PreTrainedModel = loaded[0]
    report: dict[str, Any] = loaded[1]
    if missing := sorted(map(str, report["missing_keys"])):
        raise Permanent(f"model: {len(missing)} weights are missing, the first: {missing[0]}")
    for name, found, expected in sorted(report["mismatched_keys"]):
        raise Permanent(
            f"model: {name}: got the shape {tuple(found)}; config.json says {tuple(expected)}: they are of two models"
        )
    return model


def _sharded_by(shard: Callable[[PreTrainedModel], None], config: PreTrainedConfig) -> type[PreTrainedModel]:
    """The class of a configuration, which is sharded as we say when it is made, before its weights are read.

    transformers 5.23 shards by rules of its own: it ties weights afterwards, so that the output layer's are a parameter
    with slices of their own, which an uneven number of ranks never sees change; and it cuts experts whole, so that
    there are no more ranks than experts.
    """
    kind: Any = AutoModelForCausalLM._model_mapping[type(config)]

    def distribute(model: Any, distributed_config: DistributedConfig, mesh_manager: Any) -> Any:
        model.config.distributed_config = distributed_config
        model._mesh_manager, model._device_mesh = mesh_manager, mesh_manager.get_mesh(("pp", "fsdp", "tp"))
        model._is_distributed_loading_by_transformers = model._is_fsdp_managed_module = True
        model._tp_size, model._fsdp_size = 1, distributed_config.fsdp_size
        model.tie_weights()
        shard(model)
        return model

    changes = {"maybe_distribute_model": staticmethod(distribute), "__module__": kind.__module__}
    return type(kind.__name__, (kind,), changes)


def check_tied(directory: Path, model: PreTrainedModel) -> None:
    """Refuse files whose tied weights are there twice and differ, which one process alone does not tie.

    Raises Permanent.
    """
    tied = model.all_tied_weights_keys or {}
    places = {name: shard for shard in _shards(directory) for name in _names(shard)} if tied else {}
    for target, source in tied.items():
        both = target in places and source in places
        if both and not _are_equal((places[target], target), (places[source], source)):
            raise Permanent(
                f"model: {target} and {source} differ in the files, and config.json ties them (tie_word_embeddings): "
                "such a model cannot be spread over ranks. Mend config.json, or take one rank"
            )


def _names(shard: Path) -> set[str]:
    with safe_open(shard, framework="pt") as file:
        return set(file.keys())


def _are_equal(one: tuple[Path, str], other: tuple[Path, str], rows: int = 4096) -> bool:
    """Whether two tensors of files are equal, some rows at a time."""
    with safe_open(one[0], framework="pt") as left, safe_open(other[0], framework="pt") as right:
        first, second = left.get_slice(one[1]), right.get_slice(other[1])
        count = first.get_shape()[0]
        return first.get_shape() == second.get_shape() and all(
            torch.equal(first[at : at + rows], second[at : at + rows]) for at in range(0, count, rows)
        )


def load_tokenizer(directory: Path) -> PreTrainedTokenizerBase:
    """Load the tokenizer of a model directory. Raises Permanent when there is none or it brings code."""
    refuse_code(directory)
    with _loading("tokenizer"):
        return _tokenizer_class(directory).from_pretrained(directory, trust_remote_code=False, local_files_only=True)


def check_configuration(directory: Path) -> None:
    """Refuse what its small files show already: code, an architecture or a tokenizer that cannot be loaded.

    Raises Permanent.
    """
    if not (directory / "config.json").is_file():
        raise Permanent("model/config.json is missing: this is no model directory")
    refuse_code(directory)
    config, rows = configuration(directory), vocabulary(directory)
    if type(config) not in AutoModelForCausalLM._model_mapping:
        raise Permanent(
            f"model/config.json: model_type {config.model_type!r} is no causal language model that transformers "
            f"{transformers.__version__} has"
        )
    tokenizer = load_tokenizer(directory)
    said = {"EOS": tokenizer.eos_token_id, "BOS": tokenizer.bos_token_id if adds_bos(tokenizer) else None}
    for name, identity in said.items():
        if identity is not None:
            check_ids(f"the tokenizer's {name}", identity, rows, tokenizer)
    if pieces := pieces_file(directory):
        check_pieces(pieces, tokenizer)


def _tokenizer_class(directory: Path) -> type[AutoTokenizer] | type[PreTrainedTokenizerBase]:
    """The class that converts a SentencePiece model as its publisher names it; else transformers chooses.

    It chooses by the architecture, and for some (Mistral) a class that only reads tokenizer.json rightly.
    """
    config = directory / "tokenizer_config.json"
    if pieces_file(directory) is not None and config.is_file():
        name = str(_json_object(config).get("tokenizer_class", ""))
        return getattr(transformers, name.removesuffix("Fast"), AutoTokenizer)
    return AutoTokenizer


def check_weights(directory: Path) -> None:
    """Refuse weights that are not those of the configuration: names and shapes, no value is read. Raises Permanent."""
    load_model(directory, dtype=None, device=torch.device("meta"))


def check_ids(what: str, largest: int, rows: int, tokenizer: PreTrainedTokenizerBase) -> None:
    """Refuse ids that would be read or learnt and have no row in the embedding. Raises Permanent."""
    if largest >= rows:
        token = tokenizer.convert_ids_to_tokens(largest)
        raise Permanent(
            f"{what}: {'a token' if token is None else f'token {token!r}'} has the id {largest}, but the model embeds "
            f"{rows} tokens. Take the tokenizer that the model was trained with, or a model with a larger embedding"
        )


def vocabulary(directory: Path) -> int:
    """Rows of the embedding, as the configuration says and `load_model` holds it to."""
    return int(configuration(directory).get_text_config().vocab_size)


def embedded(model: PreTrainedModel) -> int:
    """Rows of the embedding of a model."""
    return int(next(model.get_input_embeddings().parameters()).shape[0])


def padding_id(tokenizer: PreTrainedTokenizerBase, rows: int) -> int:
    """What padding is filled with. It is masked, so that an added PAD without a row may be replaced by EOS."""
    pad = tokenizer.pad_token_id
    return int(pad if pad is not None and 0 <= pad < rows else tokenizer.eos_token_id)


def without_token(tokenizer: PreTrainedTokenizerBase, rows: int, device: torch.device) -> torch.Tensor | None:
    """Which of the embedding's rows (R,) no token stands for, so that no answer can hold one; None where none is."""
    absent = torch.ones(rows, dtype=torch.bool)
    absent[[identity for identity in tokenizer.get_vocab().values() if identity < rows]] = False
    return absent.to(device) if bool(absent.any()) else None


def adds_bos(tokenizer: PreTrainedTokenizerBase) -> bool:
    """Whether this tokenizer's own encoding of text begins with BOS: its family was pre-trained that way."""
    bos = tokenizer.bos_token_id
    return bos is not None and list(tokenizer("a")["input_ids"])[:1] == [bos]


def max_positions(model: PreTrainedModel) -> int | None:
    """The longest sequence that the model can see, in tokens; None where its positions have no end."""
    return _positions(model.config)


def positions(directory: Path) -> int | None:
    """The same, as the configuration says."""
    return _positions(configuration(directory))


def _positions(config: PreTrainedConfig) -> int | None:
    value = getattr(config.get_text_config(), "max_position_embeddings", None)
    return value if isinstance(value, int) and value > 0 else None


def without_weights(base: Input) -> Path:
    """The directory of a model with all but its weights: enough for its tokenizer and configuration."""
    small = [name for name in base.names() if name.startswith("model/") and not name.endswith(".safetensors")]
    for name in small:
        base.path(name)
    return base.path("model/config.json").parent


OF_DEVICE = (torch.OutOfMemoryError, torch.AcceleratorError)  # RuntimeErrors of a GPU, which say nothing of a model


def choose_device() -> torch.device:
    """The GPU of this process where there is one (LOCAL_RANK picks it), else the CPU.

    Raises PolyglotError where fewer GPUs work than this pod has processes: another node may have them all.
    """
    if torch.cuda.is_available():
        local_rank, found = int(os.environ.get("LOCAL_RANK", "0")), torch.cuda.device_count()
        if local_rank >= found:
            raise PolyglotError(f"GPU {local_rank} is not there: CUDA sees {found}; each process has its own")
        return torch.device("cuda", local_rank)
    return torch.device("cpu")


def configuration(directory: Path) -> PreTrainedConfig:
    """The configuration; a PAD beyond the embedding is none, as padding is masked and torch would refuse it."""
    with _loading("model/config.json"):
        config: PreTrainedConfig = AutoConfig.from_pretrained(directory, trust_remote_code=False, local_files_only=True)
        for part in (config, config.get_text_config()):
            rows, pad = getattr(part, "vocab_size", None), getattr(part, "pad_token_id", None)
            if isinstance(rows, int) and isinstance(pad, int) and pad >= rows:
                part.pad_token_id = None
    return config


_EXPERTS = ("num_local_experts", "num_experts", "n_routed_experts", "moe_num_experts")  # as configurations say it


def routes(config: PreTrainedConfig) -> bool:
    """Whether a model is a mixture of experts."""
    return any((getattr(config.get_text_config(), name, None) or 1) > 1 for name in _EXPERTS)


@contextmanager
def _loading(what: str) -> Iterator[None]:
    """What a library raises of files that lie here is Permanent, but for want of memory, of a peer, or the system's."""
    try:
        yield
    except (MemoryError, *OF_DEVICE, Permanent):
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None or "can't allocate memory" in str(error):
            raise
        if is_of_exchange(error):
            raise
        raise Permanent(f"{what}: cannot be loaded: {_first_line(error)}") from error


def refuse_code(directory: Path) -> None:
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


def _json_object(path: Path) -> dict[str, Json]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise Permanent(f"model/{path.name}: not JSON: {_first_line(error)}") from error
    if not isinstance(value, dict):
        raise Permanent(f"model/{path.name}: not a JSON object")
    return value


def _first_line(error: BaseException) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    if len(lines) > 1 and lines[0].endswith(":"):
        lines[0] += f" {lines[1].strip()}"
    return (lines[0] if lines else type(error).__name__)[:300]
