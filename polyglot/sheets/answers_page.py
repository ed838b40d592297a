"""A sheet of answers as a page that needs nothing but a browser, and its items as JSON for other tools.

Neither names a model, and the page makes no request: its policy forbids all. Texts are data, as on `page`'s.
"""

import json
from collections.abc import Iterator

from polyglot.core.pages import templates
from polyglot.sheets.answers import AnswerSheet, Shown
from polyglot.sheets.page import script_json
from polyglot.sheets.words import words_of

FORMAT = "polyglot-votes-1"  # of what the page saves


def as_page(sheet: AnswerSheet) -> str:
    """The sheet of one rater in one language."""
    words = words_of(sheet.language)
    content = {
        "format": FORMAT,
        "sheet": sheet.id,
        "what": sheet.what,
        "language": sheet.language,
        "lang": sheet.language.lower(),
        "words": {name: getattr(words, name) for name in _IN_SCRIPT},
        "items": [
            {"item": number, "asked": shown.asked, "answers": shown.answers}
            for number, shown in enumerate(sheet.items, 1)
        ],
    }
    english = words_of("EN")
    return (
        templates("polyglot.sheets")
        .get_template("answers.html.j2")
        .render(
            sheet=sheet.id,
            lang="en" if words is english else sheet.language.lower(),
            language=sheet.language,
            pairs=sheet.what == "pairs",
            number=len(sheet.items),
            words=words,
            english=None if words is english else english,
            content=script_json(content),
        )
    )


_IN_SCRIPT = ("question", "answer", "rated", "name_first", "level_first", "nothing", "kept_nowhere", "saved")


def as_items(sheet: AnswerSheet) -> Iterator[str]:
    """One JSON object an item, for tools that show tasks and give back their `id`."""
    for number, shown in enumerate(sheet.items, 1):
        row = {"id": sheet.name(number), "item": sheet.name(number), "language": sheet.language}
        yield json.dumps(row | _flat(shown), ensure_ascii=False)


def _flat(shown: Shown) -> dict[str, str]:
    """A conversation as text: turns after one another, each side by itself."""
    names = ("answer_a", "answer_b") if len(shown.answers) > 1 else ("answer",)
    texts = {name: "\n\n----\n\n".join(turns) for name, turns in zip(names, shown.answers, strict=True)}
    return {"question": "\n\n----\n\n".join(shown.asked)} | texts
