"""`make real`: studies/real-model.yaml with default resources, judged by an endpoint on the loopback.

The judge is the built-in one in a process of its own, asked over HTTP by the client that asks any OpenAI-compatible
endpoint. Arguments are those of `polyglot submit`. `polyglot plan --cost` then prints the estimates and what it took.
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
LANGUAGES = ("EN", "DE")


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
    with judge() as address:
        environment = {**os.environ, "OPENAI_BASE_URL": address}
        done = subprocess.run([*polyglot, "submit", STUDY, *options], cwd=ROOT, env=environment, check=False)
    if done.returncode == 0:
        subprocess.run([*polyglot, "plan", "--cost", STUDY, *options], cwd=ROOT, check=False)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
