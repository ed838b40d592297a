"""Results of one study that are computed by one engine, as the profile chooses it: told before anything runs.

The aggregate refuses a mixture, too; it comes after everything has been paid for.
"""

from collections.abc import Sequence

from polyglot.core.errors import BadInput
from polyglot.core.stage import PlannedStage
from polyglot.core.units import show_first
from polyglot.kinds.registry import kind_of
from polyglot.store.committed import committed_many
from polyglot.store.store import Store


def check_engines(stages: Sequence[PlannedStage], store: Store) -> None:
    """Raise BadInput when committed results and those that are to be made would be of two engines."""
    for kind in dict.fromkeys(planned.stage.kind for planned in stages):
        computed_by = kind_of(kind).computed_by
        mine = [planned for planned in stages if planned.stage.kind == kind and computed_by(planned.settings)]
        done = committed_many(store, [planned.stage for planned in mine])
        made: dict[str, list[PlannedStage]] = {}
        for planned in mine:
            if planned.key in done:
                settings = done[planned.key].execution.get("settings")
                made.setdefault(computed_by(settings if isinstance(settings, dict) else {}), []).append(planned)
        open_ = [planned for planned in mine if planned.key not in done]
        wanted = {computed_by(planned.settings) for planned in open_}
        if len(wanted | made.keys()) < 2:
            continue
        other = min(made, key=lambda name: (name in wanted, len(made[name])))
        named = show_first([planned.name for planned in made[other]], 3)
        rest = " and ".join(sorted((wanted | made.keys()) - {other}))
        raise BadInput(
            "the results of one study are computed by one engine",
            where=f"settings.{kind}.engine",
            got=f"{rest}, while the store has {len(made[other])} by {other}: {named}",
            remedy=f"Write `engine: {other}`, or withdraw those with `polyglot retract STAGE --reason ...`",
        )
