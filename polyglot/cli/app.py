"""The command `polyglot`: names the verbs and turns errors into one line and an exit code.

A verb is the module of its name, which is imported when the verb is called: `polyglot --help` answers at once.
"""

import importlib
import io
import sys
import traceback
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from polyglot import __version__
from polyglot.core.errors import Exit, PolyglotError

# The first sentence of each verb's help, which a test compares.
VERBS = {
    "init": "Write a commented study and a profile into this folder; what no option says is asked, or built in where "
    "nobody can be.",
    "plan": "Say for every stage of a study whether it is cached, will run or is blocked, and because of what.",
    "check": "Look for all that is wrong with a study before a model is tuned or a judge paid, as `submit` does first.",
    "submit": "Run a study, or a part of it, to its report.",
    "watch": "Follow a study until every stage has ended; whoever runs it, and from any machine that sees the store.",
    "status": "Say where every stage of a study is: committed, running with its progress, failed with its reason, or "
    "waiting.",
    "logs": "Print the logs of a study's stages, each line with its stage before it; from the archive once they have "
    "ended.",
    "why": "Say why a stage is where it is: committed, running, failed or waiting, with every attempt that it took.",
    "goodput": "Say what share of their time trainings spent on the steps of their results, and what each start lost.",
    "report": "Copy a study's report (one HTML file, CSV, JSON) out of the store and print the paths.",
    "list": "List the studies of a store: how far each is, when it was last submitted, what its calls have cost.",
    "fetch": "Take models, adapters, answers, verdicts, data or references out of the store, and print where they are.",
    "serve": "Take a model out of the store and print the command with which vLLM serves it; `--run` starts it.",
    "push": "Put a model or an adapter with its card into a repository of the hub as one commit and print its address.",
    "cancel": "Stop a study: its driver first, so that nothing starts anew, then its Jobs, each with its grace to "
    "save.",
    "retry": "Let a permanently failed stage, or all of a study, run again at the next submit; the records of failure "
    "stay.",
    "retract": "Withdraw a stage's committed result; it and everything that read it run again at the next submit.",
    "gc": "Delete unreferenced blobs and replies of no use beyond the grace period, and abandoned uploads.",
    "doctor": "Prove the store (conditional writes under a race, clock, permissions) and the environment.",
    "render": "Print the first attempt of every stage: Jobs for a cluster, requests as JSON Lines for this machine.",
    "pin": "Fill in the SHA-256 of every file and the commit of every repository that a study names, in its own file.",
    "catalogue": "List what a study can name as `published: NAME`, with licences; a catalogue.yaml in this folder adds "
    "to it.",
    "schema": "Print the JSON Schema of study files (docs/study.schema.json is this).",
    "drive": "Run what `submit` left in the store: the loop that creates, watches and repeats the Jobs of its stages.",
    "reevaluate": "Answer and judge anew with the models that each study was last submitted with, under the name of a "
    "night.",
    "nights": "Say of every night whether it was evaluated, runs, failed, is due or was missed, and what it found.",
    "judgments": "Say what files of judgments and votes come to: means, win rates, order, failures, and who agrees "
    "with whom.",
    "reproduce": "Run again, in another store, all that made a number, and compare each result's digest with the "
    "committed one.",
    "diff": "Say what differs between two studies, two submissions or two nights: in what went in, and in what was "
    "found.",
    "export": "Write a study's findings as LaTeX, tables or figures, as an RO-Crate, or many studies as a static site.",
    "sheet": "Translations and answers for people to rate, blinded, and what they say.",
}
CONTEXT = {"help_option_names": ["-h", "--help"]}


class Verbs(TyperGroup):
    """Lists verbs from their table, and imports the one that is called. typer's own types of commands are private."""

    def get_command(self, ctx: object, cmd_name: str) -> Any:
        """The verb of a name, or None."""
        if cmd_name not in VERBS:
            return None
        command = importlib.import_module(f"polyglot.cli.{cmd_name}").command
        if not isinstance(command, typer.Typer):
            verb = typer.Typer(add_completion=False, rich_markup_mode=None)
            verb.command(cmd_name)(command)
            command = verb
        return typer.main.get_command(command)

    def format_commands(self, ctx: object, formatter: Any) -> None:
        """Write the table, each line cut to the terminal's width."""
        limit = formatter.width - 6 - max(map(len, VERBS))
        with formatter.section("Commands"):
            formatter.write_dl([(name, verb.get_short_help_str(limit)) for name, verb in self.commands.items()])


app = typer.Typer(
    cls=Verbs,
    name="polyglot",
    help="An experiment factory for multilingual instruction tuning.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help: it reads the same in a pipe, and starts in half the time
    context_settings=CONTEXT,
)
for name, summary in VERBS.items():
    app.command(name, help=summary)(lambda: None)


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
