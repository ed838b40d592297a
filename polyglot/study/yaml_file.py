"""YAML 1.2 files with the line of every value: what study and profile files are read with.

YAML 1.2, so that `NO` is Norwegian and not false. One document of plain mappings, lists and scalars: no anchors or
aliases, no tags, no merge keys, no repeated keys; at most 1 MiB and 32 levels deep. A byte order mark is skipped.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import DocumentStartEvent, Event, NodeEvent
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from polyglot.core.errors import BadInput

MAX_BYTES = 2**20
MAX_DEPTH = 32
MAX_DIGITS = 400  # of a number; Python itself refuses to read integers beyond 4300

Place = tuple[str | int, ...]
Value = None | bool | int | float | str | list["Value"] | dict[str, "Value"]


@dataclass(frozen=True, slots=True, kw_only=True)
class YamlFile:
    """A parsed file: plain values, its bytes, and where each value stands."""

    name: str  # as the user wrote it, for messages
    source: bytes
    value: Mapping[str, Value]
    lines: Mapping[Place, int]

    def line(self, place: Sequence[str | int]) -> int:
        """The line of a value, or of the nearest one around it that is there; 1 for the whole file."""
        known = tuple(place)
        while known and known not in self.lines:
            known = known[:-1]
        return self.lines.get(known, 1)

    def where(self, place: Sequence[str | int]) -> str:
        """`file:line: a.b.c`."""
        dotted = ".".join(str(part) for part in place)
        return f"{self.name}:{self.line(place)}" + (f": {dotted}" if dotted else "")


def read_yaml(path: Path, *, what: str = "study file", keys: str = "`study`, `models`, `datasets`, …") -> YamlFile:
    """Read and parse a file. Raises BadInput, one line, for whatever is not one plain YAML mapping.

    `what` and `keys` are the words in which messages say what kind of file was expected.
    """
    name = str(path)
    try:
        with path.open("rb") as file:
            source = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL byte in the path
        got = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise BadInput("cannot be read", where=repr(name)[1:-1], got=got, expected=f"the path of a {what}") from error
    if len(source) > MAX_BYTES:
        raise BadInput("too large", where=name, got="more than 1 MiB", expected=f"a {what} of a few kilobytes")
    try:
        text = source.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = source.count(b"\n", 0, error.start) + 1
        got = f"byte 0x{source[error.start]:02x}"
        raise BadInput("not UTF-8", where=f"{name}:{line}", got=got, expected="a UTF-8 text file") from error
    root = _compose(name, text)
    if root is None:
        raise BadInput("empty", where=name, expected=f"a mapping with {keys}")
    if not isinstance(root, MappingNode):
        got = "a list" if isinstance(root, SequenceNode) else f"the text {str(root.value)[:40]!r}"
        raise BadInput("not a mapping", where=f"{name}:1", got=got, expected=f"`key: value` lines with {keys}")
    lines: dict[Place, int] = {}
    return YamlFile(name=name, source=source, value=_mapping(name, root, (), lines), lines=lines)


def _compose(name: str, text: str) -> Node | None:
    """Return the tree of nodes, after refusing what a study file has no use for."""
    try:
        depth = 0
        for event in YAML(typ="rt", pure=True).parse(text):
            depth += _NESTING.get(type(event).__name__, 0)
            _refuse(name, event, depth)
        root: Node | None = YAML(typ="rt", pure=True).compose(text)
        return root
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark is not None else 1
        problem = " ".join(str(error.problem or error.context or error).split())
        raise BadInput(f"not YAML: {problem}", where=f"{name}:{line}", remedy=_remedy(problem)) from error
    except (YAMLError, ValueError, RecursionError) as error:
        raise BadInput(f"not YAML: {str(error).strip().splitlines()[0]}", where=name) from error


_NESTING = {"MappingStartEvent": 1, "SequenceStartEvent": 1, "MappingEndEvent": -1, "SequenceEndEvent": -1}


def _remedy(problem: str) -> str:
    if "'\\t'" in problem:
        return "Indent by spaces"
    return "Keep one study in a file" if "another document" in problem else ""


def _refuse(name: str, event: Event, depth: int) -> None:
    where = f"{name}:{event.start_mark.line + 1}"
    if depth > MAX_DEPTH:
        raise BadInput("nested too deeply", where=where, expected=f"at most {MAX_DEPTH} levels")
    if isinstance(event, DocumentStartEvent) and event.version not in (None, (1, 2)):
        got = "%YAML " + ".".join(map(str, event.version))
        raise BadInput("another version of YAML", where=where, got=got, expected="YAML 1.2", remedy="Drop the line")
    if isinstance(event, NodeEvent) and event.anchor:
        raise BadInput("anchors and aliases are not taken", where=where, remedy="Write the value out")
    text = getattr(event, "value", None)
    if isinstance(text, str) and any("\ud800" <= character <= "\udfff" for character in text):
        what, remedy = "half a surrogate pair, which is no text", "Write the character itself"
        raise BadInput(what, where=where, got=ascii(text[:40]), remedy=remedy)
    tag = getattr(event, "tag", None)
    if tag:
        raise BadInput("tags are not taken", where=where, got=str(tag)[:40], remedy="Write the plain value")


def _value(name: str, node: Node, place: Place, lines: dict[Place, int]) -> Value:
    if isinstance(node, MappingNode):
        return _mapping(name, node, place, lines)
    if isinstance(node, SequenceNode):
        for number, item in enumerate(node.value):
            lines[(*place, number)] = item.start_mark.line + 1
        return [_value(name, item, (*place, number), lines) for number, item in enumerate(node.value)]
    if isinstance(node, ScalarNode):
        return _scalar(name, node, place)
    raise TypeError(f"no kind of YAML node: {type(node)}")


def _mapping(name: str, node: MappingNode, place: Place, lines: dict[Place, int]) -> dict[str, Value]:
    """Copy a mapping, noting the line of each key."""
    plain: dict[str, Value] = {}
    for key_node, item in node.value:
        line = key_node.start_mark.line + 1
        where = f"{name}:{line}" + (f": {'.'.join(map(str, place))}" if place else "")
        if not isinstance(key_node, ScalarNode) or _kind(key_node) not in ("str", "timestamp"):
            got = key_node.value if isinstance(key_node, ScalarNode) else "a list or mapping"
            raise BadInput("a key must be text", where=where, got=str(got)[:40] or "nothing", remedy="Quote it")
        key = str(key_node.value)
        if key in plain:
            first = f"the first is in line {lines[(*place, key)]}"
            raise BadInput(f"key {key[:40]!r} is there twice", where=where, remedy=f"Keep one; {first}")
        lines[(*place, key)] = line
        plain[key] = _value(name, item, (*place, key), lines)
    return plain


def _scalar(name: str, node: ScalarNode, place: Place) -> Value:
    kind, text = _kind(node), str(node.value)
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() == "true"
    if kind not in ("int", "float"):
        return text  # timestamps too: a study has no dates, and `2024-01-01` may be a name
    if len(text) > MAX_DIGITS:
        where = f"{name}:{node.start_mark.line + 1}: {'.'.join(map(str, place))}"
        raise BadInput("a number too long", where=where, got=f"{len(text)} digits", remedy="Quote it if it is text")
    digits = text.replace("_", "").lower()
    if kind == "float":
        return float(digits.replace(".inf", "inf").replace(".nan", "nan"))
    return int(digits, 0 if digits.lstrip("+-")[:2] in ("0x", "0o", "0b") else 10)


def _kind(node: ScalarNode) -> str:
    """The resolved kind of a scalar: str, int, float, bool, null, or one of the rarer ones."""
    return "str" if node.style in ("'", '"', "|", ">") else str(node.tag).rpartition(":")[2]
