"""Descriptions of a section's, or another class's, attributes: the texts below them in the source.

Read from the source when a schema or the reference page is made, since every command would pay for it otherwise.
"""

import ast
import inspect
import sys
from functools import cache


def descriptions(section: type) -> dict[str, str]:
    """Attribute name -> description, for those that have one; inherited attributes too."""
    found: dict[str, str] = {}
    for cls in reversed(section.__mro__):
        found |= _of_module(cls.__module__).get(cls.__name__, {}) if cls.__module__.startswith("polyglot.") else {}
    return found


@cache
def _of_module(name: str) -> dict[str, dict[str, str]]:
    tree = ast.parse(inspect.getsource(sys.modules[name]))
    return {node.name: dict(_texts(node.body)) for node in tree.body if isinstance(node, ast.ClassDef)}


def _texts(body: list[ast.stmt]) -> list[tuple[str, str]]:
    return [
        (attribute.target.id, inspect.cleandoc(text.value.value))
        for attribute, text in zip(body, body[1:], strict=False)
        if isinstance(attribute, ast.AnnAssign)
        and isinstance(attribute.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    ]
