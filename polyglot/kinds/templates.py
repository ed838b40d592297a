"""Chat templates by name: what stands around each message, and where an answer stops. A new one is a row and a name."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Literal

from pydantic import Field

TemplateName = Literal["system-user-assistant", "tokenizer"]
# In no key where the study names none
TemplateDate = Annotated[Annotated[date, Field(strict=False)] | None, Field(exclude_if=lambda day: day is None)]
PAPER: TemplateName = "system-user-assistant"
OWN: TemplateName = "tokenizer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Markers:
    """What stands before each message. Every answer ends with the tokenizer's EOS.

    A prompt ends where `assistant` does, less the white space at its end: that belongs to the answer's first token.
    """

    system: str
    after_system: str
    first_user: str
    user: str
    assistant: str

    def __post_init__(self) -> None:
        if not self.user.endswith(self.first_user) or not self.assistant.strip():
            raise ValueError("later users' markers end with the first one's, and a prompt ends with some text")

    @property
    def prompt(self) -> str:
        """What a prompt ends with; its last character is the border between prompt and answer."""
        return self.assistant.rstrip()

    def head(self, system: str) -> str:
        """What stands before the first turn; nothing without a system message."""
        return f"{self.system}{system}{self.after_system}" if system else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """`markers` None: the tokenizer's own Jinja template. `stops` are texts that end an answer, besides the tokens
    that end a turn; under another template an answer may hold them.
    """

    markers: Markers | None
    stops: tuple[str, ...]


# The day that a model's own template writes where it asks for today's, unless the study names another. Llama 3's own
# templates fall back to it where there is no clock.
TEMPLATE_DATE = date(2024, 7, 26)
_SPEAKERS = ("\nUser:", "\nSystem:")  # an answer that goes on to speak for others has ended
TEMPLATES: Mapping[str, Template] = {
    PAPER: Template(  # of arXiv 2402.13703
        markers=Markers(
            system="System: ", after_system="\n", first_user="User: ", user="\nUser: ", assistant="\nAssistant: "
        ),
        stops=_SPEAKERS,
    ),
    OWN: Template(markers=None, stops=()),
}
