"""`python -m polyglot`, the same as the command `polyglot`."""

import atexit
import gc

gc.set_threshold(100_000, 50, 100)  # importing makes many objects and no garbage: collecting often would only cost time
atexit.register(gc.freeze)  # and what is left at the end goes with the process: it is not looked through for garbage

from polyglot.cli.app import main  # noqa: E402

if __name__ == "__main__":
    main()
