"""Filling in what pins a study's files and repositories, in the file's own text: no comment and no line is moved.

A pin is the SHA-256 of a file, the size of one at an address, or the commit of a hub repository. What is there and
differs is only replaced when asked: it may be the file that is wrong, not the pin.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from polyglot.core.errors import BadInput
from polyglot.study.catalogue import SECTIONS, load_catalogue
from polyglot.study.files import local_digest
from polyglot.study.yaml_file import Place, read_yaml

_PINNED = ("path", "hub", "published", "prefix", "model")
UNSET = "0" * 40  # a commit that is still to be filled in


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """One value that a place of the study has, should have, or cannot be given (`why`)."""

    place: Place
    key: str  # sha256, bytes or revision
    had: str = ""  # "" for none
    found: str = ""
    why: str = ""

    @property
    def is_new(self) -> bool:
        """Whether nothing stood there yet."""
        return self.had in ("", UNSET)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Edit:
    at: int
    end: int
    text: str


def pin_text(
    path: Path,
    *,
    again: bool,
    commit_of: Callable[[str, bool], str],
    digest_of: Callable[[str], tuple[str, int]],
) -> tuple[str, list[Pin]]:
    """Return the text of a study with its pins filled in, and every pin that was looked at.

    `commit_of(repository, is_dataset)` and `digest_of(address)`, of a folder where its path ends in "/", ask a network;
    an OSError of theirs says why a value is unknown. `again`: what is pinned already is looked up too, and replaced
    where it differs. Raises BadInput for a file that is no YAML mapping, or is written in a way that cannot be filled
    in.
    """
    text = read_yaml(path).source.decode("utf-8-sig")
    pins, edits, wanted = [], [], {}
    for place, node in _mappings(_composed(text), ()):
        wanted[place] = _plain(node)
        for pin in _pins(place, _plain(node), path.parent, again=again, commit_of=commit_of, digest_of=digest_of):
            pins.append(pin)
            if pin.found and pin.found != pin.had and (pin.is_new or again):
                edits.append(_edit(text, node, pin))
                wanted[place][pin.key] = pin.found
    for edit in sorted(edits, key=lambda edit: (edit.at, edit.end), reverse=True):
        text = text[: edit.at] + edit.text + text[edit.end :]
    try:
        is_right = {place: _plain(node) for place, node in _mappings(_composed(text), ())} == wanted
    except YAMLError:
        is_right = False
    if not is_right:
        remedy = "Write `path: FILE` on a line of its own, or {path: FILE} in braces"
        raise BadInput("written in a way that pins cannot be filled into", where=str(path), remedy=remedy)
    return text, pins


def _composed(text: str) -> Node:
    root: Node = YAML(typ="rt", pure=True).compose(text)
    return root


def _pins(
    place: Place,
    section: Mapping[str, str],
    folder: Path,
    *,
    again: bool,
    commit_of: Callable[[str, bool], str],
    digest_of: Callable[[str], tuple[str, int]],
) -> Iterator[Pin]:
    if "path" in section:
        yield from _of_file(place, section, folder, again=again, digest_of=digest_of)
    if (named := section.get("directory")) and not (folder / named / "config.json").is_file():
        why = "it has no config.json: no model's folder" if (folder / named).is_dir() else "no such folder"
        yield Pin(place=place, key="directory", had=named, why=why)
    had = section.get("sha256", "")
    if "prefix" in section and (again or not had):
        address, _, query = section["prefix"].partition("?")
        try:
            found, _ = digest_of(f"{address.rstrip('/')}/" + (f"?{query}" if query else ""))
            yield Pin(place=place, key="sha256", had=had, found=found)
        except OSError as error:
            yield Pin(place=place, key="sha256", had=had, why=f"{section['prefix']}: {error}")
    repository, is_dataset, commit = _repository(place, section, folder)
    had = section.get("revision", "")
    if repository and (again or not (had or commit) or had == UNSET):
        try:
            yield Pin(place=place, key="revision", had=had, found=commit_of(repository, is_dataset))
        except OSError as error:
            yield Pin(place=place, key="revision", had=had, why=f"{repository}: {error}")


def _of_file(
    place: Place, section: Mapping[str, str], folder: Path, *, again: bool, digest_of: Callable[[str], tuple[str, int]]
) -> Iterator[Pin]:
    path, had, size = section["path"], section.get("sha256", ""), section.get("bytes", "")
    if "://" not in path:
        found = local_digest(folder, path)
        yield Pin(place=place, key="sha256", had=had, found=found, why="" if found else f"no file {path}")
    elif again or not (had and size):
        try:
            found, length = digest_of(path)
        except OSError as error:
            yield Pin(place=place, key="sha256", had=had, why=f"{path}: {error}")
            return
        yield Pin(place=place, key="bytes", had=size, found=str(length))
        yield Pin(place=place, key="sha256", had=had, found=found)


def _repository(place: Place, section: Mapping[str, str], folder: Path) -> tuple[str, bool, str]:
    """The hub repository of a section, whether it is a data set, and the commit that the catalogue has of it."""
    part = str(place[0]) if place else ""
    if "hub" in section:
        return section["hub"], part == "datasets", ""
    if "published" in section and part in SECTIONS and len(place) == 2:
        entry = load_catalogue(folder)[SECTIONS[part]].get(section["published"])
        source: Mapping[str, object] = entry.source if entry else {}
        return str(source.get("hub", "")), part == "datasets", str(source.get("revision", ""))
    if "model" in section and "translate" in place and section.get("engine") == "nmt":
        return section["model"], False, ""
    return "", False, ""


def _mappings(node: Node, place: Place) -> Iterator[tuple[Place, MappingNode]]:
    if isinstance(node, MappingNode):
        yield place, node
        for key, value in node.value:
            yield from _mappings(value, (*place, str(key.value)))
    elif isinstance(node, SequenceNode):
        for number, item in enumerate(node.value):
            yield from _mappings(item, (*place, number))


def _plain(node: MappingNode) -> dict[str, str]:
    scalars = [(key, value) for key, value in node.value if isinstance(value, ScalarNode)]
    return {str(key.value): "" if _is_null(value) else str(value.value) for key, value in scalars}


def _is_null(node: ScalarNode) -> bool:
    return node.style is None and node.value in ("", "~", "null", "Null", "NULL")


def _edit(text: str, node: MappingNode, pin: Pin) -> _Edit:
    """Replace a value that is there, else add the key behind what it pins: in its line, or in one of its own."""
    # digits alone would be a number
    value = f'"{pin.found}"' if pin.found.isdecimal() and pin.key != "bytes" else pin.found
    pairs: dict[str, tuple[Node, Node]] = {str(key.value): (key, item) for key, item in node.value}
    if pin.key in pairs:
        name, old = pairs[pin.key]
        if old.start_mark.index == old.end_mark.index:  # `sha256:` and nothing behind it
            at = name.end_mark.index
            colon = re.match(r"\s*:", text[at:])
            at += colon.end() if colon else 0
            return _Edit(at=at, end=at, text=f" {value}" if colon else f": {value}")
        return _Edit(at=old.start_mark.index, end=old.end_mark.index, text=value)
    key, pinned = next(pairs[name] for name in _PINNED if name in pairs)
    end = pinned.end_mark.index
    if node.flow_style:
        return _Edit(at=end, end=end, text=f", {pin.key}: {value}")
    line = text.find("\n", end)
    line = len(text) if line < 0 else line
    newline = "\r\n" if text[line - 1] == "\r" else "\n"
    if isinstance(pinned, ScalarNode) and pinned.style in ("|", ">"):  # its end is the next text's beginning
        at = key.start_mark.index
        return _Edit(at=at, end=at, text=f"{pin.key}: {value}{newline}{' ' * key.start_mark.column}")
    line -= len(newline) - 1
    return _Edit(at=line, end=line, text=f"{newline}{' ' * key.start_mark.column}{pin.key}: {value}")
