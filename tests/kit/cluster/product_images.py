"""The product's images (controller, worker, trainer): built, cached, and imported into the nodes."""


def current() -> dict[str, str]:
    """Return kind -> reference by digest of the images that were built last; empty before that."""
    return {}
