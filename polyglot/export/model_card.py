"""README.md beside a model that was taken out: what it is, how it was made, how it is asked, how it scored."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

import yaml

from polyglot.core.canonical import sha256_bytes
from polyglot.core.stage import PlannedStage
from polyglot.export.files import take
from polyglot.export.selection import Wanted, name_of
from polyglot.kinds.aggregate import ArmScore, Scores
from polyglot.kinds.answer import AnswerParams
from polyglot.kinds.base import BaseParams
from polyglot.kinds.ingest import IngestParams
from polyglot.kinds.registry import kind_of
from polyglot.kinds.train import TrainParams, adapter_of
from polyglot.plan.plan import Plan, aggregate_of
from polyglot.store.artifact import StoredArtifact
from polyglot.store.committed import committed
from polyglot.store.manifest import Manifest
from polyglot.store.store import Store

# A card ends with the SHA-256 of what is before it: so one that was written here is told from one that people changed.
_SEAL = "<!-- written by polyglot, sha256 {} -->\n"


def take_model(store: Store, plan: Plan, wanted: Wanted, target: Path) -> Path:
    """Copy a model of a plan, or its adapter, to a folder, its card beside it, as `take` does."""
    adapter = wanted.folder == kind_of(TrainParams.kind).offers(wanted.planned.stage.params).get("adapter")
    card = ModelCard(store=store, plan=plan, model=wanted.planned, adapter=adapter)
    return take(store, wanted, target, beside=card)


@dataclass(frozen=True, kw_only=True)
class ModelCard:
    """The card of one model of a plan, trained or as it came; `adapter`: of what LoRA put beside the base alone."""

    store: Store
    plan: Plan
    model: PlannedStage
    adapter: bool = False
    name: ClassVar[str] = "README.md"

    def text(self, manifest: Manifest) -> str:
        """The card of what was committed, with its front matter and its seal."""
        parts = [
            f"---\n{yaml.safe_dump(self._front(), sort_keys=False, allow_unicode=True)}---\n",
            f"# {name_of(self.model)}\n",
            f"Made by polyglot for the study `{self.plan.study}`.",
            f"Its result is `{manifest.result}` of stage `{self.model.key}`.\n",
            *self._made(),
            *self._asked(),
            *self._scored(),
        ]
        text = "\n".join(parts)
        return text + _seal_of(text)

    def wrote(self, text: str) -> bool:
        """Whether a text is a card that nobody has changed."""
        before, mark, digest = text.rpartition(_SEAL.partition("{")[0])
        return bool(mark) and mark + digest == _seal_of(before)

    def _front(self) -> dict[str, object]:
        base = BaseParams.of(self._base.stage)
        library = "peft" if self.adapter else "transformers"
        front: dict[str, object] = {"library_name": library, "pipeline_tag": "text-generation"}
        if base.hub:
            front["base_model"] = base.hub
        languages = sorted({role.partition(":")[2].lower() for role in self._tokens})
        if languages:
            front["language"] = languages
        return front

    @property
    def _tokens(self) -> list[str]:
        return [role for role in self.model.stage.inputs if role.startswith("tokens:")]

    @property
    def _base(self) -> PlannedStage:
        return self.plan.by_key[self.model.stage.inputs.get("base", self.model.key)]

    def _made(self) -> Iterator[str]:
        base = BaseParams.of(self._base.stage)
        origin = f"{base.hub} at commit {base.revision}" if base.hub else f"source {base.source}"
        yield f"## How it was made\n\n- base: {name_of(self._base)} ({origin})"
        if self._base.key == self.model.key:
            yield "- not tuned\n"
            return
        yield f"- mix: {self.model.mix}"
        for name, licence in self._licences().items():
            yield f"- data: {name}, licence {licence or 'not stated'}"
        params = TrainParams.of(self.model.stage)
        if params.method == "lora":
            yield f"- method: {adapter_of(params)}{'' if self.adapter else ', merged into these weights'}"
        recipe = params.model_dump(exclude_none=True)
        told = ", ".join(f"{name.replace('_', '-')} {value}" for name, value in recipe.items())
        yield f"- recipe: {told}, seed {self.model.stage.seed}\n"

    def _licences(self) -> dict[str, str]:
        """Licence by data set, of everything that the model was tuned on."""
        found: dict[str, str] = {}
        waiting = [self.model.stage.inputs[role] for role in self._tokens]
        while waiting:
            planned = self.plan.by_key[waiting.pop()]
            if planned.stage.kind == IngestParams.kind:
                found[name_of(planned)] = IngestParams.of(planned.stage).licence
            elif planned.key != self._base.key:
                waiting += planned.stage.inputs.values()
        return dict(sorted(found.items()))

    def _asked(self) -> Iterator[str]:
        """How the study asked it: whoever asks in another way measures another model."""
        answers = [row for row in self.plan if row.stage.kind == AnswerParams.kind]
        own = next((row for row in answers if row.stage.inputs.get("model") == self.model.key), None)
        if own is None:
            return
        params = AnswerParams.of(own.stage)
        yield "## How it was asked\n"
        if self.adapter:
            yield f"Prompts were written in the chat template `{params.template}`, which the merged model's files have."
        else:
            yield "transformers and vLLM take the chat template from `chat_template.jinja`."
        systems = {language: text for language, text in params.systems.items() if text}
        if systems:
            yield "The first message had the role `system`, and by the language of the question this text:\n"
            yield from (f"- {language}: {text}" for language, text in systems.items())
        if without := sorted(params.systems.keys() - systems.keys()):
            yield f"\nQuestions in {', '.join(without)} had no system message."
        yield f"\nUp to {params.max_new_tokens} tokens a turn in {params.dtype}."
        if params.stops:
            yield f"Answers also ended before: {', '.join(map(repr, params.stops))}."
        if self.adapter:
            yield '\n    peft.PeftModel.from_pretrained(base, ".")\n'
        else:
            yield "\n    vllm serve . --served-model-name this\n"

    def _scored(self) -> Iterator[str]:
        """Scores by language with their intervals, where they were counted already."""
        table = aggregate_of(self.plan)
        manifest = committed(self.store, table.stage.kind, table.key) if table else None
        if manifest is None:
            return
        with TemporaryDirectory(prefix="polyglot-") as cache:
            scores = StoredArtifact(self.store, manifest, Path(cache)).read("scores.json", Scores)
        name = name_of(self.model)
        untuned = self._base.key == self.model.key
        arm = next(
            (cell.arm_key for cell in scores.roster if cell.cell == (f"{name}/untuned" if untuned else name)), None
        )
        rows = [row for row in scores.arms if row.arm_key == arm]
        if not rows:
            return
        yield "## Scores\n"
        seeds = "" if untuned else f", over all training seeds of this mix ({rows[0].seeds})"
        yield f"Means of scores from 1 to 10 with {100 * scores.method.level:g} % intervals{seeds}.\n"
        yield "| language | score | interval |\n| --- | --- | --- |"
        yield from (_score_line(row) for row in rows if row.mean is not None)
        yield ""


def _seal_of(text: str) -> str:
    return _SEAL.format(sha256_bytes(text.encode()))


def _score_line(row: ArmScore) -> str:
    return f"| {row.language} | {row.mean:.2f} | {row.low:.2f} to {row.high:.2f} |"
