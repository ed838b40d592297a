"""`python -m jobs.judgments [--people PATTERN …] FILE…`: a Summary as JSON, or (exit 2) a line for each fault.

No stage: it commits nothing and knows no store. `polyglot judgments` runs it, as the controller has no statistics.
"""

import argparse
import sys
from pathlib import Path

from jobs.judgments.summary import summarise
from polyglot.core.errors import Exit, Faults, Permanent
from polyglot.core.records import to_json
from polyglot.exchange.read import ReadFile, read_file
from polyglot.exchange.rows import Exchanged


def main() -> int:
    """Read, count, print."""
    parser = argparse.ArgumentParser(prog="jobs.judgments")
    parser.add_argument("--people", action="append", default=[])
    parser.add_argument("files", nargs="+")
    given = parser.parse_args()
    files, faults = read_all(given.files)
    if faults:
        sys.stderr.buffer.write("".join(f"{line}\n" for line in faults).encode())
        return Exit.USAGE
    sys.stdout.buffer.write(to_json(summarise(files, people=tuple(given.people))) + b"\n")
    return Exit.FINE


def read_all(names: list[str]) -> tuple[list[ReadFile[Exchanged]], list[str]]:
    """The files, and a line for everything that is wrong with any of them."""
    files: list[ReadFile[Exchanged]] = []
    faults: list[str] = []
    for name in names:
        try:
            found = read_file(Path(name), name)
            if found.form == "answers":
                faults.append(f"{name}: got model answers; expected judgments, votes or annotations of them")
            files.append(found)
        except Faults as error:
            faults += error.lines
        except Permanent as error:
            faults.append(str(error))
        except OSError as error:
            faults.append(f"{name}: {error.strerror or error}")
    return files, faults


if __name__ == "__main__":
    sys.exit(main())
