"""`polyglot check`: run a study up to what checks it, and say what that found."""

import os
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from polyglot.cli.endpoints import check_endpoints
from polyglot.cli.options import DataOnly, MixName, ProfileName, StoreUrl, StudyFile
from polyglot.cli.output import say
from polyglot.cli.session import open_session
from polyglot.cli.submit import look_anew, start, submission_of
from polyglot.core.stage import PlannedStage
from polyglot.engine.budget import within_budget
from polyglot.engine.one_engine import check_engines
from polyglot.estimates.fits import check_fits
from polyglot.kinds.check import CheckRecord
from polyglot.kinds.probe import ProbeRecord
from polyglot.plan.plan import Plan, checks, needed_for
from polyglot.store.artifact import StoredArtifact
from polyglot.store.committed import committed
from polyglot.store.doctor import require_conditional_writes
from polyglot.store.store import Store

CHECK = "-check"  # behind the title of a study of which no more was submitted


def command(
    study: StudyFile,
    mix: MixName = None,
    data_only: DataOnly = False,
    profile: ProfileName = "local",
    store: StoreUrl = None,
) -> None:
    """Look for all that is wrong with a study before a model is tuned or a judge paid, as `submit` does first.

    What failed for good in an earlier check is looked at again. The whole study goes on from what was made for it.
    """
    whole = open_session(study, mix=mix, profile=profile, store=store, data_only=data_only)
    check_fits(whole.estimated, whole.profile, whole.site.capacity)
    check_engines(whole.plan.stages, whole.store)
    check_endpoints(whole.plan.stages, whole.store, whole.site, os.environ)
    for line in whole.oddities:
        say(line)
    found = checks(whole.plan)
    if not found:
        say(f"{whole.title}: nothing of it is costly; its stages check what they read themselves")
        return
    stages = tuple(needed_for(found, whole.plan.stages))
    session = replace(whole, plan=Plan(whole.plan.study, stages), title=whole.title + CHECK)
    within_budget(stages, session.store, submission_of(whole).usd)
    require_conditional_writes(session.store)
    look_anew(session.store, stages, "asked for by `polyglot check`")
    start(session, attach=True, with_remarks=False)
    for line in findings(session.store, found):
        print(line)


def findings(store: Store, stages: list[PlannedStage]) -> Iterator[str]:
    """What checks that are done have seen, a line each."""
    with tempfile.TemporaryDirectory(prefix="polyglot-") as folder:
        for planned in stages:
            manifest = committed(store, planned.stage.kind, planned.key)
            if manifest is None:
                continue
            artifact = StoredArtifact(store, manifest, Path(folder) / planned.key)
            if "probe.json" in artifact.names():
                yield from _probed(artifact.read("probe.json", ProbeRecord))
            else:
                yield from _checked(artifact.read("check.json", CheckRecord))


def _probed(record: ProbeRecord) -> Iterator[str]:
    for reply in record.replies:
        served = f" (served by {reply.served_by})" if reply.served_by not in ("", reply.model) else ""
        yield f"{record.asker}: {reply.model} answers{served}"


def _checked(record: CheckRecord) -> Iterator[str]:
    for name, model in record.models.items():
        sees = f"{model.positions} positions" if model.positions is not None else "positions without an end"
        sample = max(model.longest_sample.values(), default=0)
        prompt = max((max(row.first, row.second) for row in model.prompts.values()), default=0)
        yield f"models.{name}: {sees}; the longest sample has {sample} tokens, the longest prompt {prompt}"
    for language, judged in record.judging.items():
        used = ", ".join(f"{count} by {name}" for name, count in judged.judged_with.items())
        yield f"{language}: {judged.questions} questions; turns judged: {used}"
    yield from (f"remark: {remark}" for remark in record.remarks)
