"""The rules by which defects are counted, one small text each."""

import pytest

from jobs.ingest.prompt_defects import prompt_defects
from jobs.lib.card.defects import EVERY_DETECTOR, rule
from jobs.lib.text.texts import Text

CODE = "```python\ndef area(side):\n    # the area\n    return side * side\n```"
CASES: list[tuple[str, str, str | None, tuple[int, int]]] = [
    ("broken-fences", "no code", None, (0, 0)),
    ("broken-fences", f"See:\n{CODE}", None, (0, 1)),
    ("broken-fences", f"See:\n`{CODE[2:]}", None, (1, 1)),
    ("broken-fences", "```\na\n```\n```\nb\n", None, (1, 1)),
    ("python-unparsed", CODE, None, (0, 1)),
    ("python-unparsed", CODE[1:], None, (0, 1)),
    ("python-unparsed", CODE.replace("def", "definiere"), None, (1, 1)),
    ("python-unparsed", CODE.replace("python", ""), None, (0, 1)),
    ("python-unparsed", CODE.replace("python", "").replace("return", "gib"), None, (1, 1)),
    ("python-unparsed", CODE.replace("python", "cpp"), None, (0, 0)),
    ("python-unparsed", "```\n3 4 5\n```", None, (0, 0)),
    ("python-unparsed", "- so:\n  ```python\n  import os\n  os.getcwd()\n  ```", None, (0, 1)),
    ("python-unparsed", "```python\nprint(1)", None, (0, 0)),
    ("python-unparsed", "```python\n" + "(" * 10_000 + "\n```", None, (1, 1)),
    ("code-differs", CODE, CODE, (0, 1)),
    ("code-differs", CODE.replace("\n    ", "\n  "), CODE, (0, 1)),
    ("code-differs", CODE.replace("the area", "die Fläche"), CODE, (1, 1)),
    ("code-differs", "text alone", CODE, (1, 1)),
    ("code-differs", "Text", "text", (0, 0)),
    ("identifiers-translated", CODE.replace("the area", "die Fläche"), CODE, (0, 1)),
    ("identifiers-translated", CODE.replace("def", "definiere"), CODE, (0, 1)),
    ("identifiers-translated", CODE.replace("side", "seite"), CODE, (1, 1)),
    ("identifiers-translated", "no code", CODE, (0, 0)),
    ("untranslated", "Please sit down over there.", "Please sit down over there.", (1, 1)),
    ("untranslated", "PLEASE sit down over here!", "Please sit down over there.", (1, 1)),
    ("untranslated", "Bitte setzen Sie sich dort hin.", "Please sit down over there.", (0, 1)),
    ("untranslated", "Ja, gern.", "Yes, please.", (0, 0)),
    ("untranslated", "Bitte setzen Sie sich dort hin, jetzt gleich.\nPlease sit.", "Please sit down there.", (0, 1)),
    ("untranslated", CODE, f"Here it is for you:\n{CODE}", (0, 1)),
    ("untranslated-title", "Erkläre „Master Boot Record“.", "Explain “Master Boot Record”.", (1, 1)),
    ("untranslated-title", "Erkläre „Master boot record“.", "Explain “Master Boot Record”.", (0, 1)),
    ("untranslated-title", "Erkläre: Master Boot Record", "Explain: Master Boot Record", (1, 1)),
    ("untranslated-title", "Erkläre „Boot Record“.", "Explain “Boot Record”.", (0, 0)),
    ("untranslated-title", "Das: Startsektor («Master Boot Record»)", "Explain: Master Boot Record", (0, 1)),
    (
        "partly-untranslated",
        "Bitte setzen Sie sich dort hin, jetzt gleich.\nSit down over there.",
        "Sit down over there.\nNow.",
        (1, 1),
    ),
    ("partly-untranslated", "Bitte setzen Sie sich.", "Please sit down over there.", (0, 1)),
    ("partly-untranslated", "Please sit down over there.", "Please sit down over there.", (0, 1)),
    ("numbers-differ", "Seit 2019 sind es 1.000 Stück.", "Since 2019 there are 1,000 of them.", (0, 1)),
    ("numbers-differ", "Seit 2021 sind es 1.000 Stück.", "Since 2019 there are 1,000 of them.", (1, 1)),
    ("numbers-differ", "Es sind 3.", "There are 2.", (0, 0)),
    ("code-only", CODE, None, (1, 1)),
    ("code-only", f"So:\n{CODE}", None, (0, 1)),
    ("code-only", "So.", None, (0, 0)),
    ("very-short", "See the page.", None, (1, 1)),
    ("very-short", "See the other page.", None, (0, 1)),
    ("announces-more", "These are the steps:\n", None, (1, 1)),
    ("announces-more", "Steps: none.", None, (0, 1)),
    ("cross-references", "siehe Abschnitt 9.3.2", None, (1, 1)),
    ("cross-references", "see this section", None, (0, 1)),
    ("layout-tables", "| a |\n| --- |\n| b |\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n| 3 | 4 |", None, (1, 2)),
    ("layout-tables", "no | table", None, (0, 0)),
    ("reserved-hosts", "ftp.debian.example", None, (1, 1)),
    ("reserved-hosts", "for example: host.org", None, (0, 1)),
    ("comments-untranslated", CODE.replace("the area", "is the area"), CODE.replace("the area", "is the area"), (1, 1)),
    ("comments-untranslated", CODE.replace("the area", "die Fläche"), CODE.replace("the area", "is the area"), (0, 1)),
    ("comments-untranslated", "```\n# apt-get install vim\n```", "```\n# apt-get install vim\n```", (0, 0)),
    (
        "comments-untranslated",
        "```\n# dd if=/dev/sdb of=disk.img\n```",
        "```\n# dd if=/dev/sdb of=disk.img\n```",
        (0, 0),
    ),
    (
        "comments-untranslated",
        "```c\n#if defined(UNIX) && defined(BSD)\n```",
        "```c\n#if defined(UNIX) && defined(BSD)\n```",
        (0, 0),
    ),
    (
        "comments-untranslated",
        "```\ncurl https://host.net/how-to/get/this\n```",
        "```\ncurl https://host.net/how-to/get/this\n```",
        (0, 0),
    ),
    (
        "comments-untranslated",
        "```python\nmean = total // count if count is not None else 0\n```",
        "```python\nmean = total // count if count is not None else 0\n```",
        (0, 0),
    ),
    (
        "comments-untranslated",
        "```c\nx = 1; // the area, in metres\n```",
        "```c\nx = 1; // the area, in metres\n```",
        (1, 1),
    ),
    ("comments-untranslated", "```\nx = '# is the area'\n```", "```\nx = '# is the area'\n```", (0, 0)),
    ("comments-untranslated", "no code", CODE.replace("the area", "is the area"), (0, 1)),
    ("french-spacing", "**Note:** à lire", None, (1, 1)),
    ("french-spacing", "Note\u00a0: à lire", None, (0, 1)),
    ("french-spacing", "Note : lisez ceci: cela", None, (1, 1)),
    ("french-spacing", "`a: b` et https://host:80/ à 10:30", None, (0, 0)),
]


@pytest.mark.parametrize(("name", "text", "pivot", "expected"), CASES)
def test_a_detector_counts_by_its_rule(name: str, text: str, pivot: str | None, expected: tuple[int, int]) -> None:
    assert EVERY_DETECTOR[name](Text(text), None if pivot is None else Text(pivot)) == expected


def test_every_detector_has_a_case_and_states_its_rule() -> None:
    assert set(EVERY_DETECTOR) == {name for name, *_ in CASES}
    assert all(len(rule(name)) > 50 and "\n" not in rule(name) for name in (*EVERY_DETECTOR, "other-language"))


def test_a_text_of_a_million_fences_is_split_in_one_pass() -> None:
    assert len(Text("```\n" * 1_000_000).blocks) == 500_000


def prompt(name: str = "single-v1", template: str = "[User Question]\n{question}", system: str = "") -> dict[str, str]:
    return {"name": name, "prompt_template": template, "system_prompt": system}


PROMPTS: list[tuple[str, dict[str, str], dict[str, str], list[tuple[str, str]]]] = [
    ("fine", prompt(template="[Frage des Nutzers]\n{question}"), prompt(), []),
    ("label", prompt(), prompt(), [("untranslated-label", "[User Question]")]),
    (
        "delimiter",
        prompt(template="<|Anfang {question}"),
        prompt(template="<|Start|> {question}"),
        [("unclosed-delimiter", "1 of <| and 0 of |>")],
    ),
    (
        "placeholders",
        prompt(template="{question} {question}"),
        prompt(template="{question} {answer}"),
        [("placeholders", "{question} {question}")],
    ),
    ("verdict", prompt(template="z. B. [[6]]"), prompt(template="e.g. [[5]]"), [("verdict-format", "[[6]]")]),
    (
        "repeat",
        prompt(template="", system="Sie sollen die Antwort bewerten. Sie sollen die Antwort bewerten."),
        prompt(template=""),
        [("repeated-sentence", "Sie sollen die Antwort bewerten.")],
    ),
    ("missing", prompt(name="other", template=""), prompt(template=""), [("missing-prompt", "")]),
]


@pytest.mark.parametrize(("german", "english", "expected"), [case[1:] for case in PROMPTS], ids=[c[0] for c in PROMPTS])
def test_a_judge_prompt_is_compared_with_the_pivots(
    german: dict[str, str], english: dict[str, str], expected: list[tuple[str, str]]
) -> None:
    found = prompt_defects({"EN": [english], "DE": [german]})
    assert [(defect.defect, defect.detail) for defect in found] == expected
    assert all(defect.language == "DE" for defect in found)
