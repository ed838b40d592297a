"""Endpoints by kind: each finds its own address and key, whatever others the environment has."""

from pathlib import Path

import pytest

from polyglot.core.endpoint import ENDPOINTS, find_endpoint, find_url
from polyglot.core.errors import BadInput

EVERYBODY_S = {
    **{kind.url_variable: f"https://{name}.example/v1/" for name, kind in ENDPOINTS.items()},
    **{kind.key_variable: f"key-of-{name}" for name, kind in ENDPOINTS.items()},
}


@pytest.mark.parametrize("name", ENDPOINTS)
class TestEveryKind:
    def test_finds_its_own_in_an_environment_that_has_all(self, name: str) -> None:
        assert find_endpoint(name, None, None, EVERYBODY_S) == (f"https://{name}.example/v1", f"key-of-{name}")

    def test_settings_come_before_the_environment(self, name: str, tmp_path: Path) -> None:
        (tmp_path / "key").write_text("mine\n")
        found = find_endpoint(name, "http://127.0.0.1:1/v1", str(tmp_path / "key"), EVERYBODY_S)
        assert found == ("http://127.0.0.1:1/v1", "mine")

    def test_without_a_key_its_own_address_is_refused_with_its_variables(self, name: str) -> None:
        kind = ENDPOINTS[name]
        with pytest.raises(BadInput, match=rf"no key for {kind.label}\. Set {kind.key_variable}_FILE to a file"):
            find_endpoint(name, None, None, {})

    def test_a_bad_address_is_named_by_its_variable(self, name: str) -> None:
        variable = ENDPOINTS[name].url_variable
        with pytest.raises(BadInput, match=rf"^{variable}: the endpoint's URL"):
            find_url(name, None, {variable: "ftp://x"})
