"""What a service account may do, as the API server says it: `kubectl auth can-i --list`, and one right at a time."""

from collections.abc import Iterable, Mapping
from itertools import product
from typing import Any

from kubernetes import client, config

from tests.kit.cluster.target import Target


def user(namespace: str, account: str) -> str:
    """The name that a service account has for the API server."""
    return f"system:serviceaccount:{namespace}:{account}"


def listed(target: Target, namespace: str, account: str) -> set[str]:
    """One line a right in the namespace: `verb resource.group`, `verb resource.group/name of an object`, `verb /url`.

    Asked as the account itself, so that what every account has is among them.
    """
    api = config.new_client_from_config(str(target.kubeconfig))
    api.set_default_header("Impersonate-User", user(namespace, account))
    review = client.AuthorizationV1Api(api).create_self_subject_rules_review({"spec": {"namespace": namespace}})
    status = api.sanitize_for_serialization(review)["status"]
    assert not status["incomplete"], status
    rules = [*status["resourceRules"], *status["nonResourceRules"]]
    return {f"{verb} {what}" for rule in rules for verb in rule["verbs"] for what in _named(rule)}


def _named(rule: Mapping[str, Any]) -> Iterable[str]:
    yield from rule.get("nonResourceURLs") or ()
    for group, resource in product(rule.get("apiGroups") or (), rule.get("resources") or ()):
        full = f"{resource}.{group}" if group else resource
        yield from [f"{full}/{name}" for name in rule.get("resourceNames") or ()] or [full]


def may(target: Target, namespace: str, account: str, right: str, *, where: str | None = None, name: str = "") -> bool:
    """Whether an account of `namespace` has a right (`verb resource[/subresource][.group]`) in the namespace `where`.

    `where` is the account's own namespace unless it is given; "" asks of the whole cluster.
    """
    verb, _, what = right.partition(" ")
    resource, _, group = what.partition(".")
    resource, _, subresource = resource.partition("/")
    attributes = {
        "namespace": namespace if where is None else where,
        "verb": verb,
        "group": group,
        "resource": resource,
        "subresource": subresource,
        "name": name,
    }
    groups = ["system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated"]
    spec = {"user": user(namespace, account), "groups": groups, "resourceAttributes": attributes}
    review = client.AuthorizationV1Api(target.api).create_subject_access_review({"spec": spec})
    return bool(review.status.allowed)
