"""Any text as one line that may be shown anywhere: in a table, a terminal, an object of a cluster's API."""

LONGEST = 500


def one_line(text: str, longest: int = LONGEST) -> str:
    """Words with single spaces between them, at most `longest` characters; what steers a terminal becomes "?"."""
    words = " ".join(text.split())
    plain = "".join(char if char.isprintable() else "?" for char in words)
    return plain if len(plain) <= longest else plain[: longest - 1] + "…"
