"""What each step of a training took, told while it goes on: groups of rows for the store, and whoever else listens.

The first rank measures; the others do nothing here. Groups are put by a thread in the background, at least every
minute and where a checkpoint is made, and at the end however that comes; what the store refuses is tried again with the
next one, and no training fails by it.
"""

import io
import queue
import resource
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from types import TracebackType

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch

from jobs.lib.context import Context
from jobs.train.training import Trainer
from polyglot.attempts.traces import StepGroup
from polyglot.core.errors import PolyglotError
from polyglot.kinds.device import gpu_of
from polyglot.kinds.shape import Shape
from polyglot.kinds.steps import STEP_COLUMNS, StepRow
from polyglot.kinds.training import training_operations

EVERY_SECONDS = 60.0
_END_SECONDS = 30.0  # that the last group may take
_SCHEMA = pa.schema([(name, getattr(pa, kind)()) for name, kind in STEP_COLUMNS.items()])


class Meter(AbstractContextManager["Meter"]):
    """The measurements of one start. `listen` is told every row, in order, when it is complete."""

    def __init__(self, context: Context, trainer: Trainer, *, listen: Callable[[StepRow], None]) -> None:
        self._context, self._trainer, self._listen = context, trainer, listen
        self._on = trainer.rank == 0
        self._work = _Operations(trainer) if self._on else None
        self._rows: list[StepRow] = []
        self._open: StepRow | None = None
        self._cut = time.monotonic()
        self._operations = self._measured = self._waited = 0.0
        self._put: _Putter | None = None

    def step(self, number: int, loss: float, seconds: float, *, validation_seconds: float = 0.0) -> None:
        """A step was done, in so many seconds, and what is held back looked at after it."""
        if self._work is None:
            return
        self._close_row()
        trainer = self._trainer
        samples = trainer.order.step(number)
        tokens = int(trainer.mixture.lengths[samples].sum())
        mfu, waited = self._work.utilisation(samples, seconds), trainer.data_seconds
        self._waited += waited
        self._open = StepRow(
            step=number + 1,
            time=time.time(),
            loss=loss,
            gradient_norm=trainer.gradient_norm,
            learning_rate=trainer.learning_rate(number),
            samples=len(samples),
            tokens=tokens,
            supervised_tokens=int(trainer.mixture.supervised[samples].sum()),
            seconds=seconds,
            data_seconds=waited,
            checkpoint_seconds=0.0,
            validation_seconds=validation_seconds,
            tokens_per_second=tokens / seconds if seconds > 0 else 0.0,
            mfu=mfu,
            peak_memory_bytes=_peak_memory_bytes(),
        )
        if mfu is not None:
            self._operations, self._measured = self._operations + mfu * seconds, self._measured + seconds

    def stalled(self, seconds: float) -> None:
        """The training stood still for so long after the step, for a checkpoint; 0: for none."""
        if self._open is not None and seconds > 0:
            self._open = msgspec.structs.replace(self._open, checkpoint_seconds=seconds)
        if seconds > 0 or time.monotonic() - self._cut >= EVERY_SECONDS:
            self.send()

    def summary(self) -> dict[str, float]:
        """Over the steps of this start: what MFU it reached, where that is known, and how long it waited for data."""
        if not self._on:
            return {}
        mfu = {"mfu": self._operations / self._measured} if self._measured else {}
        return {"data_seconds": self._waited, **mfu}

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.send()
        if self._put is not None:
            self._put.close()

    def _close_row(self) -> None:
        if self._open is None:
            return
        self._rows.append(self._open)
        row, self._open = self._open, None
        self._listen(row)

    def send(self) -> None:
        """Put what there is, in the background."""
        self._close_row()
        self._cut = time.monotonic()
        if not self._rows:
            return
        if self._put is None:
            self._put = _Putter(self._context)
        self._put.add(self._rows)
        self._rows = []


class _Operations:
    """What share of the GPUs' peak a step reached: MFU, by the operations that its model asks for."""

    def __init__(self, trainer: Trainer) -> None:
        self._mixture, self._peak = trainer.mixture, 0.0
        self._shape: Shape | None = None
        trained = sum(tensor.numel() for tensor in trainer.model.parameters() if tensor.requires_grad)
        self._adapter = trained if trainer.params.method == "lora" else None
        device = trainer.device
        gpu = gpu_of(torch.cuda.get_device_name(device)) if device.type == "cuda" and trainer.half else None
        if gpu is None:  # a processor, another GPU, or float32, whose peak is another
            return
        try:
            self._shape = Shape.of_config(trainer.model.config.to_dict())
        except ValueError:
            return
        self._peak = gpu.flops * trainer.ranks

    def utilisation(self, samples: Sequence[int], seconds: float) -> float | None:
        """None where the model's shape or the device's peak is not known."""
        if self._shape is None or seconds <= 0:
            return None
        return self.of(self._shape, samples) / (seconds * self._peak)

    def of(self, shape: Shape, samples: Sequence[int]) -> float:
        """Operations of a step; each token attends to its own sample."""
        lengths = self._mixture.lengths[samples].astype(np.float64)
        return training_operations(
            shape,
            tokens=float(lengths.sum()),
            targets=float(self._mixture.supervised[samples].sum()),
            length=float((lengths**2).sum() / lengths.sum()),
            adapter=self._adapter,
        )


class _Putter:
    """The thread that puts groups of rows, one after the other."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._queue: queue.SimpleQueue[list[StepRow] | None] = queue.SimpleQueue()
        self._left: list[list[StepRow]] = []  # that the store has not taken yet
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._work, name="steps", daemon=True)
        self._thread.start()

    def add(self, rows: list[StepRow]) -> None:
        """Put these soon."""
        self._queue.put(rows)

    def close(self) -> None:
        """Put what is left, for a while; a line says what is lost."""
        self._queue.put(None)
        self._thread.join(_END_SECONDS)
        if self._thread.is_alive() or self._left:
            why = self._error or f"the store has not answered for {_END_SECONDS:.0f} s"
            self._context.log.warning("the record of the last steps was not stored: %s", why)

    def _work(self) -> None:
        while (rows := self._queue.get()) is not None:
            self._left.append(rows)
            try:
                while self._left:
                    self._context.leave("steps", _group(self._left[0]).name, to_parquet(self._left[0]))
                    self._left.pop(0)
            except (PolyglotError, OSError) as error:
                self._error = error


def to_parquet(rows: Sequence[StepRow]) -> bytes:
    """The rows as a file, whose pages carry checksums."""
    columns: Mapping[str, list[object]] = {name: [getattr(row, name) for row in rows] for name in STEP_COLUMNS}
    sink = io.BytesIO()
    pq.write_table(pa.table(columns, schema=_SCHEMA), sink, compression="zstd", write_page_checksum=True)
    return sink.getvalue()


def _group(rows: Sequence[StepRow]) -> StepGroup:
    return StepGroup(
        first=rows[0].step,
        last=rows[-1].step,
        seconds=sum(row.seconds for row in rows),
        data_seconds=sum(row.data_seconds for row in rows),
        checkpoint_seconds=sum(row.checkpoint_seconds for row in rows),
        validation_seconds=sum(row.validation_seconds for row in rows),
    )


def _peak_memory_bytes() -> int:
    if torch.cuda.is_available():
        return int(torch.cuda.max_memory_allocated())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
