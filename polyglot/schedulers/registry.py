"""What a profile's `backend:` may be: the keys that go with it, and where its scheduler is found. A third one is a row.

A row holds names alone: nothing of a scheduler is imported before it is used.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """One value of `backend:`. `site` is the `module:class` of its Site."""

    site: str
    section: str = ""  # key of the profile that describes the place, needed with this backend and allowed with no other
    remedy: str = ""  # for a profile without that section
    own_machine: bool = True  # the profile's cpus and memory bound its workers, and a directory can be their store


BACKENDS: dict[str, Backend] = {
    "local": Backend(site="polyglot.schedulers.local.site:LocalSite"),
    "kubernetes": Backend(
        site="polyglot.schedulers.kubernetes.site:KubernetesSite",
        section="kubernetes",
        remedy="Add it with `images:` by digest; docs/kubernetes.md shows one",
        own_machine=False,
    ),
}
