"""Reference answers in the making: one draft a question, answered turn by turn."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from jobs.lib.chat.calls import Failure, Reply, Request
from jobs.lib.chat.thinking import answer
from jobs.reference.prompt import messages
from polyglot.kinds.reference import ReferenceParams
from polyglot.kinds.rows import Question, Reference, Rejection


@dataclass(kw_only=True)
class Draft:
    """One question's answers so far. `reason` says why there are no more; `line` is the question's, from 1."""

    params: ReferenceParams
    language: str
    id: str
    line: int
    questions: Sequence[str]
    answers: list[str] = field(default_factory=list)
    finishes: list[str] = field(default_factory=list)
    reason: str | None = None
    detail: str = ""  # what the endpoint said of a failure
    completion_tokens: int = 0
    prompt_tokens: int = 0

    @property
    def open(self) -> bool:
        """Whether there is a turn to be asked."""
        return self.reason is None and len(self.answers) < len(self.questions)

    @property
    def label(self) -> str:
        """For people: "DE 101 turn 2"."""
        return f"{self.language} {self.id} turn {len(self.answers) + 1}"

    def request(self) -> Request:
        """What is asked next: a second turn as the continuation of the first."""
        return Request(
            model=self.params.model,
            messages=messages(self.language, self.questions, self.answers),
            temperature=self.params.temperature,
            max_tokens=self.params.max_tokens,
            seed=self.params.seed,
            reasoning_effort=self.params.reasoning_effort,
        )

    def take(self, result: Reply | Failure) -> None:
        """Take the result of the next turn. A reply that is no whole answer ends the draft: nothing is repaired."""
        if isinstance(result, Reply):
            self.finishes.append(result.finish_reason)
            self.prompt_tokens += result.prompt_tokens or 0
            self.completion_tokens += result.completion_tokens or 0
        reason = worth(result)
        if reason is None and isinstance(result, Reply):
            self.answers.append(answer(result.text).text)
        else:
            self.reason, self.detail = reason, result.detail if isinstance(result, Failure) else ""

    def form(self) -> Reference | None:
        """The reference answers, "" for a turn without one; None where no turn has one."""
        if not self.answers:
            return None
        missing = [""] * (len(self.questions) - len(self.answers))
        return Reference(id=self.id, language=self.language, turns=(*self.answers, *missing))

    def rejection(self) -> Rejection | None:
        """The first turn that has no answer."""
        if self.reason is None:
            return None
        return Rejection(
            language=self.language,
            file=f"questions/{self.language}.jsonl",
            line=self.line,
            id=self.id,
            turn=len(self.answers) + 1,
            reason=self.reason,
        )


def worth(result: Reply | Failure) -> str | None:
    """Return why a result is no reference answer, None when it is one. What the model thought is left out.

    Reasons: "refused", "content-filter", "truncated" (cut), "empty-output", "nul", or the failure's own ("http-400").
    """
    if isinstance(result, Failure):
        return result.reason
    if result.withheld:
        return result.withheld
    if result.finish_reason == "length":
        return "truncated"
    said = answer(result.text)
    if said.unfinished:
        return "truncated"
    if not said.text.strip():
        return "empty-output"
    return "nul" if "\0" in result.text else None


def read_drafts(rows: Mapping[str, Sequence[Question]], params: ReferenceParams) -> list[Draft]:
    """One draft for every question whose category is judged against references."""
    return [
        Draft(params=params, language=language, id=row.id, line=line, questions=row.turns)
        for language in params.languages
        for line, row in enumerate(rows[language], 1)
        if params.needs_reference(row.category)
    ]
