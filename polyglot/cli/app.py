"""The command `polyglot`: registers the verbs and turns errors into one line and an exit code.

Nothing heavy is imported before a verb runs, so that `polyglot --help` answers at once.
"""

import io
import sys
import traceback
from typing import Annotated

import typer

from polyglot import __version__
from polyglot.cli import (
    cancel,
    doctor,
    drive,
    gc,
    logs,
    nights,
    plan,
    reevaluate,
    render,
    report,
    retract,
    retry,
    schema,
    sheet,
    status,
    submit,
    watch,
    why,
)
from polyglot.core.errors import Exit, PolyglotError

app = typer.Typer(
    name="polyglot",
    help="An experiment factory for multilingual instruction tuning.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help: it reads the same in a pipe, and starts in half the time
    context_settings={"help_option_names": ["-h", "--help"]},
)

for verb in (
    plan,
    submit,
    watch,
    status,
    logs,
    why,
    report,
    cancel,
    retry,
    retract,
    gc,
    doctor,
    render,
    schema,
    drive,
    reevaluate,
    nights,
):
    app.command(name=verb.__name__.rsplit(".", 1)[-1])(verb.command)


app.add_typer(sheet.app, name="sheet")


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"polyglot {__version__}")
        raise typer.Exit


@app.callback()
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Experiments on multilingual instruction tuning: from a study file to a report, every number traceable."""
    del version
    global _debug
    _debug = debug


_debug = False


def main() -> None:
    """Run a command line; never returns. Data goes to stdout, everything else to stderr."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # JSON is UTF-8; and no place that lacks an ä is a reason to fail
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    try:
        app(standalone_mode=True)
    except PolyglotError as error:
        _fail(error, str(error), error.exit_code)
    except KeyboardInterrupt as error:
        _fail(
            error, "interrupted; what was committed is kept, and the same command goes on from there", Exit.INTERRUPTED
        )
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(Exit.FINE)
    except OSError as error:
        _fail(error, f"{error.strerror or error}: {error.filename or ''}".rstrip(": "), Exit.FAILED)
    except Exception as error:  # the last resort: a bug still ends in one line
        _fail(
            error, f"a bug: {type(error).__name__}: {error}. Run `polyglot --debug VERB …` and report it", Exit.FAILED
        )


def _fail(error: BaseException, message: str, code: Exit) -> None:
    if _debug:
        traceback.print_exception(error, file=sys.stderr)
    print(f"polyglot: {message}", file=sys.stderr)
    sys.exit(code)
