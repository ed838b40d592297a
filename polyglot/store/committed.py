"""What is done: manifests that exist, verify, and whose recorded inputs are still the committed ones.

A manifest that was damaged is never "not there": it raises Corrupt with the way out, because running the stage again
would lose the race against it forever.
"""

from collections.abc import Iterable, Mapping, Sequence

from polyglot.core.errors import Corrupt, Missing
from polyglot.core.stage import Stage
from polyglot.kinds.registry import KINDS, kinds_for
from polyglot.store.futures import concurrently, concurrently_if_slow
from polyglot.store.manifest import Manifest, manifest_path
from polyglot.store.store import Store

_THREADS = 32


def committed(store: Store, kind: str, key: str) -> Manifest | None:
    """Return the manifest of a stage, or None. Raises Corrupt when it is damaged or belongs to another key."""
    data = _read(store, kind, key)
    return None if data is None else _parsed(data, store, kind, key, None)


def _read(store: Store, kind: str, key: str) -> bytes | None:
    try:
        return store.read(manifest_path(kind, key))
    except Missing:
        return None


def _parsed(data: bytes, store: Store, kind: str, key: str, wanted: Stage | None) -> Manifest:
    where = f"{store.url}: {manifest_path(kind, key)}"
    try:
        manifest = Manifest.from_json(data, where=where, wanted=wanted)
    except Corrupt as error:
        raise Corrupt(f"{error}. Withdraw it (`polyglot retract`), then submit again") from error
    if manifest.stage.key != key or manifest.stage.kind != kind:
        raise Corrupt(f"{where}: it is the manifest of another stage ({manifest.stage.path})")
    return manifest


def find(store: Store, key: str, *, first: Sequence[str] = ()) -> Manifest | None:
    """Return the manifest of a key whose kind is not known; the kinds `first` are looked at before all others."""
    for kind in first:
        if manifest := committed(store, kind, key):
            return manifest
    others = [kind for kind in KINDS if kind not in first]
    return next((found for found in concurrently(lambda kind: committed(store, kind, key), others) if found), None)


def is_done(store: Store, stage: Stage) -> Manifest | None:
    """Return the manifest of a stage that is done, else None. Looks at the stage's direct inputs."""
    manifest = committed(store, stage.kind, stage.key)
    if manifest is None:
        return None
    return manifest if inputs_hold(store, manifest) else None


def inputs_hold(store: Store, manifest: Manifest, known: Mapping[str, Manifest | None] | None = None) -> bool:
    """True when each recorded input result is the one that is committed now. `known` spares looking again."""
    known, inputs = known or {}, manifest.stage.inputs
    unknown = {key: role for role, key in inputs.items() if key not in known}

    def look_up(key: str) -> Manifest | None:
        return find(store, key, first=kinds_for(manifest.stage.kind, unknown[key]))

    found = {**known, **dict(zip(unknown, concurrently(look_up, unknown), strict=True))} if unknown else known
    return all(
        (result := found[key]) is not None and result.result == manifest.inputs.get(role)
        for role, key in inputs.items()
    )


def committed_many(store: Store, stages: Iterable[Stage]) -> dict[str, Manifest]:
    """Return the manifests, by key, of those stages that are done.

    One read a stage, side by side where they are slow. A stage is left out when an input among `stages` is not done
    either, however far upstream: what has to run again may end in another result.
    """
    wanted = {stage.key: stage for stage in stages}
    data = concurrently_if_slow(lambda stage: _read(store, stage.kind, stage.key), wanted.values(), _THREADS)
    found: dict[str, Manifest | None] = {  # parsed here: threads that wait for each other take twice as long
        key: None if read is None else _parsed(read, store, wanted[key].kind, key, wanted[key])
        for key, read in zip(wanted, data, strict=True)
    }
    outside = {
        key: kinds_for(manifest.stage.kind, role)
        for manifest in found.values()
        if manifest is not None
        for role, key in manifest.stage.inputs.items()
        if key not in wanted
    }
    looked_up = concurrently_if_slow(lambda key: find(store, key, first=outside[key]), outside, _THREADS)
    known = {**found, **dict(zip(outside, looked_up, strict=True))}
    done: dict[str, bool] = {}

    def settle(key: str) -> bool:
        if key not in done:
            manifest = found[key]
            done[key] = manifest is not None and inputs_hold(store, manifest, known)
            done[key] = done[key] and all(settle(other) for other in wanted[key].inputs.values() if other in wanted)
        return done[key]

    return {key: manifest for key, manifest in found.items() if manifest is not None and settle(key)}
