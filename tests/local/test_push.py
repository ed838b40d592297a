"""A folder to a repository of the hub: what is replaced there, and what is said when it does not get there."""

import socket
from collections.abc import Iterator
from pathlib import Path

import huggingface_hub.constants
import pytest

from polyglot.core.errors import BadInput, Exit, PolyglotError
from polyglot.export.push import push
from tests.kit.desk import Desk
from tests.kit.hub_server import Hub, serve

TOKEN = "hf_sentinel"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub that is written to with a token; the library reads address and token's place when it is imported."""
    (tmp_path / "token").write_text(TOKEN)
    monkeypatch.setattr(huggingface_hub.constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_DISABLE_XET", True)
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    with serve(write_token=TOKEN) as made:
        monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", made.endpoint)
        yield made


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A folder with what a model's has."""
    folder = tmp_path / "model"
    folder.mkdir()
    for name in ("model.safetensors", "config.json", "README.md"):
        (folder / name).write_bytes(f"new {name}".encode())
    return folder


def test_files_of_a_model_that_was_there_before_are_replaced_and_no_others(hub: Hub, model: Path) -> None:
    earlier = ("model-00001-of-00002.safetensors", "model.safetensors.index.json", "config.json", "pytorch_model.bin")
    ours = ("LICENSE", ".gitattributes", "figures/loss.json", "evaluation.md")
    hub.written["lab/one"] = {name: b"old" for name in (*earlier, *ours)}
    hub.private.add("lab/one")
    made = push(model, "lab/one", private=True, message="anew")
    assert (made.private, hub.messages) == (True, ["anew"]), "one commit"
    expected = {path.name: path.read_bytes() for path in model.iterdir()} | dict.fromkeys(ours, b"old")
    assert hub.written["lab/one"] == expected


@pytest.mark.parametrize("private", [True, False])
def test_a_new_repository_is_as_asked_and_one_that_was_there_is_left_as_it_was(
    hub: Hub, model: Path, private: bool
) -> None:
    assert push(model, "lab/new", private=private, message="first").private is private
    assert ("lab/new" in hub.private) is private
    assert push(model, "lab/new", private=not private, message="again").private is private
    assert ("lab/new" in hub.private) is private


@pytest.mark.parametrize(
    ("fails", "said"),
    [
        ("upload", "Error while uploading 'model.safetensors' to the Hub"),
        ("commit", "Server disconnected"),
    ],
)
def test_an_upload_that_ends_early_is_told_in_a_line(hub: Hub, model: Path, fails: str, said: str) -> None:
    hub.fails = "upload" if fails == "upload" else "commit"
    with pytest.raises(PolyglotError) as error:
        push(model, "lab/one", private=True, message="first")
    assert said in str(error.value)
    assert str(error.value).startswith(f"hub lab/one at {hub.endpoint}: ")
    assert "\n" not in str(error.value)
    assert "HF_TOKEN_PATH" not in str(error.value)
    assert (error.value.exit_code, hub.messages) == (Exit.FAILED, [])


def test_a_hub_that_is_not_there_is_told_in_a_line(hub: Hub, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", f"http://127.0.0.1:{free.getsockname()[1]}")
        with pytest.raises(PolyglotError, match=r"^hub lab/one at http://127.0.0.1:\d+: .*refused") as error:
            push(model, "lab/one", private=True, message="first")
    assert error.value.exit_code == Exit.FAILED
    assert "HF_TOKEN_PATH" not in str(error.value)


@pytest.mark.parametrize("address", ["nonsense", "ftp://127.0.0.1", "http://127.0.0.1:port"])
def test_an_address_that_is_none_is_told(hub: Hub, model: Path, monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", address)
    with pytest.raises(BadInput, match="^HF_ENDPOINT: not an address; got ") as error:
        push(model, "lab/one", private=True, message="first")
    assert repr(address) in str(error.value)


@pytest.mark.parametrize("name", ["justname", "a/b/c", "lab/-one-", "lab/"])
def test_a_name_that_is_no_repositorys_is_refused_before_anything_is_looked_at(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    said = Desk.at(tmp_path, monkeypatch).run("push", "nothing", "here", name, "--store", f"file://{tmp_path}/none")
    assert (said.code, hub.asked) == (2, [])
    assert f"not a repository's name; got {name!r}; expected OWNER/NAME" in said.err
