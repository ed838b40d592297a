"""Which field an endpoint refuses, by what servers of several makes say."""

import pytest

from jobs.lib.chat.refusals import is_no_entry, is_renamed, refused_field, remedy

RENAMED = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."


class TestField:
    @pytest.mark.parametrize(
        ("param", "message", "field"),
        [
            ("temperature", "Unsupported value: 'temperature' does not support 0 with this model.", "temperature"),
            (None, "Unsupported value: 'temperature' does not support 0 with this model.", "temperature"),
            (None, "`temperature` must be strictly positive", "temperature"),
            ("max_tokens", RENAMED, "max_tokens"),
            (None, RENAMED, "max_tokens"),
            (None, "max_tokens is too large: 65536. This model supports at most 16384 tokens.", "max_tokens"),
            (None, "Unrecognized request argument supplied: seed", "seed"),
            (None, '{"detail":[{"loc":["body","seed"],"msg":"extra fields not permitted"}]}', "seed"),
            ("body.seed", "nope", "seed"),
            (None, "max_tokens exceeds the limit of 2048", "max_tokens"),
            (None, "max_tokens: 4096 > 2048, which is the maximum allowed number of output tokens", "max_tokens"),
            (None, "`seed` is not a valid parameter", "seed"),
            ("model", "invalid model ID", "model"),
        ],
    )
    def test_is_named_by_the_endpoint_or_in_its_message(self, param: str | None, message: str, field: str) -> None:
        assert refused_field(param, message) == field

    @pytest.mark.parametrize(
        ("param", "message"),
        [
            ("messages", "This model's maximum context length is 8192 tokens, you requested 9000 (8000 max_tokens)."),
            ("max_tokens", "max_tokens must be at least 1, got -808: the prompt exceeds the context window"),
            (None, "The response was filtered"),
            (None, "bad request"),
            (None, "prompt contains 4000 tokens, max_tokens must be at most 96"),
            (None, "The temperature in Bonn is 20 degrees"),
            (None, "invalid messages[1].content"),
        ],
    )
    def test_what_depends_on_one_prompt_or_names_none_is_no_such_thing(self, param: str | None, message: str) -> None:
        assert refused_field(param, message) is None


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("API key not valid. Please pass a valid API key.", True),
        ("Invalid API key", True),
        ("Your credit balance is too low to access the API", True),
        ("invalid messages[1].content", False),
        ("the prompt speaks of an api key", False),
    ],
)
def test_a_refused_key_may_be_told_by_a_400(message: str, told: bool) -> None:
    assert is_no_entry(message) is told


def test_a_limit_that_is_unknown_may_have_another_name_and_one_that_is_too_large_has_none() -> None:
    assert is_renamed("max_tokens", RENAMED)
    assert is_renamed("max_tokens", "unknown field max_tokens")
    assert not is_renamed("max_tokens", "max_tokens is too large: 65536. This model supports at most 16384 tokens.")
    assert not is_renamed("temperature", "unknown field temperature")


def test_the_remedy_names_the_key_of_the_study_file() -> None:
    assert remedy("max_completion_tokens").startswith("Give `max-tokens` a value")
    assert remedy("seed") == "Take `seed` out of the study file"
