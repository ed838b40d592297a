r"""What of a text is prose and what must survive translation untouched.

`pieces` cuts a text into `Piece`s whose texts, joined, are the text again (a property test holds it). A piece without a
kind is prose; the others are protected. `BLOCKS` stand between translated units, `LAYOUT` may stand inside of those
that span lines, the rest is inline. `inventory` is what verification compares.

Kinds: "code-block" (fenced by two or more backquotes or three tildes, see jobs.lib.text.texts for the two),
"math-block" (`$$…$$`, `\[…\]`, environments), "comment" (of HTML), "layout" (line ends, indentation, list markers,
headings, quotation marks of lines, pipes and rules of tables), "code" (in backquotes), "math" (`$…$`, `\(…\)`,
commands), "url", "email", "path", "tag" (and entities), "placeholder" (`{name}`, `%s`, `$VAR`, `[[name]]`), "emphasis"
(`**`, `__`, `~~`) and "number".
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

BLOCKS = frozenset({"code-block", "math-block", "comment"})
LAYOUT = "layout"
INLINE = ("code", "math", "url", "email", "path", "tag", "placeholder", "emphasis", "number")

# Patterns stop where what they look for begins anew, or after a bound, so that one mark repeated is no quadratic work.
_FENCE = re.compile(r"[ \t]*(?P<marks>`{2,}|~{3,})(?P<info>[^`\n]*)")
_MULTILINE = re.compile(
    r"(?P<code_block>(?<!`)(?P<ticks>`{3,})(?!`)(?:(?!\n[ \t]*\n)[\s\S])+?(?<!`)(?P=ticks)(?!`))"
    r"|(?P<math_block>\$\$[\s\S]+?\$\$|\\\[(?:(?!\\\[)[\s\S])+?\\\]|\\begin\{(?P<env>[A-Za-z*]+)\}[\s\S]{1,5000}?\\end\{(?P=env)\})"
    r"|(?P<comment><!--(?:(?!<!--)[\s\S])*?-->)"
)
_RULE = re.compile(r"[ \t]*+(?:\|?[ \t]*+:?-+:?[ \t]*+(?:\|[ \t]*+:?-+:?[ \t]*+)*\|?|(?:[-*_=][ \t]*+){3,})[ \t]*+")
_PREFIX = re.compile(
    r"[ \t]*(?:>[ \t]*)*(?:#{1,6}[ \t]+|[-*+•·][ \t]+(?:\[[ xX]\][ \t]+)?|(?:\d{1,3}|[a-zA-Z])[.)][ \t]+)?"
)
_PIPE = re.compile(r"[ \t]*\|[ \t]*")
_INLINE = re.compile(
    r"(?P<code>(?<!`)(?P<quotes>`{1,2})(?!`)[^\n]+?(?<!`)(?P=quotes)(?!`))"
    r"|(?P<math>(?<![\w$\\])\$(?![\s$])[^$\n]*?[^$\s\\]\$(?![\w$])|\\\((?:(?!\\\()[^\n])+?\\\)|\\[A-Za-z]+(?:\{[^{}\n]*\})*)"
    r"|(?P<url>\b(?:https?|ftp|sftp|file|ssh|git|svn|s3|apt|cdrom|ldap)://[^\s<>\"'`|]*[^\s<>\"'`|.,;:!?)\]}*_]"
    r"|\bmailto:[^\s<>\"'`|]*[\w/]|\bwww\.[\w-]+\.[^\s<>\"'`|]*[\w/])"
    r"|(?P<email>\b[\w.+-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+\b)"
    r"|(?P<tag></?[A-Za-z][^<>\n]*>|&(?:[A-Za-z]{2,8}|#\d{1,6}|#x[0-9A-Fa-f]{1,5});)"
    r"|(?P<placeholder>\{\{[^{}\n]{1,80}\}\}|\$?\{[^{}\n]{1,80}\}|\[\[[^\[\]\n]{1,80}\]\]"
    r"|(?<![\w$])\$[A-Za-z_]\w*|(?<![\w%])%(?:\(\w+\))?[-+#0]*+\d*+(?:\.\d+)?[sdifgeExXcru](?!\w)|%[A-Z][A-Z_]+%)"
    r"|(?P<path>(?<![\w./<])(?:~|\.{1,2})?/[\w.+@-]*[\w@+-](?:/[\w.+@-]*[\w@+-])+/?|(?<!\w)[A-Z]:\\[\w.\\-]*[\w-])"
    r"|(?P<emphasis>\*\*|__(?=\w)|(?<=\w)__(?!\w)|~~)"
    r"|(?P<number>(?<![\w])\d+(?:[.,:/]\d+)*(?![\w]))"
)


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a text; `kind` is None for prose."""

    text: str
    kind: str | None = None


def pieces(text: str) -> list[Piece]:
    """Cut a text; the texts of the pieces joined are the text."""
    found: list[Piece] = []
    for chunk in _by_fences(text):
        if chunk.kind is not None:
            found.append(chunk)
            continue
        at = 0
        for match in _MULTILINE.finditer(chunk.text):
            found += _lines(chunk.text[at : match.start()])
            kind = "code-block" if match["code_block"] else "math-block" if match["math_block"] else "comment"
            found.append(Piece(match.group(), kind))
            at = match.end()
        found += _lines(chunk.text[at:])
    return found


def inventory(text: str) -> Mapping[str, Counter[str]]:
    """The protected parts of a text by kind, each with how often it is there; layout without white space."""
    found: dict[str, Counter[str]] = {}
    for piece in pieces(text):
        if piece.kind is None:
            continue
        shown = "".join(piece.text.split()) if piece.kind == LAYOUT else piece.text
        if shown:
            found.setdefault(piece.kind, Counter())[shown] += 1
    return found


def _by_fences(text: str) -> Iterator[Piece]:
    """Fenced blocks, and what lies between. A block that is never closed reaches to the end."""
    between: list[str] = []
    block: list[str] = []
    fence = ""
    for line in _split_lines(text):
        match = _FENCE.fullmatch(line.rstrip("\r\n")) if "``" in line or "~~~" in line else None
        if not block:
            if match is None:
                between.append(line)
                continue
            if between:
                yield Piece("".join(between))
                between = []
            block, fence = [line], match["marks"]
            continue
        block.append(line)
        if match and not match["info"].strip() and match["marks"][0] == fence[0]:
            body = "".join(block)
            ending = body[len(body.rstrip("\r\n")) :]
            yield Piece(body[: len(body) - len(ending)], "code-block")
            between, block = [ending] if ending else [], []
    if block:
        yield Piece("".join(block), "code-block")
    elif between:
        yield Piece("".join(between))


def _split_lines(text: str) -> list[str]:
    r"""Lines with their ends; only `\n` ends one, so that form feeds and Unicode's separators stay inside."""
    parts = text.split("\n")
    return [f"{part}\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])


def _lines(text: str) -> Iterator[Piece]:
    for line in _split_lines(text):
        body = line.removesuffix("\n").removesuffix("\r")
        if not body.strip() or _RULE.fullmatch(body):
            yield Piece(line, LAYOUT)
            continue
        prefix = _PREFIX.match(body)
        start = prefix.end() if prefix else 0
        stripped = body.rstrip()
        if start:
            yield Piece(body[:start], LAYOUT)
        if stripped.count("|") >= 2 and stripped[start:].startswith("|") or " | " in stripped[start:]:
            yield from _cells(stripped[start:])
        else:
            yield from inline(stripped[start:])
        if rest := line[max(start, len(stripped)) :]:
            yield Piece(rest, LAYOUT)


def _cells(row: str) -> Iterator[Piece]:
    """A table's row; pipes inside of code or other protected parts are no borders."""
    for piece in inline(row):
        if piece.kind is not None:
            yield piece
            continue
        at = 0
        for pipe in _PIPE.finditer(piece.text):
            if pipe.start() > at:
                yield Piece(piece.text[at : pipe.start()])
            yield Piece(pipe.group(), LAYOUT)
            at = pipe.end()
        if at < len(piece.text):
            yield Piece(piece.text[at:])


def inline(text: str) -> Iterator[Piece]:
    """Cut a part of one line into prose and what is protected within it."""
    at = 0
    for match in _INLINE.finditer(text):
        if match.start() > at:
            yield Piece(text[at : match.start()])
        yield Piece(match.group(), match.lastgroup if match.lastgroup in INLINE else "code")
        at = match.end()
    if at < len(text):
        yield Piece(text[at:])
