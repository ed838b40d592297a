"""A driver that dies of SIGKILL at a named step of its work.

    python -m tests.kit.killed_driver STEP NUMBER ARGUMENT…

Runs `polyglot ARGUMENT…` in this process, and kills it the NUMBER-th time that STEP is reached. The product knows
nothing of it: a step is the moment before or after a call of one of its functions. A step that is never reached kills
nothing, so whoever waits for the death notices.
"""

import functools
import importlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Step:
    """Before or after the call of `module`:`name`; `of` says which calls count, from arguments and result."""

    module: str
    name: str
    when: str
    of: Callable[[tuple[Any, ...], Any], bool] = lambda arguments, result: True


_SCHEDULER, _API = "polyglot.schedulers.kubernetes.scheduler", "polyglot.schedulers.kubernetes.api"
_ENGINE = "polyglot.engine.engine"
STEPS = {
    # submitting
    "the submission is not kept": Step("polyglot.cli.submit", "keep_study", "before"),
    "the order is kept": Step("polyglot.store.submissions", "save_submission", "after"),
    "the driver is created": Step("polyglot.schedulers.kubernetes.driver", "create_driver", "after"),
    # driving, in the order of the work
    "the order is read": Step("polyglot.schedulers.kubernetes.render.manifests", "renderer", "before"),
    "the Jobs are listed": Step(_API, "Api.list", "after", lambda arguments, _: arguments[1] == "jobs"),
    "helm runs": Step("polyglot.schedulers.kubernetes.render.helm", "subprocess.run", "during"),
    "a Job is rendered": Step(_API, "Api.create_job", "before"),
    "a Job is created": Step(_API, "Api.create_job", "after", lambda _, created: created is True),
    "a Job is there already": Step(_API, "Api.create_job", "after", lambda _, created: created is False),
    "a Job is adopted": Step(_SCHEDULER, "KubernetesScheduler._track", "after", lambda arguments, _: True),
    "a failure is not recorded": Step("polyglot.attempts.attempts", "Attempts.fail", "before"),
    "a failure is recorded": Step("polyglot.attempts.attempts", "Attempts.fail", "after"),
    "an end is seen": Step(_SCHEDULER, "KubernetesScheduler._look_at_end", "before"),
    "an end is told": Step(_ENGINE, "_Engine._classify", "before"),
    "a commit is seen": Step("polyglot.engine.graph", "Graph.settle", "after", lambda _, settled: settled is True),
    "a stage is ordered": Step(_SCHEDULER, "KubernetesScheduler.submit", "after"),
}


def arm(step: Step, number: int) -> None:
    """Have the NUMBER-th call kill this process."""
    owner: Any = importlib.import_module(step.module)
    *path, name = step.name.split(".")
    for part in path:
        owner = getattr(owner, part)
    real, counting = getattr(owner, name), _Countdown(number)

    @functools.wraps(real)
    def call(*arguments: Any, **more: Any) -> Any:
        if step.when == "before" and step.of(arguments, None):
            counting.down()
        if step.when == "during":
            more.pop("check"), more.pop("capture_output")
            child = subprocess.Popen(*arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)
            counting.down()
            out, err = child.communicate()
            return subprocess.CompletedProcess(child.args, child.returncode, out, err)
        result = real(*arguments, **more)
        if step.when == "after" and step.of(arguments, result):
            counting.down()
        return result

    setattr(owner, name, call)


class _Countdown:
    def __init__(self, number: int) -> None:
        self._left, self._lock = number, threading.Lock()

    def down(self) -> None:
        with self._lock:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Arm the step and run the command line."""
    step, number, *arguments = sys.argv[1:]
    arm(STEPS[step], int(number))
    sys.argv = ["polyglot", *arguments]
    from polyglot.cli.app import main as run

    run()


if __name__ == "__main__":
    main()
