"""`python -m polyglot`, the same as the command `polyglot`."""

from polyglot.cli.app import main

if __name__ == "__main__":
    main()
