"""`polyglot list`: the studies of a store, as they were last submitted."""

import json
from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from polyglot.cli.looking import submitted_view
from polyglot.cli.options import Output, OutputForm, ProfileName, StoreUrl
from polyglot.cli.output import print_table
from polyglot.cli.view import View
from polyglot.core.errors import BadInput, PolyglotError
from polyglot.engine.survey import StageState
from polyglot.estimates.used import used_by
from polyglot.store.directory import DirectoryStore
from polyglot.store.locate import open_store
from polyglot.store.submissions import names
from polyglot.study.profile import load_profile

# the first of these that some stage is in is what the whole study is said to be
_WORST = (
    StageState.RUNNING, StageState.STUCK, StageState.PENDING, StageState.FAILED, StageState.INTERRUPTED,
    StageState.WAITING,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class _Listed:
    """One study. `title` is its name with what was submitted of it, `usd` what its committed stages have cost."""

    name: str
    title: str
    state: str
    done: int
    stages: int
    submitted: datetime | None
    usd: float


def command(profile: ProfileName = "local", store: StoreUrl = None, output: OutputForm = Output.TABLE) -> None:
    """List the studies of a store: how far each is, when it was last submitted, what its calls have cost."""
    chosen = load_profile(profile)
    opened = open_store(chosen.store if store is None else store)
    if isinstance(opened, DirectoryStore) and not opened.root.is_dir():  # whether a prefix was meant, no bucket knows
        raise BadInput("there is no store", where=opened.url, remedy="`polyglot submit STUDY` makes one")
    rows = []
    for name in names(opened):
        try:
            time, view = submitted_view(opened, name, chosen)
            rows.append(_listed(name, view, time))
        except PolyglotError as error:  # one damaged study hides no other
            rows.append(_Listed(name=name, title=name, state=str(error), done=0, stages=0, submitted=None, usd=0.0))
    if output is Output.JSON:
        print(json.dumps([_document(row) for row in rows], indent=1, ensure_ascii=False))
        return
    print_table(
        ("study", "state", "stages", "submitted", "USD"),
        [
            (
                row.name if row.title == row.name else f"{row.name} (as {row.title})",
                row.state,
                f"{row.done} of {row.stages}",
                f"{row.submitted:%Y-%m-%d %H:%M} UTC" if row.submitted else "",
                f"{row.usd:.2f}",
            )
            for row in rows
        ],
        summary=f"{len(rows)} {'study' if len(rows) == 1 else 'studies'} in {opened.url}",
    )


def _listed(name: str, view: View, time: datetime) -> _Listed:
    seen = view.survey()
    counts = Counter(row.state for row in seen.values())
    state = next((one for one in _WORST if counts[one]), StageState.COMMITTED)
    manifests = ((planned, seen[planned.key].manifest) for planned in view.plan)
    usd = sum(used_by(manifest, planned).usd or 0.0 for planned, manifest in manifests if manifest is not None)
    return _Listed(
        name=name,
        title=view.title,
        state="stopped" if state is not StageState.FAILED and view.is_stopped(seen) else str(state),
        done=counts[StageState.COMMITTED],
        stages=len(view.plan),
        submitted=time,
        usd=usd,
    )


def _document(row: _Listed) -> dict[str, object]:
    return {
        "study": row.name,
        "title": row.title,
        "state": row.state,
        "done": row.done,
        "stages": row.stages,
        "submitted": row.submitted.isoformat() if row.submitted else None,
        "usd": row.usd,
    }
