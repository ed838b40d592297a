"""How a chat model is asked: what a study may leave to the model, and what is in a key only when it is said."""

from typing import Any

import pytest
from pydantic import ValidationError

from jobs.lib.chat.refusals import remedy
from polyglot.core.canonical import digest
from polyglot.kinds.chat import ChatModel, chat_forms
from polyglot.kinds.settings import ChatSettings


def model(**changes: Any) -> ChatModel:
    return ChatModel.model_validate({"endpoint": "openai", "model": "m"} | changes, by_name=True)


def test_a_study_that_says_nothing_new_has_the_document_that_it_had() -> None:
    said = {"endpoint": "openai", "model": "m", "temperature": 0.0, "max_tokens": 2048, "seed": None}
    assert digest(model().model_dump()) == digest(said)
    assert model(reasoning_effort="low").model_dump() == said | {"reasoning_effort": "low"}


def test_a_temperature_may_be_left_to_the_model_in_the_words_of_the_remedy() -> None:
    assert "`temperature: default`" in remedy("temperature")
    assert model(temperature="default").temperature == "default"
    for wrong in ("warm", 2.5, -1, None):
        with pytest.raises(ValidationError):
            model(temperature=wrong)


def test_a_form_has_what_the_requests_have_so_that_a_probe_tries_it() -> None:
    (form,) = chat_forms(model(temperature="default", reasoning_effort="low").model_dump())
    assert (form.temperature, form.reasoning_effort, form.response_format) == ("default", "low", None)
    assert "reasoning_effort" not in chat_forms(model().model_dump())[0].model_dump()


def test_a_deployment_of_azure_needs_its_version_in_the_profile() -> None:
    url = "https://x.openai.azure.com/openai/deployments/n"
    with pytest.raises(ValidationError, match="names a deployment, and no api-version goes with it"):
        ChatSettings(base_url=url)
    assert ChatSettings(base_url=url, api_version="2024-10-21").api_version == "2024-10-21"
    assert ChatSettings(base_url="https://x.openai.azure.com/openai/v1").api_version is None
    with pytest.raises(ValidationError):
        ChatSettings(base_url=url, api_version="2024-10-21&x=1")
