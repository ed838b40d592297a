"""A train job whose processes do what they are told, for tests of a pod's processes (jobs.worker.group).

Set POLYGLOT_JOBS_PACKAGE=tests.kit.rank_jobs.
"""
