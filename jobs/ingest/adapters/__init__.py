"""One file per published schema: a record of that schema becomes a draft of the normal form, or a `Reject`.

An adapter knows field names and nothing else: files, languages, ids seen before and faults of the text itself are
`jobs.ingest.normalise`'s. To add a schema, add a file and a line to `DATASETS`.
"""

from collections.abc import Callable, Mapping
from typing import Any

from jobs.ingest.adapters import alpaca, bactrian_x, dolly, lima_x, messages, mt_bench, normal, sharegpt
from jobs.ingest.adapters.fields import Draft

Adapter = Callable[[Mapping[str, Any]], Draft]

DATASETS: Mapping[str, Adapter] = {
    "bactrian-x": bactrian_x.row,
    "lima-x": lima_x.row,
    "alpaca": alpaca.row,
    "dolly": dolly.row,
    "messages": messages.row,
    "sharegpt": sharegpt.row,
    "normal": normal.form,
}
QUESTIONS: Mapping[str, Adapter] = {"mt-bench": mt_bench.question, "normal": normal.form}
REFERENCES: Mapping[str, Adapter] = {"mt-bench": mt_bench.reference, "normal": normal.form}
TABLES: Mapping[str, Mapping[str, Adapter]] = {
    "dataset": DATASETS,
    "questions": QUESTIONS,
    "references": REFERENCES,
}
