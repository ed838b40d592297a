"""studies/paper.yaml as it is, all nine mixes of both data sets with three seeds: tiny weights, loopback hub and judge.

It prints how many stages were made, in which time, and where the report lies; nothing of the study is changed but the
model's commit, which `polyglot pin` fills in.
"""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from tempfile import mkdtemp

from tests.kit.judge_server import reply
from tests.kit.judge_small import always
from tests.kit.paper import PAPER, published


def main() -> None:
    """Pin, plan and submit."""
    folder = Path(mkdtemp(prefix="polyglot-paper-"))
    shutil.copy(PAPER, folder / "paper.yaml")
    with published(folder / "published") as served, always(reply("[[7]]")) as judge:
        (folder / "catalogue.yaml").write_text(served.catalogue, encoding="utf-8")
        environment = {
            **os.environ,
            **served.environment,
            "HF_HOME": str(folder / "home"),
            "OPENAI_BASE_URL": judge.base_url,
            "POLYGLOT_STORE": f"file://{folder}/store",
            "POLYGLOT_STATE": str(folder / "state"),
        }

        def polyglot(*arguments: str) -> str:
            command = [sys.executable, "-m", "polyglot", *arguments]
            return subprocess.run(
                command, cwd=folder, env=environment, check=True, stdout=subprocess.PIPE, text=True
            ).stdout

        polyglot("pin", "paper.yaml")
        print(polyglot("plan", "paper.yaml").splitlines()[-1])
        begun = time.monotonic()
        said = polyglot("submit", "paper.yaml")
        print(f"submitted to its report in {time.monotonic() - begun:.0f} s; {len(judge.calls)} calls of the judge")
        print(folder / said.splitlines()[0])


if __name__ == "__main__":
    main()
