"""Tells who shall know that a night found a change: an Event where the place has such, and a webhook.

Neither can fail a night, and neither is waited for long. A webhook's address may be a secret: it is in a file, and in
no line, argument or Event.
"""

import http.client
import json
import socket
from collections.abc import Mapping
from urllib.parse import SplitResult, urlsplit

from polyglot.cli.output import say
from polyglot.core.errors import PolyglotError
from polyglot.core.secret_file import read_secret
from polyglot.engine.nights import found_by
from polyglot.engine.submission import Submission
from polyglot.kinds.drift import ALARMS, DriftParams
from polyglot.schedulers.site import Site
from polyglot.store.store import Store
from polyglot.study.profile import NightSection

_SECONDS = 10.0
_REASONS: Mapping[str, str] = {"judge": "JudgeChanged", "model": "ModelChanged", "serving": "ServingChanged"}


def tell_night(store: Store, submission: Submission, site: Site, nights: NightSection, *, job: str) -> None:
    """Say what a night found, and tell the place and the webhook when that is a change.

    Nothing of a night that has not come so far.
    """
    drift = next((planned.key for planned in submission.stages if planned.stage.kind == DriftParams.kind), None)
    if drift is None:
        say(f"{submission.title}: held against nothing, as the study's own verdicts are not committed")
        return
    verdict, says = found_by(store, drift)
    if not verdict:
        return
    line = f"{submission.title}: {verdict}: {says}"
    say(line)
    if verdict not in ALARMS:
        return
    try:
        if told := site.announce(_REASONS[verdict], line, job=job):
            say(f"told {told}")
    except (PolyglotError, OSError) as error:
        say(f"no Event was written: {error}")
    if nights.webhook_file:
        document = {"study": submission.study, "night": submission.night, "verdict": verdict, "says": says}
        problem = _post(nights.webhook_file, {**document, "text": line})
        say(f"the webhook was not told: {problem}" if problem else "told the webhook")


def _post(file: str, document: Mapping[str, str]) -> str:
    """Send JSON to the address in a file; returns what went wrong, in words that hold nothing of the address."""
    try:
        address = urlsplit(read_secret(file))
        if address.scheme not in ("http", "https") or not address.hostname:
            return f"{file} holds no http:// or https:// address"
        return _send(address, json.dumps(document, ensure_ascii=False).encode())
    except (OSError, UnicodeDecodeError) as error:
        return f"{file}: {error.strerror if isinstance(error, OSError) else 'not text'}"
    except ValueError:
        return f"{file} holds no address"


def _send(address: SplitResult, body: bytes) -> str:
    kind = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
    connection = kind(address.hostname or "", address.port, timeout=_SECONDS)
    try:
        query = f"?{address.query}" if address.query else ""
        connection.request("POST", f"{address.path or '/'}{query}", body, {"Content-Type": "application/json"})
        status = connection.getresponse().status
        return "" if 200 <= status < 300 else f"it answered {status}"
    except (http.client.HTTPException, socket.gaierror, OSError) as error:
        return type(error).__name__
    finally:
        connection.close()
