"""Decoder layers that torch compiles, one by one: equal layers share what was compiled for the first."""

import logging
import os
import shutil
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from logging import Logger
from pathlib import Path

import torch
from torch._dynamo.exc import TorchDynamoException
from torch._inductor.exc import InductorError
from transformers import PreTrainedModel

from jobs.lib.model.layers import decoder_layers
from polyglot.core.errors import Permanent

RECOMPILATIONS = 16  # of one layer's code, for shapes and modes that what is compiled does not fit
_SOURCE = "torch._dynamo.convert_frame"  # the logger that tells of a bound that was hit


def check_compiler(what: str, device: torch.device) -> None:
    """Raise Permanent, in the name of what wants it, where there is no compiler for code of this device.

    On a GPU Triton builds its launchers by a C compiler; on a processor all that is compiled is C++.
    """
    names = ("CC", ("clang", "gcc")) if device.type == "cuda" else ("CXX", ("g++",))
    asked, usual = names
    said = os.environ.get(asked)
    found = shutil.which(said) if said else next(filter(None, map(shutil.which, usual)), None)
    if found is None:
        got = f"{asked}={said}, which is not there" if said else f"no {' or '.join(usual)}"
        raise Permanent(
            f"{what}: needs a compiler, got {got}. Put one into the image, name it in {asked}, or leave this out"
        )
    headers = Path(sysconfig.get_path("include")) / "Python.h"
    if not headers.is_file():
        raise Permanent(
            f"{what}: needs Python's headers, and {headers} is not there. Put them into the image, or leave this out"
        )


@contextmanager
def compiled(model: PreTrainedModel, log: Logger) -> Iterator[None]:
    """Meanwhile layers are compiled when they first compute, for sequences of any number and length.

    A layer that has been compiled RECOMPILATIONS times computes what is new again as it did before, and the log says so
    once. What is drawn at random is what would be drawn without. Raises Permanent for a model that cannot be compiled.
    """
    layers = decoder_layers(model)
    if not layers:
        raise Permanent(f"compile: {type(model).__name__} names no layers. Leave it out of the settings")
    bound = _Bound(log)
    source = logging.getLogger(_SOURCE)
    source.addFilter(bound)
    log.info("compile: %d layers; the first steps take minutes", len(layers))
    try:
        with (
            torch._dynamo.config.patch(recompile_limit=RECOMPILATIONS),
            torch._inductor.config.patch(compile_threads=1, fallback_random=True),  # no processes that could live on
        ):
            for layer in layers:
                layer.compile(dynamic=True)
            yield
    except (TorchDynamoException, InductorError) as error:
        first = next(filter(None, map(str.strip, str(error).splitlines())), type(error).__name__)
        raise Permanent(
            f"compile: {type(model).__name__} cannot be compiled: {first[:200]}. Leave it out of the settings"
        ) from error
    finally:
        source.removeFilter(bound)
        for layer in layers:
            layer._compiled_call_impl = None


class _Bound(logging.Filter):
    """Puts one line of ours in the place of torch's on each layer whose bound was hit."""

    def __init__(self, log: Logger) -> None:
        super().__init__()
        self._log, self._said = log, False

    def filter(self, record: logging.LogRecord) -> bool:
        if "hit config." not in str(record.msg):
            return True
        if not self._said:
            self._said = True
            self._log.warning(
                "compile: layers were compiled %d times for other shapes; for more of them they compute uncompiled",
                RECOMPILATIONS,
            )
        return False
