"""Defects of code in texts: fences, Python that does not parse, code and names that translation changed."""

import ast
import keyword
import re
import textwrap
import warnings

from jobs.lib.text.texts import Block, Text, words

_PYTHON_TAGS = frozenset({"python", "py", "python3"})
_PYTHON_LINE = re.compile(
    r"\s*(def \w+ ?\((?=.*:\s*$).*\)( ?-> ?.+)? ?:|class \w+(\(.*\))? ?:"  # the colon first: two searches would nest
    r"|from [\w.]+ import [\w.*, ()]++|import [\w.]+( as \w+)?)\s*"
)
_STRING_OR_COMMENT = re.compile(  # nothing opens within a comment or after a backslash, so that no line is read twice
    r"""#.*|//.*|/\*(?:(?!/\*).)*?\*/|(?<!\\)"(?:\\.|[^"\\\n])*"|(?<!\\)'(?:\\.|[^'\\\n])*'"""
)
_NAME = re.compile(r"[^\W\d]\w*")
_KEYWORDS = frozenset(keyword.kwlist)
_FUNCTION_WORDS = frozenset(("the", "an", "of", "to", "is", "are", "and", "or", "for", "with", "this", "that", "if"))
_FUNCTION_WORDS |= {"you", "your", "when", "by", "from", "not", "be", "will"}
_PUNCTUATION = ".,;:!?()\"'"


def broken_fences(text: Text, pivot: Text | None) -> tuple[int, int]:
    """Turns in which "```" occurs an odd number of times, so that one fence at least is missing or damaged."""
    marks = text.raw.count("```")
    return marks % 2, int(marks > 0)


def python_unparsed(text: Text, pivot: Text | None) -> tuple[int, int]:
    """Python blocks that `ast.parse` of the running Python refuses, of all Python blocks. A block is Python when its
    fence says python, py or python3, or says nothing and one of its lines is a def, class or import statement; its
    fence may have lost one backquote ("``python"); it must be closed. Common indentation is taken off before parsing.
    """
    blocks = [block for block in text.blocks if block.closed and is_python(block)]
    return sum(not parses(block.code) for block in blocks), len(blocks)


def is_python(block: Block) -> bool:
    """Tell whether a block is Python by its tag, or by a statement that only Python has when it has no tag."""
    return block.info in _PYTHON_TAGS or (not block.info and any(map(_PYTHON_LINE.fullmatch, block.lines)))


def parses(code: str) -> bool:
    """Tell whether `ast.parse` accepts the code, its common indentation taken off."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escapes in strings are not our subject
            ast.parse(textwrap.dedent(code))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def code_differs(text: Text, pivot: Text | None) -> tuple[int, int]:
    """Turns whose fenced blocks are not, line by line and white space at the ends of lines aside, those of the same
    turn in the pivot language; of the turns that have a block in either. Comments and sample output count as code.
    """
    if pivot is None or not (text.blocks or pivot.blocks):
        return 0, 0
    return int([block.stripped for block in text.blocks] != [block.stripped for block in pivot.blocks]), 1


def identifiers_translated(text: Text, pivot: Text | None) -> tuple[int, int]:
    """Turns whose fenced blocks lack a name that the same turn's blocks have in the pivot language; of the turns with
    equally many blocks in both, at least one. Names are words outside of strings and comments that are no Python
    keywords; a name that still occurs once counts as kept.
    """
    if pivot is None or not pivot.blocks or len(text.blocks) != len(pivot.blocks):
        return 0, 0
    return int(bool(names(pivot) - names(text))), 1


def comments_untranslated(text: Text, pivot: Text | None) -> tuple[int, int]:
    """Turns whose fenced blocks have an English comment that the same turn's blocks have in the pivot language, letter
    for letter; of the turns whose pivot has one. A comment is English when it has three words or more and one of the
    commonest function words stands by itself among them: "# dd if=/dev/sdb of=disk.img" is a prompt and a command, and
    "#if defined(X)" is C. In Python "//" divides.
    """
    if pivot is None or not pivot.blocks:
        return 0, 0
    theirs = english_comments(pivot)
    return int(bool(theirs & english_comments(text))), int(bool(theirs))


def english_comments(text: Text) -> set[str]:
    """Return the English comments in a text's fenced blocks."""
    found: set[str] = set()
    for block in text.blocks:
        signs = "#" if is_python(block) else "#/"
        comments = (match[0] for match in _STRING_OR_COMMENT.finditer(block.code) if match[0][0] in signs)
        found.update(comment.strip() for comment in comments if _is_english(comment))
    return found


def _is_english(comment: str) -> bool:
    """What white space separates is looked at, as options, paths and links are full of such words."""
    standing = (word.strip(_PUNCTUATION).lower() for word in comment.split())
    return len(words(comment)) >= 3 and not _FUNCTION_WORDS.isdisjoint(standing)


def names(text: Text) -> set[str]:
    """Return the names in a text's fenced blocks."""
    code = "\n".join(block.code for block in text.blocks)
    return set(_NAME.findall(_STRING_OR_COMMENT.sub(" ", code))) - _KEYWORDS
