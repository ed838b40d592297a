"""Human sheets: drawn and blinded, read back strictly, kept once."""

import csv
import json
from pathlib import Path

import pytest

from polyglot.core.errors import BadInput
from polyglot.sheets.page import as_csv, as_html
from polyglot.sheets.ratings import BadSheets, read, unblind
from polyglot.sheets.rubric import FIELDS
from polyglot.sheets.sample import Sheet, Turn, draw
from polyglot.sheets.store import all_ratings, keep_key, keep_ratings, read_key
from polyglot.store.locate import open_store

EVIL = '</script><script>alert(1)</script> =HYPERLINK("x") \u202e שלום'


def turns(checks: tuple[str, ...] = ("engine-a", "engine-b"), number: int = 40) -> list[Turn]:
    return [
        Turn(
            check=check,
            of="rows",
            id=f"id-{n}",
            turn=1,
            category=("math", "writing")[n % 2],
            languages="EN to ES",
            source=f"source {n} {EVIL if n == 0 else ''}",
            translation=f"{'uno' if check == checks[0] else 'otro'} {n}",
        )
        for check in checks
        for n in range(number)
    ]


def sheet(**given: int) -> Sheet:
    return draw(turns(), **({"rows": 8, "seed": 1, "most_characters": 500} | given))


def fill(path: Path, made: Sheet, rater: str, *, delimiter: str = ",", **cells: str) -> Path:
    blank = dict.fromkeys(FIELDS, "")
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, FIELDS, delimiter=delimiter)
        writer.writeheader()
        for number in range(1, len(made.items) + 1):
            writer.writerow({**blank, "sheet": made.id, "item": number, "rater": rater, "done": "yes", **cells})
    return path


class TestTheDraw:
    def test_the_same_rows_are_shown_in_every_translation_spread_over_categories(self) -> None:
        items = sheet().items
        assert len(items) == 16
        assert {t.id for t in items if t.check == "engine-a"} == {t.id for t in items if t.check == "engine-b"}
        assert sum(t.category == "math" for t in items) == 8

    def test_equal_arguments_give_equal_sheets_and_another_seed_another(self) -> None:
        assert sheet() == sheet()
        assert sheet(seed=2).id != sheet().id

    def test_too_few_turns_are_an_error(self) -> None:
        with pytest.raises(BadInput, match=r"not enough turns .* got 40 .* expected 41 rows"):
            sheet(rows=41)


class TestTheForm:
    def test_neither_form_tells_engines_ids_or_categories(self) -> None:
        made = sheet(rows=40)
        for text in (as_csv(made), as_html(made, "study")):
            assert "engine-" not in text
            assert "id-" not in text.replace("grid-", "")
            assert "math" not in text

    def test_texts_cannot_leave_their_place(self) -> None:
        page = as_html(sheet(rows=40), "study")
        assert page.count("</script>") == 2
        assert "alert(1)" in page
        assert "default-src 'none'" in page
        data = json.loads(page.partition('id="content">')[2].partition("</script>")[0])
        assert any(EVIL in item["source"] for item in data["items"])


class TestComingBack:
    def test_ratings_come_home_whatever_separator_the_spreadsheet_wrote(self, tmp_path: Path) -> None:
        made, store = sheet(), open_store(f"file://{tmp_path / 'store'}")
        keep_key(store, "s", made)
        for rater, delimiter in (("anna", ","), ("bert", ";"), ("cleo", "\t")):
            path = fill(tmp_path / "r.csv", made, rater, delimiter=delimiter, accuracy="minor major", score="70")
            rated = read(path)
            key = read_key(store, "s", rated)
            assert keep_ratings(store, "s", rated, key)
            assert not keep_ratings(store, "s", rated, key)  # the same again changes nothing
        found = all_ratings(store, "s")
        assert len(found) == 48
        assert {(row.check, row.id) for row in found} == {(turn.check, turn.id) for turn in made.items}
        assert all(row.penalty == 6 and row.score == 70 for row in found)

    def test_a_rater_rates_a_sheet_once(self, tmp_path: Path) -> None:
        made, store = sheet(), open_store(f"file://{tmp_path / 'store'}")
        for number, accuracy in enumerate(("", "minor")):
            rated = read(fill(tmp_path / "r.csv", made, "anna", accuracy=accuracy))
            if number == 0:
                assert keep_ratings(store, "s", rated, made.key)
                continue
            with pytest.raises(BadInput, match="rated this sheet otherwise before"):
                keep_ratings(store, "s", rated, made.key)

    @pytest.mark.parametrize(
        ("cells", "line"),
        [
            ({"accuracy": "terrible"}, "no such severity; got 'terrible'"),
            ({"done": "perhaps"}, "done: neither yes nor no"),
            ({"done": "", "accuracy": "minor"}, "rated, but not done"),
            ({"score": "101"}, "no whole number from 0 to 100"),
            ({"score": "9" * 5000}, "no whole number from 0 to 100"),
            ({"item": "9" * 5000}, "item: no number"),
            ({"item": "one"}, "item: no number"),
            ({"rater": ""}, "no single rater; got nothing"),
            ({"done": ""}, "nothing was rated"),
        ],
    )
    def test_bad_cells_are_named_with_their_line(self, tmp_path: Path, cells: dict[str, str], line: str) -> None:
        path = fill(tmp_path / "r.csv", sheet(rows=1), cells.pop("rater", "anna"), **cells)
        with pytest.raises(BadSheets) as caught:
            read(path)
        assert all(str(path) in text for text in caught.value.lines)
        assert line in caught.value.lines[0]

    @pytest.mark.parametrize(
        ("content", "line"),
        [
            (b"", "not a sheet; got an empty file"),
            (b"a,b\n1,2\n", "not a sheet; got a, b"),
            ("sheet,é".encode("latin-1"), "not UTF-8"),
        ],
    )
    def test_files_that_are_no_sheets(self, tmp_path: Path, content: bytes, line: str) -> None:
        (tmp_path / "r.csv").write_bytes(content)
        with pytest.raises(BadSheets, match=line):
            read(tmp_path / "r.csv")

    def test_items_and_sheets_that_were_never_exported(self, tmp_path: Path) -> None:
        store, large = open_store(f"file://{tmp_path / 'store'}"), sheet(rows=9)
        rated = read(fill(tmp_path / "r.csv", large, "anna"))
        with pytest.raises(BadInput, match="no such sheet was exported"):
            read_key(store, "s", rated)
        with pytest.raises(BadSheets, match=r"no such item; got 17, 18; expected 1 to 16"):
            unblind(rated, sheet().key)
