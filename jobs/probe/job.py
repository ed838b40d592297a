"""The probe job: one small call in every form in which stages will ask an endpoint.

It has every field of the stages' own calls (model, temperature, max-tokens, seed, …), so that a refused key, an unknown
model and a refused field all show here; what it asks for is one word. Writes probe.json. An endpoint that is away is
waited out, one that has never answered is given up, as the stages themselves do. What it costs is counted as theirs is.
"""

import json
import os
import re

from jobs.lib.chat.calls import ErrorClass, Failure, Reply, Request
from jobs.lib.chat.endpoint import Endpoint, announced
from jobs.lib.chat.request_scheduler import Observer, RequestScheduler
from jobs.lib.chat.settings import CallSettings
from jobs.lib.chat.thinking import answer
from jobs.lib.chat.usage_log import UsageLog
from jobs.lib.context import Context
from polyglot.core.errors import Faults, Permanent, PolyglotError
from polyglot.core.records import to_json
from polyglot.kinds.chat import ChatForm
from polyglot.kinds.probe import ProbeParams, ProbeRecord, ProbeReply

_MESSAGES = (
    {"role": "system", "content": "This is a test of whether calls in this form are answered."},
    {"role": "user", "content": "Answer with the one word: ready"},
)
_KEY = "Correct the key (`key-file` of these settings in the profile, else OPENAI_API_KEY_FILE or OPENAI_API_KEY)"
_REMEDIES = {
    "http-401": _KEY,
    "http-403": _KEY,
    "http-404": "Name a model that the endpoint has as `model` in the study file, or correct `base-url` in the profile",
}


def run(context: Context) -> None:
    """Ask, then write what came back. Raises Faults for what no call can pass, PolyglotError for what may pass."""
    params = ProbeParams.of(context.stage)
    settings = CallSettings.of(context.settings)
    usage = UsageLog(context.journal, settings)
    replies: list[ProbeReply] = []
    failed: dict[str, None] = {}  # lines, each once
    try:
        endpoint = announced(settings, os.environ, context.log, asker=f"probe {params.asker}", asks=params.asks)
        for number, form in enumerate(params.forms, 1):
            try:
                replies.append(_answered(form, _ask(context, endpoint, settings, usage, form)))
            except Permanent as error:  # the other forms may have other defects
                failed[f"model {form.model}: {error}"] = None
            context.progress(number, len(params.forms), "forms")
    finally:
        context.journal.flush()
        context.volatile |= usage.account()
    if failed:
        raise Faults(failed)
    record = ProbeRecord(asker=params.asker, replies=tuple(replies))
    (context.out / "probe.json").write_bytes(to_json(record) + b"\n")


def _ask(
    context: Context, endpoint: Endpoint, settings: CallSettings, usage: UsageLog, form: ChatForm
) -> Reply | Failure:
    """One call, unless it is on record. Raises Permanent, with a remedy, for what every call would get."""
    request = Request.in_form(form, _MESSAGES)
    found = usage.results.get(request.id)
    if isinstance(found, Reply) and not _ignores_form(form, found):
        return found  # else the endpoint, or its address, may be another one by now
    results: list[Reply | Failure] = []

    def settled(asked: Request, result: Reply | Failure) -> None:
        results.append(result)

    observer = Observer(settled=settled, stopping=context.stopping, remark=context.remark)
    try:
        RequestScheduler(endpoint, settings, usage, observer, is_probe=True).run([request])
    except Permanent as error:
        reason = re.search(r"http-\d+", str(error))
        remedy = _REMEDIES.get(reason[0], "") if reason else ""
        raise Permanent(f"{str(error).rstrip('.')}. {remedy}" if remedy else str(error)) from error
    if not results:
        context.raise_if_stopping()
    return results[0]


def _ignores_form(form: ChatForm, reply: Reply) -> bool:
    """Whether a whole reply is no JSON although it was asked for by a schema."""
    return form.response_format is not None and reply.finish_reason == "stop" and not _is_object(reply.text)


def _is_object(text: str) -> bool:
    """Whether a reply, less what was thought before it, is one JSON object."""
    try:
        return isinstance(json.loads(answer(text).text), dict)
    except (ValueError, RecursionError):
        return False


def _answered(form: ChatForm, result: Reply | Failure) -> ProbeReply:
    """The record of a reply; its text matters only where a form was asked for. Raises Permanent, or PolyglotError."""
    if isinstance(result, Failure):
        said = f"{result.reason}: {result.detail}"
        raise Permanent(said) if result.error is ErrorClass.FINAL else PolyglotError(said)
    if _ignores_form(form, result):
        raise Permanent(
            f"it was asked for JSON by a schema (response_format) and answered {result.text[:40]!r}: it has no "
            "structured output. Write `output: text` in the study file, or ask a model that has it"
        )
    return ProbeReply(
        model=form.model,
        served_by=result.served_by,
        finish=result.finish_reason,
        prompt_tokens=result.prompt_tokens,
        completion_tokens=result.completion_tokens,
    )
