"""`python -m polyglot`, the same as the command `polyglot`."""

import gc

gc.set_threshold(100_000, 50, 100)  # importing makes many objects and no garbage: collecting often would only cost time

from polyglot.cli.app import main  # noqa: E402

if __name__ == "__main__":
    main()
