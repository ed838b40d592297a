"""What becomes of an answer that vLLM ends by itself; vLLM and its requests are tested in tests/local/test_vllm.py."""

from types import SimpleNamespace

import pytest

from jobs.answer.engines.engine import Growing, Request
from jobs.answer.engines.vllm import VllmEngine
from polyglot.core.errors import Permanent, PolyglotError


def test_an_answer_that_vllm_ends_for_a_reason_of_its_own_is_told_and_tried_again() -> None:
    engine = object.__new__(VllmEngine)  # without a model
    said = SimpleNamespace(token_ids=[], finish_reason="abort")
    ended = SimpleNamespace(request_id="DE/90/0", outputs=[said], finished=True)
    engine._engine = SimpleNamespace(step=lambda: [ended])
    request = Request(prompt=[1], temperature=0.0, seed=0, max_new_tokens=9)
    engine._growing, engine._not_finite = {"DE/90/0": Growing(request, ids=[5, 6])}, set()
    with pytest.raises(PolyglotError) as raised:
        engine.step(lambda: None)
    assert str(raised.value) == "vllm ended DE/90/0 after 2 of 9 tokens for a reason of its own: abort"
    assert not isinstance(raised.value, Permanent)
