"""A real Kueue in the cluster: what its module's config/default says, with the image replaced by one of ours."""


def installed() -> bool:
    """True when Kueue's controller is there."""
    raise NotImplementedError


def install(images: dict[str, str]) -> None:
    """Apply Kueue and wait for its webhooks."""
    raise NotImplementedError
