"""What a profile's `mode: batch` changes: the deadline, the price of an estimate, and no key."""

from pathlib import Path
from typing import cast

import pytest

from jobs.lib.chat.settings import CallSettings
from polyglot.core.canonical import Json
from polyglot.core.errors import BadInput
from polyglot.core.stage import Resources, Stage
from polyglot.kinds.chat import calling
from polyglot.kinds.forecast import Ask, Forecast, Sources
from polyglot.study.profile import Profile, load_profile

PRICES: dict[str, Json] = {"price_usd_per_mtok_prompt": 2.0, "price_usd_per_mtok_completion": 8.0}


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> "Loader":
    monkeypatch.delenv("POLYGLOT_STORE", raising=False)
    return Loader(tmp_path / "profile.yaml")


class Loader:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __call__(self, text: str) -> Profile:
        self.path.write_text(text)
        return load_profile(str(self.path))


def forecast(endpoint: str = "openai", **settings: Json) -> Forecast:
    ask = Ask(
        stage=Stage(kind="judge", version=1, params={"endpoint": endpoint}),
        settings={**PRICES, **settings},
        resources=Resources(),
        device=None,
        inputs={},
        sources=cast(Sources, None),  # nothing outside is looked at
    )
    return calling(ask, calls=100, prompt_tokens=1e6, completion_tokens=1e5, source="counted")


class TestDeadline:
    def test_a_stage_that_waits_for_batches_has_a_week(self, load: Loader) -> None:
        profile = load("settings: {judge: {mode: batch}}\n")
        assert profile.resources["judge"].deadline_seconds == 7 * 86_400
        assert profile.resources["quality"].deadline_seconds == 86_400

    def test_or_what_the_profile_says(self, load: Loader) -> None:
        profile = load("settings: {judge: {mode: batch}}\nresources: {judge: {deadline: 2d}}\n")
        assert profile.resources["judge"].deadline_seconds == 2 * 86_400

    @pytest.mark.parametrize("kind", ["ask", "reference", "probe"])
    def test_what_waits_turn_by_turn_takes_no_batches(self, load: Loader, kind: str) -> None:
        with pytest.raises(BadInput, match=f"settings.{kind}.mode: its calls are asked live.*expected live. Remove it"):
            load(f"settings: {{{kind}: {{mode: batch}}}}\n")
        assert load(f"settings: {{{kind}: {{mode: live}}}}\n").settings[kind]["mode"] == "live"

    @pytest.mark.parametrize("kind", ["judge", "quality", "translate"])
    def test_the_job_gets_the_mode(self, load: Loader, kind: str) -> None:
        given = load(f"settings: {{{kind}: {{mode: batch, batch-price-factor: 0.4}}}}\n").settings[kind]
        assert CallSettings.of(given).mode == "batch"
        assert CallSettings.of(given).batch_price_factor == 0.4


class TestEstimate:
    LIVE_USD = (1e6 * 2.0 + 1e5 * 8.0) / 1e6

    def test_calls_of_batches_have_the_price_of_batches(self) -> None:
        assert forecast().usd == pytest.approx(self.LIVE_USD)
        assert forecast(mode="live").usd == pytest.approx(self.LIVE_USD)
        assert forecast(mode="batch").usd == pytest.approx(self.LIVE_USD / 2)
        assert forecast(mode="batch", batch_price_factor=0.25).usd == pytest.approx(self.LIVE_USD / 4)

    def test_they_are_taken_to_need_a_batch_s_time(self) -> None:
        batched = forecast(mode="batch")
        assert batched.seconds is not None
        assert batched.seconds >= 86_400
        assert batched.sources["time"] == "a batch's window, at most"

    def test_the_built_in_endpoint_is_asked_live(self) -> None:
        assert forecast("built-in", mode="batch") == forecast("built-in")
