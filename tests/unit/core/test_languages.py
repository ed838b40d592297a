"""The written-out table is the registry's, and the canonical order is the paper's."""

import pycountry
import pytest

from polyglot.core.languages import ISO_639_1, PAPER_ORDER, is_language, language_name, language_rank

# Codes that were withdrawn or never were in ISO 639-1, which registries of names may still carry.
WITHDRAWN = {"SH"}


def test_the_table_is_the_registry_s() -> None:
    registry = {entry.alpha_2.upper() for entry in pycountry.languages if hasattr(entry, "alpha_2")}
    assert registry ^ ISO_639_1 <= WITHDRAWN


@pytest.mark.parametrize("code", ["EN", "NO", "FI", "SQ", "YO"])
def test_a_code_of_the_standard_is_a_language(code: str) -> None:
    assert is_language(code)


@pytest.mark.parametrize("code", ["en", "XX", "", "E", "ENG", "E N", "ＥＮ", "EN\n"])
def test_anything_else_is_none(code: str) -> None:
    assert not is_language(code)


def test_the_paper_s_languages_come_first_in_its_order_and_the_others_by_code() -> None:
    assert sorted({"NO", "AR", *PAPER_ORDER}, key=language_rank) == ["EN", "DE", "FR", "IT", "ES", "AR", "NO"]


def test_names_are_english_and_a_code_without_one_names_itself() -> None:
    assert language_name("DE") == "German"
    assert language_name("QQ") == "QQ"
