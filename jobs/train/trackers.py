"""Trackers of accelerate that are told each step: TensorBoard's files, W&B, MLflow, trackio.

Each has a thread of its own that starts it and tells it what is in its queue, so that a training never waits for one,
and none fails by one: what goes wrong with a tracker is one warning, and it is told nothing more. Only the first rank
has any. Where they send to, and their keys, they take from their own variables of the environment (WANDB_API_KEY,
MLFLOW_TRACKING_URI, …), as everywhere; keys may be files of these names in the folder that POLYGLOT_TRACKER_KEYS names,
and become variables of this process, and of those that it starts, when a tracker is about to start. TensorBoard's file
is kept beside the logs of the attempt.
"""

import contextlib
import importlib.util
import os
import queue
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

from jobs.lib.context import Context
from polyglot.core.canonical import Json
from polyglot.core.endpoint import KEYS_OF_TRACKERS
from polyglot.core.errors import BadInput, Permanent, PolyglotError
from polyglot.core.secret_file import read_secret
from polyglot.kinds.steps import StepRow
from polyglot.kinds.train import ValidationStep

PROJECT = "polyglot"  # where WANDB_PROJECT, MLFLOW_EXPERIMENT_NAME or TRACKIO_PROJECT says no other
_PACKAGES: Mapping[str, Sequence[str]] = {"tensorboard": ("tensorboardX", "tensorboard")}  # any of these; else its name
_END_SECONDS = 120.0  # that trackers may take to send the rest
_STOP_SECONDS = 15.0  # of a training that is interrupted or fails: its grace is for the checkpoint
_KEEP_SECONDS = 30.0  # between chunks of TensorBoard's file
_CHUNK_BYTES = 1 << 20
Values = Mapping[str, float | str]


def check_installed(names: Sequence[str]) -> None:
    """Raise Permanent for a tracker whose package is not there: before anything is trained that nobody would see."""
    for name in names:
        packages = _PACKAGES.get(name, (name,))
        if not any(importlib.util.find_spec(package) for package in packages):
            raise Permanent(
                f"trackers: {name} is named and the package {packages[0]} is not installed here; install it (on a "
                f"cluster: into the trainer's image), or take {name} out of the profile's settings of train"
            )


def read_keys(tracker: str) -> None:
    """Set the variables of a tracker's keys that lie in files, but those that are set. Raises BadInput."""
    if folder := os.environ.get("POLYGLOT_TRACKER_KEYS"):
        for name in KEYS_OF_TRACKERS.get(tracker, ()):
            if (path := Path(folder) / name).is_file():
                try:
                    os.environ.setdefault(name, read_secret(str(path)))
                except (OSError, UnicodeDecodeError) as error:
                    raise BadInput("the key cannot be read", where=str(path), got=type(error).__name__) from error


class Trackers(contextlib.AbstractContextManager["Trackers"]):
    """Those of some names. `first` is the number of steps that were done before this start, `told` the recipe."""

    def __init__(self, names: Sequence[str], context: Context, *, first: int, told: Mapping[str, Json]) -> None:
        plain = {name: value for name, value in told.items() if isinstance(value, bool | int | float | str)}
        self._feeds = [_Feed(name, context, first, plain) for name in dict.fromkeys(names)]

    def row(self, row: StepRow) -> None:
        """A step was done."""
        values = {
            "train/loss": row.loss,
            "train/grad_norm": row.gradient_norm,
            "train/learning_rate": row.learning_rate,
            "speed/step_seconds": row.seconds,
            "speed/tokens_per_second": row.tokens_per_second,
            "speed/data_seconds": row.data_seconds,
            "speed/checkpoint_seconds": row.checkpoint_seconds,
            "memory/peak_bytes": float(row.peak_memory_bytes),
        }
        values = values if row.mfu is None else {**values, "speed/mfu": row.mfu}
        self._tell(values, row.step, keep=row.checkpoint_seconds > 0)

    def validation(self, found: ValidationStep) -> None:
        """Rows held back were looked at."""
        losses = {
            f"validation/{language}": one.loss for language, one in found.languages.items() if one.loss is not None
        }
        if losses:
            self._tell(losses, found.step)

    def _tell(self, values: Values, step: int, *, keep: bool = False) -> None:
        for feed in self._feeds:
            feed.put(_Told(values, step, keep))

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        until = time.monotonic() + (_END_SECONDS if error is None else _STOP_SECONDS)
        for feed in self._feeds:
            feed.end()
        for feed in self._feeds:
            feed.wait(until)


class _Told(NamedTuple):
    """What trackers are told of a step; `keep`: a checkpoint was made after it, so it is done once and for all."""

    values: Values
    step: int
    keep: bool


class _Feed:
    """One tracker and its thread."""

    def __init__(self, name: str, context: Context, first: int, configuration: Values) -> None:
        self._name, self._context, self._first, self._configuration = name, context, first, configuration
        self._folder = context.work / "trackers" / name
        self._queue: queue.SimpleQueue[_Told | None] = queue.SimpleQueue()
        self._failed = False
        self._thread = threading.Thread(target=self._work, name=f"tracker {name}", daemon=True)
        self._thread.start()

    def put(self, told: "_Told") -> None:
        """Tell it soon."""
        if not self._failed:
            self._queue.put(told)

    def end(self) -> None:
        """Nothing more comes."""
        self._queue.put(None)

    def wait(self, until: float) -> None:
        """Give it until then to send the rest."""
        self._thread.join(max(0.0, until - time.monotonic()))
        if self._thread.is_alive():
            self._context.log.warning("tracker %s has not ended; what it had not sent is lost", self._name)

    def _work(self) -> None:
        try:
            self._follow()
        except (Exception, SystemExit) as error:  # whatever a library raises: no training ends by it
            self._failed = True
            line = " ".join(str(error).split())[:300]
            self._context.log.warning(
                "tracker %s is told nothing more: %s: %s", self._name, type(error).__name__, line or "no reason given"
            )

    def _follow(self) -> None:
        from accelerate.tracking import LOGGER_TYPE_TO_CLASS

        self._folder.mkdir(parents=True, exist_ok=True)
        read_keys(self._name)
        tracker = LOGGER_TYPE_TO_CLASS[self._name](**self._arguments())
        tracker.start()
        kept = _Kept(self._context, self._folder) if self._name == "tensorboard" else None
        if kept:
            lines = [f"    {name}: {value}" for name, value in self._configuration.items()]
            tracker.log({"parameters": "\n".join(lines)}, step=self._first)
        else:
            tracker.store_init_configuration(dict(self._configuration))
        while (told := self._queue.get()) is not None:
            tracker.log(dict(told.values), step=told.step)
            if kept:
                kept.now_and_then(must=told.keep)
        tracker.finish()
        if kept:
            kept.rest()

    def _arguments(self) -> dict[str, Any]:
        """What the tracker of accelerate is made with. A start goes on with the run of those before it where it can."""
        key, label = self._context.stage.key, self._context.label or self._context.stage.kind
        if self._name == "tensorboard":  # events of later steps, of a start that was lost, do not count any more
            return {"run_name": "", "logging_dir": self._folder, "purge_step": self._first + 1}
        if self._name == "mlflow":
            return {"experiment_name": PROJECT, "run_name": label, "tags": {"polyglot.stage": key}}
        project = os.environ.get(f"{self._name.upper()}_PROJECT") or PROJECT
        if self._name == "trackio":
            return {"run_name": project, "name": f"{label} {key[:8]}", "resume": "allow"}
        return {
            "run_name": project,
            "name": label,
            "id": key[:32],
            "resume": "allow",
            "dir": str(self._folder),
        }


class _Kept:
    """The event file of a folder, put into the store as it grows."""

    def __init__(self, context: Context, folder: Path) -> None:
        self._context, self._folder = context, folder
        self._offset = self._sequence = 0
        self._chunk = b""  # that was sent, and perhaps not taken: it is sent again as it is
        self._last = time.monotonic()

    def now_and_then(self, *, must: bool) -> None:
        """Put what came since, when it must be or it is time. A store that refuses is asked again the next time."""
        if must or time.monotonic() - self._last >= _KEEP_SECONDS:
            with contextlib.suppress(PolyglotError, OSError):
                self.rest()

    def rest(self) -> None:
        """Put what came since. Raises StoreError."""
        self._last = time.monotonic()
        for file in sorted(self._folder.glob("*tfevents*"))[:1]:
            with file.open("rb") as events:
                events.seek(self._offset)
                while data := events.read(len(self._chunk) or _CHUNK_BYTES):
                    self._chunk = data
                    self._context.leave("tensorboard", f"{self._sequence:08d}", data)
                    self._offset, self._sequence, self._chunk = self._offset + len(data), self._sequence + 1, b""
