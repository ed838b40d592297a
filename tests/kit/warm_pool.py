"""Fork servers that a process of tests keeps from study to study: importing torch costs more than most studies here."""

import atexit
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from polyglot.schedulers.local.warm import WarmServer

# What a test has for itself and no library reads when it is imported; a worker gets the whole environment of its driver
_OWN = (
    "PYTEST_",
    "KMP_INIT_AT_FORK",
    "_TORCHINDUCTOR_",
    "POLYGLOT_TEST_",
    "POLYGLOT_STATE",
    "POLYGLOT_STORE",
    "OPENAI_",
    "DEEPL_",
    "AWS_",
    "PWD",
    "OLDPWD",
)
_Key = tuple[tuple[str, ...], tuple[tuple[str, str], ...]]
_idle: dict[_Key, list["KeptServer"]] = {}


class KeptServer(WarmServer):
    """One that waits for the next driver, instead of ending, unless something still runs in it."""

    key: _Key

    def close(self) -> None:
        """Be there for the next one."""
        self.receive()
        if self.alive and not self._processes:
            _idle.setdefault(self.key, []).append(self)
        else:
            super().close()

    def end(self) -> None:
        """End it."""
        super().close()


def lent(*, libraries: Sequence[str], environment: Mapping[str, str], log: Path) -> KeptServer:
    """Return an idle server with these libraries, imported in such an environment; a new one where there is none."""
    known = sorted((name, value) for name, value in environment.items() if not name.startswith(_OWN))
    key = (tuple(libraries), tuple(known))
    waiting = _idle.get(key, [])
    while waiting:
        server = waiting.pop()
        server.receive()
        if server.alive:
            return server
    here = Path.cwd()
    os.chdir("/")  # it stays there, and a test's folder may go
    try:
        server = KeptServer(libraries=libraries, environment=environment, log=log)
    finally:
        os.chdir(here)
    server.key = key
    return server


@atexit.register
def _end_all() -> None:
    for servers in _idle.values():
        for server in servers:
            server.end()
