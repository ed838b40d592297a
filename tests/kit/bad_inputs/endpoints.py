"""Judge endpoints that are refused."""

from functools import partial
from pathlib import Path

from jobs.lib.chat.endpoint import resolve
from jobs.lib.chat.settings import CallSettings
from tests.kit.bad_inputs import Case

URLS = {
    "no scheme": "localhost:8000/v1",
    "another scheme": "ftp://judge.example/v1",
    "no host": "http:///v1",
    "credentials in the address": "https://me:secret@judge.example/v1",
    "a query": "https://judge.example/v1?key=secret",
    "white space": "https://judge.example/ v1",
    "a port that is none": "http://judge.example:99999/v1",
}


def _resolve(folder: Path, url: str) -> None:
    del folder
    resolve(CallSettings.of({"base_url": url}), {"OPENAI_API_KEY": "sentinel"})


CASES = [
    *(Case(room="Judge endpoints", name=name, provoke=partial(_resolve, url=url)) for name, url in URLS.items()),
    Case(room="Judge endpoints", name="no key", provoke=lambda folder: resolve(CallSettings(), {})),
    Case(
        room="Judge endpoints",
        name="a key file that is not there",
        provoke=lambda folder: resolve(CallSettings(key_file=str(folder / "key")), {}),
    ),
    Case(
        room="Judge endpoints",
        name="a concurrency of nothing",
        provoke=lambda folder: CallSettings.of({"concurrency": 0}),
    ),
]
