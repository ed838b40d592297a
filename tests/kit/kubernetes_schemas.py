"""Offline schemas of Kubernetes objects, strict: an unknown field is an error, as with server-side validation."""

import re
from functools import cache
from typing import Any

import jsonschema
from kubernetes_validate.utils import all_versions, schema_contents
from referencing import Registry, Resource


def problems(manifest: dict[str, Any], version: str) -> list[str]:
    """What is wrong with an object for a version of Kubernetes such as 1.31. Raises FileNotFoundError: no such kind."""
    validator = _validator(version, manifest["kind"].lower(), _file_form(manifest["apiVersion"]))
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(manifest)]


def _file_form(api_version: str) -> str:
    """rbac.authorization.k8s.io/v1 -> rbac-v1, as the schemas' files are called."""
    return re.sub(r"^([^./]*)(?:\.[^/]*)?/", r"\1-", api_version)


@cache
def _validator(version: str, kind: str, api: str) -> jsonschema.Draft202012Validator:
    schema = schema_contents(f"kubernetes-json-schema/{_folder(version)}/{kind}-{api}.json", version)
    registry: Registry[Any] = _definitions(version) @ (Resource.from_contents(schema) @ Registry())
    return jsonschema.Draft202012Validator(schema, registry=registry)


@cache
def _definitions(version: str) -> Resource[Any]:
    return Resource.from_contents(
        schema_contents(f"kubernetes-json-schema/{_folder(version)}/_definitions.json", version)
    )


def _folder(version: str) -> str:
    exact = next(known for known in all_versions() if known.rsplit(".", 1)[0] == version or known == version)
    return f"v{exact}-local-strict"
