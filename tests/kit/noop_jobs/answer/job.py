"""What `noop` does, as the kind that an evaluation begins with."""

from tests.kit.noop_jobs.noop.job import run

__all__ = ["run"]
