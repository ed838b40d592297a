"""Every bad input gets its exact line; docs/errors.md is the golden file."""

from pathlib import Path

import pytest

from tests.kit.bad_inputs import Case, all_cases, errors_page

PAGE = Path(__file__).parents[2] / "docs" / "errors.md"
CASES = list(all_cases())


@pytest.mark.parametrize("case", CASES, ids=[f"{case.room}: {case.name}" for case in CASES])
def test_a_bad_input_is_refused_with_the_documented_lines(case: Case) -> None:
    code, lines = case.lines()
    assert lines
    assert all(line.strip() and "\n" not in line for line in lines)
    assert case.room == "Profiles" or not any("secret" in line for line in lines)  # profiles have keys of that name
    outcome = f"exit {code}" if code else "rejected and counted"
    block = "\n".join([f"**{case.name}** ({outcome})", "", *(f"    {line}" for line in lines), "", ""])
    room = PAGE.read_text(encoding="utf-8").split(f"## {case.room}\n")[1].split("\n## ")[0] + "\n"
    assert block in room


def test_the_page_is_up_to_date_and_has_at_least_forty_cases() -> None:
    assert len(CASES) >= 40
    assert errors_page() == PAGE.read_text(encoding="utf-8")
