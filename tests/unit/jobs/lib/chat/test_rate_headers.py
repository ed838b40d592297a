"""Rate limits in headers, in the forms that providers publish, and the nonsense that servers send."""

import datetime

import pytest

from jobs.lib.chat.rate_headers import RateLimit, read_limits, retry_after, wait_of_429

NOW = datetime.datetime(2024, 5, 1, 12, 0, 0, tzinfo=datetime.UTC)
EPOCH = int(NOW.timestamp())


def limit(name: str, unit: str, most: float | None, remaining: float | None, reset: float | None) -> RateLimit:
    return RateLimit(name=name, unit=unit, limit=most, remaining=remaining, reset_seconds=reset)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("headers", "limits"),
    [
        (
            {
                "x-ratelimit-limit-requests": "60",
                "x-ratelimit-remaining-requests": "59",
                "x-ratelimit-reset-requests": "1s",
                "x-ratelimit-limit-tokens": "150000",
                "x-ratelimit-remaining-tokens": "149984",
                "x-ratelimit-reset-tokens": "6m0s",
            },
            [limit("requests", "requests", 60, 59, 1), limit("tokens", "tokens", 150000, 149984, 360)],
        ),
        (
            {
                "anthropic-ratelimit-requests-limit": "50",
                "anthropic-ratelimit-requests-remaining": "0",
                "anthropic-ratelimit-requests-reset": "2024-05-01T12:00:05Z",
                "anthropic-ratelimit-output-tokens-remaining": "7",
                "anthropic-ratelimit-output-tokens-reset": "2024-05-01T14:00:01+02:00",
            },
            [limit("requests", "requests", 50, 0, 5), limit("tokens-output", "output-tokens", None, 7, 1)],
        ),
        ({"x-ratelimit-remaining-requests": "79"}, [limit("requests", "requests", None, 79, None)]),  # Azure
        ({"x-rate-limit-reset-tokens": "55"}, [limit("tokens", "tokens", None, None, 55)]),  # Azure
        (  # Azure, of some models
            {
                "x-ratelimit-limit-tokens": "-1",
                "x-ratelimit-remaining-tokens": "-1",
                "x-ratelimit-reset-tokens": "0",
            },
            [limit("tokens", "tokens", None, None, 0)],
        ),
        (  # Mistral, newer
            {"x-ratelimit-limit-req-minute": "720", "x-ratelimit-remaining-req-minute": "717"},
            [limit("requests-minute", "requests", 720, 717, 60)],
        ),
        (  # Mistral, older
            {"ratelimitbysize-reset": "25", "x-ratelimitbysize-remaining-minute": "0"},
            [limit("tokens", "tokens", None, None, 25), limit("tokens-minute", "tokens", None, 0, 60)],
        ),
        (  # OpenRouter: milliseconds since 1970
            {"x-ratelimit-limit": "20", "x-ratelimit-remaining": "3", "x-ratelimit-reset": f"{EPOCH * 1000 + 1500}"},
            [limit("requests", "requests", 20, 3, 1.5)],
        ),
        (  # Together
            {"x-ratelimit-remaining": "1", "x-ratelimit-reset": "1", "x-tokenlimit-remaining": "4000"},
            [limit("requests", "requests", None, 1, 1), limit("tokens", "tokens", None, 4000, None)],
        ),
        ({"x-ratelimit-reset-requests-day": "33011.38"}, [limit("requests-day", "requests", None, None, 33011.38)]),
        ({"ratelimit": '"default";r=50;t=30'}, [limit("requests", "requests", None, 50, 30)]),
        ({"content-type": "application/json", "x-ratelimit-policy": "a;w=1", "date": "now"}, []),
    ],
)
def test_every_published_form_is_read(headers: dict[str, str], limits: list[RateLimit]) -> None:
    assert read_limits(headers, NOW) == limits


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("20ms", 0.02),
        ("7.66s", 7.66),
        ("2m59.56s", 179.56),
        ("1h2m3s", 3723.0),
        ("12", 12.0),
        (str(EPOCH + 9), 9.0),
        (str(EPOCH - 9), 0.0),
        ("Wed, 01 May 2024 12:00:30 GMT", 30.0),
        ("2024-05-01T12:00:30", 30.0),
        ("", None),
        ("soon", None),
        ("-3", None),
        ("nan", None),
        ("inf", None),
        ("1e300", None),
        ("5e6", None),
        ("9999-12-31T00:00:00Z", None),
        ("1s and more", None),
    ],
)
def test_a_time_is_read_in_every_form_and_nonsense_is_none(text: str, seconds: float | None) -> None:
    (found,) = read_limits({"x-ratelimit-reset": text}, NOW)
    assert found.reset_seconds == (None if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize(("text", "seconds"), [("250ms", 0.25), ("2s", 2.0), (str(EPOCH + 4), 4.0)])
def test_a_retry_after_may_have_those_forms_too(text: str, seconds: float) -> None:
    assert retry_after({"retry-after": text}, NOW) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("headers", "message", "seconds"),
    [
        ({"retry-after": "2", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "9"}, "try again in 5s", 2.0),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "9s"}, "", 9.0),
        ({"x-ratelimit-remaining-tokens": "5", "x-ratelimit-reset-tokens": "9s"}, "", None),
        ({"x-rate-limit-reset-tokens": "55"}, "", 55.0),
        ({}, "Rate limit reached. Please try again in 1m12.5s. Visit https://host/limits", 72.5),
        ({}, "exceeded token rate limit. Please retry after 45 seconds.", 45.0),
        ({}, "Please try again in 6ms.", 0.006),
        ({}, "Please try again later", None),
    ],
)
def test_the_wait_of_a_429_is_what_is_told_anywhere(headers: dict[str, str], message: str, seconds: float) -> None:
    assert wait_of_429(headers, message, NOW) == (None if seconds is None else pytest.approx(seconds))
