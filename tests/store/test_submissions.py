"""Submissions: kept as they were, found by name, never changed."""

import json
import time

import pytest

from polyglot.core.canonical import sha256_bytes
from polyglot.core.errors import BadInput, Corrupt, Missing, StoreError
from polyglot.store.store import Store
from polyglot.store.submissions import first_submitted, names, newest_submission, plans, save_study, save_submission

ONE, TWO = "1" * 64, "2" * 64


def put(store: Store, name: str, digest: str, *keys: str, lock: bytes = b"{}") -> bytes:
    plan = json.dumps([{"key": key} for key in keys]).encode()
    save_study(store, name, digest, study=b"name: x # ma\xc3\x9f", lock=lock, plan=plan)
    return plan


def test_a_study_is_kept_byte_for_byte(store: Store) -> None:
    plan = put(store, "quickstart", ONE, "a", "b")
    kept = {entry.path.rpartition("/")[2]: store.read(entry.path) for entry in store.list(f"studies/quickstart/{ONE}/")}
    name = f"plan-{sha256_bytes(plan)[:12]}.json"
    assert kept == {"study.yaml": b"name: x # ma\xc3\x9f", "lock.json": b"{}", name: plan}


def test_names_and_rows_of_all_plans_are_listed(store: Store) -> None:
    assert names(store) == []
    put(store, "b", ONE, "1", "2")
    put(store, "b", ONE, "1", "2")
    put(store, "b", ONE, "1")
    put(store, "b", TWO, "3")
    put(store, "a", ONE, "4")
    assert names(store) == ["a", "b"]
    assert sorted(row["key"] for row in plans(store, "b")) == ["1", "1", "2", "3"]
    assert plans(store, "c") == []


@pytest.mark.parametrize("name", ["plan-b", "order-b", "local-order-b", "data-order-b"])
def test_a_study_may_be_called_like_its_files(store: Store, name: str) -> None:
    put(store, name, ONE, "1")
    assert [row["key"] for row in plans(store, name)] == ["1"]
    save_submission(store, name, ONE, b"data", answers=False)
    for local in (False, True):
        with pytest.raises(BadInput, match="never submitted"):
            newest_submission(store, name, local=local)
    with pytest.raises(Missing, match="its data alone were"):
        first_submitted(store, name)
    path = save_submission(store, name, ONE, b"whole")
    assert newest_submission(store, name) == path
    assert first_submitted(store, name) == store.head(path).modified  # type: ignore[union-attr]


def test_one_digest_never_names_two_locks(store: Store) -> None:
    put(store, "a", ONE, "1")
    with pytest.raises(StoreError, match="another lock"):
        put(store, "a", ONE, "1", lock=b'{"other": 1}')


@pytest.mark.parametrize("name", ["", "../x", "a/b", "ä", ".hidden", "a b"])
def test_a_name_that_is_no_name_is_refused(store: Store, name: str) -> None:
    with pytest.raises(BadInput, match="study's name"):
        put(store, name, ONE, "1")


def test_a_plan_that_is_no_json_is_told(store: Store) -> None:
    store.create(f"studies/a/{ONE}/plan-000000000000.json", b"{")
    with pytest.raises(Corrupt, match="plan-"):
        plans(store, "a")


@pytest.mark.parametrize("local", [False, True])
def test_the_newest_order_is_the_one_that_was_submitted_last_also_when_it_is_an_old_one(
    store: Store, *, local: bool
) -> None:
    def submit(order: bytes) -> str:
        path = save_submission(store, "a", ONE, order, local=local)
        assert newest_submission(store, "a", local=local) == path
        assert store.read(path) == order
        time.sleep(store.url.startswith("s3") * 1.1)  # its clock shows whole seconds
        return path

    one, two = submit(b"one"), submit(b"two")
    assert [submit(b"two"), submit(b"one"), submit(b"one"), submit(b"two"), submit(b"one")] == [two, one, one, two, one]
    with pytest.raises(BadInput, match="never submitted"):
        newest_submission(store, "a", local=not local)
