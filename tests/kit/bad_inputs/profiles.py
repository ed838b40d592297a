"""Profiles that are refused."""

from functools import partial
from pathlib import Path

from polyglot.spec.profile import load_profile
from tests.kit.bad_inputs import Case


def _load(folder: Path, text: str) -> None:
    path = folder / "profile.yaml"
    path.write_text(text)
    load_profile(str(path))


def _case(name: str, text: str) -> Case:
    return Case(room="Profiles", name=name, provoke=partial(_load, text=text))


CASES = [
    Case(room="Profiles", name="no such profile", provoke=lambda folder: load_profile("nowhere")),
    _case("an unknown stage kind", "resources: {trian: {cpus: 1}}\n"),
    _case("a bad memory size", "memory: 4 gigs\n"),
    _case("a bad duration", "resources: {train: {deadline: 3 weeks}}\n"),
    _case("an unknown backend", "backend: slurm\n"),
    _case("no processors", "cpus: 0\n"),
    _case("a deadline of nothing", "resources: {train: {deadline: 0s}}\n"),
    _case("a memory of nothing", "resources: {train: {memory: 0B}}\n"),
    _case("a judge's address with a password", "settings: {judge: {base-url: 'https://me:secret@judge.example/v1'}}\n"),
    _case("a judge's address without a scheme", "settings: {judge: {base-url: banana}}\n"),
]
