"""Mix names that are refused."""

from functools import partial
from pathlib import Path

from polyglot.core.mix import Mix
from tests.kit.bad_inputs import Case

NAMES = {
    "nothing": "",
    "half a code": "END",
    "no language": "XX",
    "a language twice": "ENDEEN",
    "an unknown form": "ENDE-shuffled",
    "a temperature of zero": "ENDE-t0",
    "a temperature that is no number": "ENDE-tepid",
    "a size of zero": "EN@0",
    "a negative size": "EN@-5",
    "a size that is no number": "EN@all",
    "a size alone": "@100",
    "a weight that is not a number": "EN:nan,DE:1",
    "a negative weight": "EN:-1,DE:2",
    "a weight of zero": "EN:0,DE:1",
    "an infinite weight": "EN:inf,DE:1",
    "a share without a weight": "EN:1,DE",
    "weights too far apart": "EN:1,DE:1e-9",
    "template characters": "{{ .Values }}",
    "a path": "../../etc",
    "right-to-left text": "\u202eNE",
}


def _parse(folder: Path, text: str) -> None:
    del folder
    Mix.parse(text)


CASES = [Case(room="Mix names", name=name, provoke=partial(_parse, text=text)) for name, text in NAMES.items()]
