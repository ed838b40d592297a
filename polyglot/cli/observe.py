"""Joins a plan with what a store holds, for the verbs that only look."""

from polyglot.cli.session import Session, survey_session
from polyglot.plan.diagnose import Diagnosis, diagnose
from polyglot.store.submissions import plans


def diagnose_session(session: Session) -> list[Diagnosis]:
    """Say what every stage of the session's plan would do if it were submitted now."""
    seen = survey_session(session)
    return diagnose(
        session.plan,
        committed={key: True for key, row in seen.items() if row.state == "committed"},
        failures={key: row.detail for key, row in seen.items() if row.state == "failed"},
        withdrawn={key: row.withdrawn for key, row in seen.items() if row.withdrawn},
        earlier=plans(session.store, session.plan.study),
    )
