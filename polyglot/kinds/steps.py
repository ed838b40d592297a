"""What is recorded of each optimiser step: a row of Parquet beside the logs of an attempt, and of no result.

Losses are a function of a stage's parameters, times are not: so none of this is in `training.json`.
"""

from polyglot.core.records import Record


class StepRow(Record):
    """One step. `seconds` are of the step alone, its wait for batches included; the stalls after it are beside them."""

    step: int  # from 1
    time: float  # when it was done, in seconds since 1970
    loss: float  # nats a supervised token
    gradient_norm: float  # before clipping
    learning_rate: float
    samples: int
    tokens: int  # of all ranks, without padding
    supervised_tokens: int
    seconds: float
    data_seconds: float  # of these, waiting for batches; a GPU may have computed meanwhile, which is not told apart
    checkpoint_seconds: float  # the training stood still after it for a checkpoint
    validation_seconds: float  # and for the losses on rows held back
    tokens_per_second: float  # of all ranks, in `seconds`
    mfu: float | None  # the model's operations a second over the GPUs' peak in bfloat16; None where nobody knows that
    peak_memory_bytes: int  # so far: of the first rank's GPU what torch had allocated, else of its process


ARROW_TYPES = {int: "int64", float: "float64", str: "string"}
STEP_COLUMNS = {
    name: ARROW_TYPES[float if kind == float | None else kind] for name, kind in StepRow.__annotations__.items()
}
