"""A sheet as files for raters: a page that needs nothing but a browser, and the same as CSV. Neither names an engine.

The page keeps what is marked in the browser's own storage and downloads the CSV that `polyglot sheet import` reads. It
makes no request: its policy forbids all. Texts are data: JSON in a script element that cannot be left, shown as text.
"""

import csv
import io
import json

from markupsafe import Markup

from polyglot.core.pages import templates
from polyglot.sheets.rubric import CATEGORIES, FIELDS, SEVERITIES
from polyglot.sheets.sample import Sheet


def as_csv(sheet: Sheet) -> str:
    """The form as CSV with a byte order mark, which spreadsheets need to read UTF-8."""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, FIELDS, restval="", lineterminator="\r\n")
    writer.writeheader()
    for number, turn in enumerate(sheet.items, 1):
        texts = {"source": _plain(turn.source), "translation": _plain(turn.translation)}
        writer.writerow({"sheet": sheet.id, "item": number, "languages": turn.languages, **texts})
    return "\ufeff" + out.getvalue()


def as_html(sheet: Sheet, study: str) -> str:
    """The form as one page."""
    environment = templates("polyglot.sheets")
    content = {
        "sheet": sheet.id,
        "fields": FIELDS,
        "categories": list(CATEGORIES),
        "severities": list(SEVERITIES),
        "items": [
            {"item": number, "languages": turn.languages, "source": turn.source, "translation": turn.translation}
            for number, turn in enumerate(sheet.items, 1)
        ],
    }
    return environment.get_template("sheet.html.j2").render(
        study=study,
        sheet=sheet.id,
        number=len(sheet.items),
        categories=CATEGORIES,
        severities={name: text for name, (_, text) in SEVERITIES.items()},
        content=script_json(content),
    )


def script_json(content: object) -> Markup:
    """JSON that no HTML parser takes for the end of a script element."""
    text = json.dumps(content, ensure_ascii=False)
    for character in ("<", ">", "&", "\u2028", "\u2029"):
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)  # noqa: S704 - escaped above


def _plain(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
