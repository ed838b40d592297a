"""docs/design/formats.md: what each kind of stage reads and writes, off the declarations and the classes of records.

What a field means is said where it is declared: in the comment on its line, or above it.
"""

import ast
import inspect
import io
import sys
import textwrap
import tokenize
from collections.abc import Iterator, Mapping

from polyglot.core.records import Record
from polyglot.kinds.kind import Files, Kind
from polyglot.kinds.registry import KINDS

INTRODUCTION = """# What each stage reads and writes

The contract between jobs, made from polyglot/kinds (`make generated`). Paths are inside an artifact; every text file is
UTF-8, `\\n` line ends. A `.jsonl` file has one record a line, a `.json` file is one document. Both are canonical JSON
with sorted keys, so that equal content has equal bytes; the aggregate's and the report's are indented for people, in
the order of their fields. A reader ignores fields that it does not know. No file holds a clock, host, latency or cost:
those go into the volatile part of the manifest. Roles are the names under which a stage reads its inputs; behind a
role's colon (`tokens:<LANG>`) stands a name. A class is described where it is written first; `name?` is left out where
there is nothing to say.
"""
_WORDS = {
    "str": "text",
    "int": "whole number",
    "float": "number",
    "bool": "true or false",
    "None": "null",
    "object": "JSON",
    "Language": "language",
    "InferenceScope": '"mix" or "this model"',
    "Family": "family",
}


def formats_page() -> str:
    """Return the page."""
    described: set[type[Record]] = {Record}
    parts = [INTRODUCTION]
    for kind in KINDS.values():
        parts += _kind(kind, described)
    return "\n".join(parts).rstrip("\n") + "\n"


def _kind(kind: Kind, described: set[type[Record]]) -> Iterator[str]:
    yield f"## {kind.name}\n"
    yield _text(sys.modules[kind.params.__module__]) + "\n"
    inputs = "; ".join(f"`{role}` ({' or '.join(makers)})" for role, makers in kind.inputs.items())
    yield f"Parameters: `{kind.params.__name__}`, version {kind.params.version}. Inputs: {inputs or 'none'}.\n"
    yield "| file | what it is |\n| --- | --- |"
    for path, content in kind.files.items():
        yield f"| `{path}` | {content if isinstance(content, str) else ' or '.join(map(_link, _classes(content)))} |"
    yield ""
    for content in kind.files.values():
        for record in _classes(content):
            yield from _record(record, described)


def _classes(content: Files) -> tuple[type[Record], ...]:
    if isinstance(content, str):
        return ()
    return content if isinstance(content, tuple) else (content,)


def _link(record: type[Record]) -> str:
    return f"[{record.__name__}](#{record.__name__.lower()})"


def _record(record: type[Record], described: set[type[Record]]) -> Iterator[str]:
    """The class, and after it those that it begins with or that its fields are of; each once."""
    if record in described:
        return
    described.add(record)
    (base,) = record.__bases__
    yield f"### {record.__name__}\n"
    yield _text(record) + (f" It begins with the fields of {_link(base)}." if base is not Record else "") + "\n"
    wire = dict(zip(record.__struct_fields__, record.__struct_encode_fields__, strict=True))
    nodes = list(_fields(record))
    yield "```"
    for node, meaning in nodes:
        parts = _alternatives(node.annotation)
        name = wire[ast.unparse(node.target)] + ("?" if any(part == "UnsetType" for part in parts) else "")
        form = " or ".join(part for part in parts if part != "UnsetType")
        yield f"{name}: {form}" + (f"  # {meaning}" if meaning else "")
    yield "```\n"
    if base is not Record:
        yield from _record(base, described)
    for node, _ in nodes:
        for named in ast.walk(node.annotation):
            found = getattr(sys.modules[record.__module__], named.id, None) if isinstance(named, ast.Name) else None
            if isinstance(found, type) and issubclass(found, Record):
                yield from _record(found, described)


def _fields(record: type[Record]) -> Iterator[tuple[ast.AnnAssign, str]]:
    """The fields that a class declares itself, each with what it means."""
    source = textwrap.dedent(inspect.getsource(record))
    comments = _comments(source)
    code = {node.lineno for node in ast.walk(ast.parse(source)) if isinstance(node, ast.stmt)}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) in record.__struct_fields__:
            above = "" if node.lineno - 1 in code else comments.get(node.lineno - 1, "")
            yield node, comments.get(node.lineno, above)


def _comments(source: str) -> Mapping[int, str]:
    """Comments by line: beside code, or on lines of their own, which are one."""
    found: dict[int, str] = {}
    own: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            number, text = token.start[0], token.string.removeprefix("#").strip()
            if not token.line[: token.start[1]].strip():
                own.add(number)
                text = f"{found[number - 1]} {text}" if number - 1 in own else text
            found[number] = text
    return found


def _alternatives(annotation: ast.expr) -> list[str]:
    if isinstance(annotation, ast.BinOp):
        return _alternatives(annotation.left) + _alternatives(annotation.right)
    return [_form(annotation)]


def _form(annotation: ast.expr) -> str:
    """A type in the words of JSON."""
    if isinstance(annotation, ast.BinOp):
        return " or ".join(_alternatives(annotation))
    if not isinstance(annotation, ast.Subscript):
        text = ast.unparse(annotation)
        return _WORDS.get(text, text)
    inside = annotation.slice
    parts = [_form(part) for part in (inside.elts if isinstance(inside, ast.Tuple) else [inside])]
    match ast.unparse(annotation.value):
        case "tuple":
            return f"[{parts[0]}, …]" if parts[-1] == "..." else f"[{', '.join(parts)}]"
        case "dict":
            return f"{{{parts[0]}: {parts[1]}}}"
        case _:  # Literal
            return " or ".join(part.replace("'", '"') for part in parts)


def _text(described: object) -> str:
    """A docstring as paragraphs."""
    return "\n\n".join(part.replace("\n", " ") for part in (inspect.getdoc(described) or "").split("\n\n"))
