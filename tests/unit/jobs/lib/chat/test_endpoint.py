"""Where calls go and with which key: every bad address has one line of its own, and none holds a secret."""

import datetime
from pathlib import Path

import pytest

from jobs.lib.chat.calls import Request
from jobs.lib.chat.endpoint import OPENAI, in_clear, resolve
from jobs.lib.chat.rate_headers import retry_after
from jobs.lib.chat.settings import CallSettings
from polyglot.core.errors import Permanent

SECRET = "sk-sentinel-5d1f0c"
BAD_URLS = [
    ("api.example.org/v1", "got no scheme; expected http:// or https://"),
    ("localhost:8000/v1", "got no scheme; expected http:// or https://"),
    ("ftp://api.example.org/v1", "got scheme 'ftp'; expected http:// or https://"),
    ("file:///etc/passwd", "got scheme 'file'"),
    (f"https://user:{SECRET}@api.example.org/v1", "for api.example.org carries a user name or password"),
    (f"https://{SECRET}@api.example.org/v1", "carries a user name or password"),
    (f"https://api.example.org/v1?key={SECRET}", "has a query or fragment; expected none"),
    ("https://api.example.org/v1#top", "has a query or fragment"),
    (
        "https://x.openai.azure.com/openai/deployments/n?api-version=1",
        "has api-version in its query. Take it out",
    ),
    ("https://api.example.org/v1/chat/completions", "ends in /chat/completions, which is added to it. Take"),
    ("https://x.openai.azure.com/openai/deployments/n", "names a deployment, and no api-version goes with it. Write"),
    ("https:///v1", "names no host"),
    ("https://api.example.org:99999/v1", "malformed"),
    (f"https://u:{SECRET}@[::1/v1", "malformed"),
    ("https://api.exam ple.org/v1", "white space"),
    ("https://api.example.org/v1\n", "white space"),
]


class TestAddress:
    @pytest.mark.parametrize(("url", "message"), BAD_URLS)
    def test_a_bad_one_is_refused_in_one_line_without_secrets(self, url: str, message: str) -> None:
        with pytest.raises(Permanent) as refused:
            resolve(CallSettings.of({"base_url": url}), {"OPENAI_API_KEY": SECRET})
        assert message in str(refused.value)
        assert SECRET not in str(refused.value)
        assert "\n" not in str(refused.value)

    def test_the_setting_comes_before_the_environment_and_that_before_openai(self) -> None:
        environ = {"OPENAI_BASE_URL": "https://b.example/v1/", "OPENAI_API_KEY": SECRET}
        assert resolve(CallSettings(base_url="https://a.example/v1"), environ).base_url == "https://a.example/v1"
        assert resolve(CallSettings(), environ).base_url == "https://b.example/v1"
        assert resolve(CallSettings(), {"OPENAI_API_KEY": SECRET}).base_url == OPENAI

    @pytest.mark.parametrize(
        ("url", "key", "clear"),
        [
            ("http://judge.example/v1", SECRET, True),
            ("https://judge.example/v1", SECRET, False),
            ("http://127.0.0.1:1/v1", SECRET, False),
            ("http://[::1]:1/v1", SECRET, False),
            ("http://localhost:1/v1", SECRET, False),
            ("http://judge.example/v1", "", False),
        ],
    )
    def test_knows_when_a_key_would_travel_in_clear(self, url: str, key: str, clear: bool) -> None:
        assert in_clear(resolve(CallSettings.of({"base_url": url}), {"OPENAI_API_KEY": key})) is clear


class TestKey:
    def test_a_file_comes_before_the_variable(self, tmp_path: Path) -> None:
        (tmp_path / "key").write_text(f"{SECRET}\n")
        environ = {"OPENAI_API_KEY_FILE": str(tmp_path / "key"), "OPENAI_API_KEY": "other"}
        assert resolve(CallSettings(), environ).key == SECRET

    def test_is_in_no_repr_and_is_taken_out_of_what_servers_say(self) -> None:
        endpoint = resolve(CallSettings(), {"OPENAI_API_KEY": SECRET})
        assert SECRET not in repr(endpoint)
        assert endpoint.scrub(f"Incorrect API key provided: {SECRET}.") == "Incorrect API key provided: [key]."

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (b"", "got nothing; expected one line with a key"),
            (b" \n", "got nothing"),
            (b"%s\nX-Injected: 1" % SECRET.encode(), "got text that is no key"),
            ("schlüssel".encode(), "got text that is no key"),
            (b"\xff\xfe", "not text"),
        ],
    )
    def test_a_bad_file_is_named_and_not_quoted(self, tmp_path: Path, content: bytes, message: str) -> None:
        path = tmp_path / "key"
        path.write_bytes(content)
        with pytest.raises(Permanent) as refused:
            resolve(CallSettings(key_file=str(path)), {})
        assert message in str(refused.value)
        assert str(path) in str(refused.value)
        assert SECRET not in str(refused.value)

    def test_a_byte_order_mark_is_no_part_of_the_key(self, tmp_path: Path) -> None:
        path = tmp_path / "key"
        path.write_bytes(b"\xef\xbb\xbf" + SECRET.encode() + b"\r\n")
        assert resolve(CallSettings(key_file=str(path)), {}).key == SECRET

    def test_a_missing_file_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(Permanent, match="No such file"):
            resolve(CallSettings(key_file=str(tmp_path / "none")), {})

    def test_openai_itself_needs_one_and_others_may_not(self) -> None:
        with pytest.raises(Permanent, match=r"no key for api\.openai\.com"):
            resolve(CallSettings(), {})
        assert resolve(CallSettings(base_url="http://vllm:8000/v1"), {}).key is None


class TestSettings:
    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("concurrency", 0),
            ("concurrency", 2.5),
            ("concurrency", True),
            ("attempts", 0),
            ("timeout_seconds", 0),
            ("timeout_seconds", "60"),
            ("requests_per_minute", float("nan")),
            ("max_usd", -1),
            ("price_usd_per_mtok_prompt", float("inf")),
            ("base_url", 7),
            ("key_file", []),
        ],
    )
    def test_a_bad_one_is_refused_by_name(self, name: str, value: object) -> None:
        with pytest.raises(Permanent, match=f"setting {name}: got"):
            CallSettings.of({name: value})

    def test_other_jobs_settings_are_left_alone(self) -> None:
        assert CallSettings.of({"batch_size": 4, "concurrency": 9, "max_usd": None}) == CallSettings(concurrency=9)

    def test_cost_is_per_million_tokens(self) -> None:
        settings = CallSettings(price_usd_per_mtok_prompt=30, price_usd_per_mtok_completion=60)
        assert settings.cost_usd(1_000, 500) == pytest.approx(0.06)


class TestRetryAfter:
    NOW = datetime.datetime(2024, 5, 1, 12, 0, 0, tzinfo=datetime.UTC)

    @pytest.mark.parametrize(
        ("headers", "seconds"),
        [
            ({"retry-after": "3"}, 3.0),
            ({"retry-after": "0.25"}, 0.25),
            ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
            ({"retry-after": "Wed, 01 May 2024 12:00:30 GMT"}, 30.0),
            ({"retry-after": "Wed, 01 May 2024 11:00:00 GMT"}, 0.0),
            ({"retry-after": "soon"}, None),
            ({"retry-after": "-5"}, None),
            ({"retry-after": "inf"}, None),
            ({"retry-after-ms": "x", "retry-after": "2"}, 2.0),
            ({}, None),
        ],
    )
    def test_reads_all_three_forms(self, headers: dict[str, str], seconds: float | None) -> None:
        assert retry_after(headers, self.NOW) == seconds


def test_equal_requests_have_equal_ids_and_any_difference_another() -> None:
    def request(**changes: object) -> str:
        given = {"model": "m", "messages": ({"role": "user", "content": "é"},), "temperature": 0.0, "max_tokens": 9}
        return Request(**(given | changes)).id  # type: ignore[arg-type]

    assert request() == request(temperature=0)
    others = [
        request(model="n"),
        request(messages=({"role": "user", "content": "e\u0301"},)),
        request(temperature=0.1),
        request(max_tokens=10),
        request(seed=0),
    ]
    assert len({request(), *others}) == 6


def test_a_kind_without_an_address_of_its_own_is_never_taken_for_openai() -> None:
    environ = {"DEEPL_AUTH_KEY": "k" * 20, "OPENAI_API_KEY": "o" * 20}
    with pytest.raises(Permanent, match=r"^no address of DeepL\. Set DEEPL_SERVER_URL$"):
        resolve(CallSettings(), environ, "deepl")
