"""Fault 4: whatever stands in a name or a text reaches the cluster as data, through one batched run of helm."""

import json
import unicodedata
from collections.abc import Sequence

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from polyglot.core.slug import slug
from polyglot.schedulers.base import Attempt
from polyglot.schedulers.kubernetes.render.helm import Manifest
from polyglot.schedulers.kubernetes.render.manifests import parse_manifests, print_manifests, render_jobs
from polyglot.schedulers.kubernetes.render.values import plain
from tests.kit.clusters import attempt, cluster

HOSTILE = (
    "{{ .Values }}",
    '{{ fail "out" }}{{/*',
    "a\nkind: Secret\n---\napiVersion: v1\n",
    "a\r\n... \n--- # b",
    "\"}]' # & * ! | > % @ `",
    "$(HOME) $$(HOME) $HOME ${HOME} $$",
    "../../etc/passwd",
    "\u202eRTL\u202c \u05e9\u05dc\u05d5\u05dd \u200b\u200d\ufeff",
    unicodedata.normalize("NFC", "é"),
    unicodedata.normalize("NFD", "é"),
    "x" * 5000,
    "😀" * 700,
    "NO",
    "null",
    "1e3",
    "0o17",
    "~",
    "\x00\x07\x1b[31m\x7f\x85\x9f\u2028\u2029\ufffe\uffff",
    "\\x9f \\u0000 \\",
    " leading and trailing ",
    "\t",
)
TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=60)  # half characters have no key to begin with


def attempts_of(texts: Sequence[str]) -> list[Attempt]:
    return [
        attempt("answer", mix=text, label=f"{text} {number}", seed=number, params={"text": text, text: [text]})
        for number, text in enumerate(texts)
    ]


def variables(job: Manifest) -> dict[str, str]:
    """A container's variables, as the kubelet makes them of a manifest that refers to none."""
    (worker,) = job["spec"]["template"]["spec"]["containers"]
    return {each["name"]: each["value"].replace("$$", "$") for each in worker["env"]}


def check(texts: Sequence[str]) -> None:
    attempts = attempts_of(texts)
    where = cluster(environment={f"V{n}": text for n, text in enumerate(HOSTILE) if plain(text) == text})
    jobs = render_jobs(attempts, study="s", cluster=where)
    assert [job["metadata"]["name"] for job in jobs] == [each.name for each in attempts]
    assert {(job["apiVersion"], job["kind"]) for job in jobs} == {("batch/v1", "Job")}
    for each, job in zip(attempts, jobs, strict=True):
        annotations, labels = job["metadata"]["annotations"], job["metadata"]["labels"]
        assert annotations.get("polyglot.dev/mix", "") == plain(each.planned.mix)
        assert annotations["polyglot.dev/label"] == plain(each.planned.label)
        assert labels.get("polyglot.dev/mix", "") == slug(each.planned.mix)
        assert labels["polyglot.dev/study"] == "s"
        found = variables(job)
        assert json.loads(found["POLYGLOT_REQUEST"]) == json.loads(json.dumps(each.request()))
        assert {name: found[name] for name in where.environment} == where.environment
        assert len(each.name) <= 63
    assert parse_manifests(print_manifests(jobs)) == jobs


def test_known_hostile_texts_stay_data() -> None:
    check(HOSTILE)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(TEXTS, min_size=20, max_size=40))
def test_any_text_stays_data(texts: list[str]) -> None:
    check(texts)


def test_a_hostile_study_name_is_a_slug_and_an_exact_annotation() -> None:
    for name in HOSTILE:
        (job,) = render_jobs([attempt()], study=name, cluster=cluster())
        assert job["metadata"]["labels"]["polyglot.dev/study"] == slug(name)
        assert job["metadata"]["annotations"]["polyglot.dev/study"] == plain(name)


def test_only_what_no_yaml_reader_takes_is_changed_in_an_annotation() -> None:
    changed = {text for text in HOSTILE if plain(text) != text}
    assert changed == {HOSTILE[7], HOSTILE[17]}
    assert plain("\x85\ud800\ufeff") == "\\x85\\ud800\\ufeff"


@given(st.lists(TEXTS, min_size=2, max_size=20, unique=True))
def test_slugs_of_different_texts_differ(texts: list[str]) -> None:
    assert len({slug(text) for text in texts}) == len(texts)


def test_twins_under_normalisation_are_two_mixes() -> None:
    composed, decomposed = "café", "cafe\u0301"
    assert slug(composed) != slug(decomposed)
    first, second = attempts_of([composed, decomposed])
    assert first.name != second.name
