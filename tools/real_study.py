"""`make real`: studies/real-model.yaml, or the study named first, with default resources and a judge on the loopback.

The judge is the built-in one in a process of its own, asked over HTTP by the client that asks any OpenAI-compatible
endpoint. Other arguments are those of `polyglot submit`. `polyglot plan --cost` then prints the estimates and what it
took.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
STUDY = ROOT / "studies" / "real-model.yaml"
BENCHMARK = ROOT.parent / "shared" / "mt-bench-x"
LANGUAGES = ("EN", "DE", "FR", "IT", "ES")


@contextmanager
def judge() -> Iterator[str]:
    """The address of the built-in judge, who knows MT-Bench-X's prompts."""
    named = [f"{language}={BENCHMARK}/mt_bench_{language}/judge_prompts.jsonl" for language in LANGUAGES]
    command = [sys.executable, "-m", "jobs.builtin.server", *(word for name in named for word in ("--prompts", name))]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        try:
            said = process.stderr.readline() if process.stderr else ""
            if "OPENAI_BASE_URL=" not in said:
                raise SystemExit(f"real: the judge did not start: {said}")
            yield said.strip().partition("OPENAI_BASE_URL=")[2]
        finally:
            process.terminate()


def main() -> int:
    """Run the study; the exit status is that of `polyglot submit`."""
    if not BENCHMARK.is_dir():
        raise SystemExit(f"real: MT-Bench-X and docs-x are not beside the checkout, in {BENCHMARK.parent}")
    polyglot, options = [sys.executable, "-m", "polyglot"], sys.argv[1:]
    study = options.pop(0) if options and options[0].endswith(".yaml") else STUDY
    with judge() as address:
        environment = {**os.environ, "OPENAI_BASE_URL": address}
        done = subprocess.run([*polyglot, "submit", study, *options], cwd=ROOT, env=environment, check=False)
    if done.returncode == 0:
        asked = [
            word
            for before, word in zip(["", *options], options, strict=False)
            if before != "--out" and not word.startswith("--out")
        ]
        subprocess.run([*polyglot, "plan", "--cost", study, *asked], cwd=ROOT, check=False)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
