"""What the files of judges are called: two judges of one model must not write into one file."""

from polyglot.export.fastchat import judge_name

ONE = {"EN": ("gpt-4", ""), "DE": ("gpt-4", ""), "EN+other-judge": ("large-1", "other")}


def test_a_judge_is_called_by_its_model_where_that_is_enough() -> None:
    assert [judge_name(ONE, name) for name in ONE] == ["gpt-4", "gpt-4", "large-1"]


def test_judges_of_one_model_have_their_own_names_behind_it() -> None:
    asked = ONE | {"EN+strict-judge": ("gpt-4", "strict"), "EN+mild-judge": ("gpt-4", "mild")}
    names = ["gpt-4", "gpt-4", "large-1", "gpt-4-strict", "gpt-4-mild"]
    assert [judge_name(asked, name) for name in asked] == names
