"""A record of a call in the journal of its stage, as it is read back. `usage_log` says what each outcome means."""

import msgspec

from jobs.lib.chat.calls import Reply
from polyglot.core.records import Record


class CallRecord(Record):
    """Of an attempt at a call, of a reply that another stage paid for, or of a batch; what it has none of is empty.

    `outcome` is "sent", "reply", "failure", "reused" or "batch"; `batch` the batch that a call went out in, or the id
    that a batch has at its provider.
    """

    id: str
    outcome: str
    final: bool = False
    cost_usd: float = 0.0
    cost_usd_at_most: float = 0.0  # of what nobody saw a bill of
    batch: str | None = None
    # why there is no reply
    reason: str = ""
    detail: str = ""
    # the reply
    text: str = ""
    finish_reason: str | None = None
    refused: bool = False
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    served_by: str = ""
    fingerprint: str = ""
    origin: str = msgspec.field(name="from", default="")  # the stage that got it
    # how far a batch is
    status: str = ""
    at: float = 0.0
    base_url: str = ""
    limit: str = ""

    def reply(self, finish_reason: str) -> Reply:
        """The reply, which ended for this reason."""
        return Reply(
            text=self.text,
            finish_reason=finish_reason,
            refused=self.refused,
            prompt_tokens=self.prompt_tokens,
            completion_tokens=self.completion_tokens,
            served_by=self.served_by,
            fingerprint=self.fingerprint,
        )
