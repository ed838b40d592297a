"""Makes an installed library look as if it could not be loaded, for the libraries that only ask whether it is there."""

import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType


class _Forbidden(MetaPathFinder, Loader):
    """Finds one top-level module and refuses to load it; it is found, as who only looks for it expects no error."""

    def __init__(self, name: str) -> None:
        self._name = name

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Claim the module."""
        del path, target
        return ModuleSpec(fullname, self) if fullname == self._name else None

    def create_module(self, spec: ModuleSpec) -> None:
        """Refuse with what every `except ImportError` catches."""
        raise ImportError(f"{spec.name} is not used in this process", name=spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Never reached."""
        del module


def forbid_import(name: str) -> None:
    """Let `import name` raise ImportError in this process from now on; what is imported already stays."""
    sys.meta_path.insert(0, _Forbidden(name))
