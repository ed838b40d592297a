"""The real jobs, of which a training may hang: for POLYGLOT_JOBS_PACKAGE."""

import jobs

__path__ = [*__path__, *jobs.__path__]
