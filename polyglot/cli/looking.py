"""The study that a verb looks at: as its file says it, or as it was last submitted.

Everything that was submitted is in the store, so a look needs no local file: the study's name will do. Where the files
that a study file names are missing or hold other content than when it was submitted, the submission is shown, and a
line says so; what a changed study file itself says is shown as it is, for that is what is being worked on.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from polyglot.cli.output import say
from polyglot.cli.session import DATA, Session, open_session, title_of
from polyglot.cli.view import View, rows_of_nights
from polyglot.core.canonical import Json, sha256_bytes
from polyglot.core.errors import BadInput, Corrupt, PolyglotError
from polyglot.core.night import night_name
from polyglot.core.stage import PlannedStage
from polyglot.engine.submission import submission_at
from polyglot.plan.plan import Plan, plain_label, restore_plan
from polyglot.store.locate import open_store
from polyglot.store.nights import Night, find_night
from polyglot.store.store import Store
from polyglot.store.submissions import all_submissions, locks, names, newest_plan, plans
from polyglot.study.profile import Profile, load_profile
from polyglot.study.yaml_file import read_yaml


def open_view(study: str, *, mix: str | None, profile: str, store: str | None, data_only: bool = False) -> View:
    """Look at a study by its file or its name. Raises BadInput for a name that was never submitted to the store.

    For a file that cannot be planned now, the last submission under its name is taken; its own error is raised when
    there is none.
    """
    if not is_file(study):
        chosen = load_profile(profile)
        opened = open_store(chosen.store if store is None else store)
        found = _submitted(opened, study, mix=mix, data_only=data_only)
        if found is None:
            raise _never(opened, study, mix=mix, data_only=data_only)
        return found.view(chosen, opened)
    try:
        session = open_session(Path(study), mix=mix, profile=profile, store=store, data_only=data_only)
    except BadInput as error:
        found, view = _instead(study, error, mix=mix, profile=profile, store=store, data_only=data_only)
        differs = str(error).splitlines()[0]
    else:
        try:
            found = _submitted(session.store, session.plan.study, mix=mix, data_only=data_only)
            differs = _differs(session, study) if found else ""
        except Corrupt:  # what was submitted is not needed for this
            return session
        if found is None or not differs:
            if found and _is_changed(session, found):
                say(f"{study} was changed since it was submitted; by its name, {session.plan.study}, that is shown")
            return session
        view = found.view(session.profile, session.store)
    time = f"{found.time:%Y-%m-%d %H:%M} UTC"
    say(f"local files differ from what was submitted; this is the submission of {time} ({differs})")
    return view


def open_stages(
    study: str | None, stage: str | None, *, mix: str | None, profile: str, store: str | None, data_only: bool = False
) -> tuple[Store, Plan]:
    """Open a store with the plan in which a stage is looked up by name.

    That is the plan of `study`, or else the union of the plans that were ever submitted to the store, where
    `newest_stage` finds what a label means that several stages share; with the nights' when no plan has such a stage.
    """
    if study is not None:
        view = open_view(study, mix=mix, profile=profile, store=store, data_only=data_only)
        return view.store, view.plan
    if mix is not None:
        raise BadInput("a mix of no study", where="--mix", got=repr(mix), remedy="Name the study with --study STUDY")
    opened = open_store(load_profile(profile).store if store is None else store)
    rows = [row for name in names(opened) for row in plans(opened, name)]
    if not rows:
        raise BadInput("no study was submitted to this store", where=opened.url, remedy="`polyglot submit STUDY` does")
    plan = restore_plan("(all submitted)", rows)
    if stage is not None and not plan.fitting(stage):
        rows += [row for name in names(opened) for row in rows_of_nights(opened, name)]
        plan = restore_plan(plan.study, rows)
    return opened, plan


def newest_stage(
    store: Store, plan: Plan, text: str, *, rather: Callable[[PlannedStage], object] = lambda planned: True
) -> PlannedStage:
    """The stage that a user means: of several under one label the one that was submitted last, and a line says so.

    Those that a verb would `rather` have come before all others. Raises BadInput when nothing fits, or stages of
    several labels.
    """
    every = {planned.key: planned for planned in plan.fitting(text)}
    if len(every) > 1 and len({plain_label(planned) for planned in every.values()}) == 1:
        found = {key: planned for key, planned in every.items() if rather(planned)} or every
        dated = [(time, path) for name in names(store) for time, path in all_submissions(store, name)]
        for time, path in sorted(dated, reverse=True):
            submission = submission_at(store, path)
            if (key := next((planned.key for planned in submission.stages if planned.key in found), None)) is not None:
                of = f"{submission.title}, submitted {time:%Y-%m-%d %H:%M} UTC"
                others = ", ".join(planned.name for planned in every.values() if planned.key != key)
                say(f"{plain_label(found[key])} of {of}; others of this label: {others}")
                return found[key]
    return plan.find(text)


def submitted_view(store: Store, name: str, profile: Profile) -> tuple[datetime, View]:
    """When a study was last submitted, and that submission. Raises BadInput for a name that never was."""
    found = _submitted(store, name, mix=None, data_only=False)
    if found is None:
        raise _never(store, name, mix=None, data_only=False)
    return found.time, found.view(profile, store)


def night_of(store: Store, study: str, night: str) -> Night:
    """The record of a night that a user names. Raises BadInput for one that never began."""
    found = find_night(store, study, night_name(night))
    if found is None:
        remedy = f"`polyglot nights {study}` lists them"
        raise BadInput("no such night", where=f"study {study}", got=repr(night[:80]), remedy=remedy)
    return found


def study_name(study: str) -> str:
    """The name of a study that is given by its file or its name. Raises BadInput for a file that says none."""
    if not is_file(study):
        return study
    name = read_yaml(Path(study)).value.get("study")
    if not isinstance(name, str):
        raise BadInput("the study file has no name", where=study, expected="`study:` with a name")
    return name


def is_file(study: str) -> bool:
    """Whether a study is given by a file, there or not, and not by its name."""
    return study.endswith((".yaml", ".yml")) or "/" in study or Path(study).is_file()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Submitted:
    """What was submitted, and when."""

    time: datetime
    plan: Plan
    title: str

    def view(self, profile: Profile, store: Store) -> View:
        """It as a verb looks at it."""
        return View(profile=profile, plan=self.plan, store=store, title=self.title)


def _submitted(store: Store, name: str, *, mix: str | None, data_only: bool) -> _Submitted | None:
    """The newest submission that a look asks for; None without any.

    Without a mix or --data-only that is one of the whole study, else the newest at all.
    """
    title, newest = title_of(name, mix), None
    for time, path in all_submissions(store, name):
        one = submission_at(store, path)
        found = _Submitted(time=time, plan=Plan(name, one.stages), title=one.title)
        data_of_no_models = data_only and one.title == title and not one.answers
        if one.title == (title + DATA if data_only else title) or data_of_no_models:
            return found
        newest = newest or found
    if mix is not None or data_only:
        return None
    if newest is not None:
        return newest
    rows = newest_plan(store, name)  # without a submission: older versions kept none of data alone
    return _Submitted(time=rows[0], plan=restore_plan(name, rows[1]), title=name) if rows else None


def _instead(
    study: str, error: BadInput, *, mix: str | None, profile: str, store: str | None, data_only: bool
) -> tuple[_Submitted, View]:
    """What was submitted under the name of a file that cannot be planned. Raises the error when nothing was."""
    try:
        name, chosen = study_name(study), load_profile(profile)
        opened = open_store(chosen.store if store is None else store)
        if found := _submitted(opened, name, mix=mix, data_only=data_only):
            return found, found.view(chosen, opened)
    except PolyglotError:
        raise error from None
    raise error


def _differs(session: Session, study: str) -> str:
    """Which of the files that an unchanged study file names has other content than when it was submitted; or ""."""
    own, text = session.locked.document(), sha256_bytes(session.locked.source)
    for lock in locks(session.store, session.plan.study):
        if _pins(lock, "study").get("sha256") == text:
            pins = [(_pins(lock, part), _pins(own, part)) for part in ("files", "prompts_sha256")]
            changed = [place for then, now in pins for place in {**then, **now} if then.get(place) != now.get(place)]
            return f"{study}: {changed[0]}" if changed else ""
    return ""


def _is_changed(session: Session, found: _Submitted) -> bool:
    """Whether the study file asks for stages that are not of what was submitted under its title."""
    keys = {planned.key for planned in found.plan}
    return found.title == session.title and any(planned.key not in keys for planned in session.plan)


def _pins(lock: Json, part: str) -> Mapping[str, Json]:
    found = lock.get(part) if isinstance(lock, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _never(store: Store, name: str, *, mix: str | None, data_only: bool) -> BadInput:
    """The error for a name under which nothing, or nothing so narrowed, was submitted."""
    if known := [path for _, path in all_submissions(store, name)]:
        titles = [submission_at(store, path).title for path in known]
        got = title_of(name, mix) + (DATA if data_only else "")
        return BadInput("never submitted so", where=store.url, got=got, expected=", ".join(dict.fromkeys(titles)))
    return BadInput(
        "no such study file, and no study of that name was submitted",
        where=store.url,
        got=repr(name[:80]),
        expected="a study file, or the name of a submitted study" + "".join(f", {one}" for one in names(store)[:5]),
    )
