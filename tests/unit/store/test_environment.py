"""The doctor's look at this machine."""

import importlib.util
from pathlib import Path

import pytest

from polyglot.store.doctor import examine_environment


def test_every_finding_says_what_it_saw_and_what_to_do(tmp_path: Path) -> None:
    findings = {finding.name: finding for finding in examine_environment(tmp_path)}
    assert set(findings) == {
        "python",
        "controller's packages",
        "worker's packages",
        "trainer's packages",
        "processors",
        "memory",
        "disk",
        "temporary files",
    }
    assert findings["python"].ok
    assert findings["controller's packages"].ok
    assert "boto3 1" in findings["controller's packages"].detail
    assert str(tmp_path) in findings["disk"].detail
    assert all(finding.detail for finding in findings.values())
    assert all(finding.ok or finding.remedy for finding in findings.values())


def test_a_missing_package_is_named_with_the_extra_that_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name in {"torch", "openai"} else real(name))
    bad = {finding.name: finding for finding in examine_environment() if "missing" in finding.detail}
    assert bad["worker's packages"].detail == "missing: openai"
    assert bad["trainer's packages"].detail == "missing: torch"
    assert "extra `trainer`" in bad["trainer's packages"].remedy
