"""The check job: looks at what trainings, answers and verdicts will read, and says everything that is wrong at once.

Nothing of it needs weights or a GPU. Each thing that it looks at is a file beside this one; a new one adds to `Found`
what it finds. With a defect the stage fails for good, a line each; without one check.json says what was looked at.
"""

from pathlib import Path

from jobs.check import judging, prompts, samples
from jobs.check.found import Found
from jobs.lib.context import Context, of_role
from jobs.lib.model.layers import check_router, empty_model, named_layers
from jobs.lib.model.loading import load_tokenizer, positions, vocabulary, without_weights
from jobs.lib.model.template import ChatFormat
from polyglot.core.errors import Faults, Permanent
from polyglot.core.records import to_json
from polyglot.kinds.check import CheckedModel, CheckParams, CheckRecord, ModelCheck
from polyglot.kinds.data_card import DataCard
from polyglot.kinds.mix import MixCard
from polyglot.kinds.rows import Question, Reference
from polyglot.kinds.tokenize import TokenCard


def run(context: Context) -> None:
    """Look at everything. Raises Faults."""
    params = CheckParams.of(context.stage)
    found = Found()
    benchmark = _benchmark(context, params)
    files = {language: context.blob(params.prompts_sha256[language]) for language in params.languages}
    judged = judging.look(found, params, benchmark, files)
    models = {}
    for number, name in enumerate(of_role(context.inputs, "base"), 1):
        checked = _model(context, found, params, benchmark, name)
        if checked is not None:
            models[name] = checked
        context.progress(number, len(params.models), "models")
        context.raise_if_stopping()
    for name, artifact in of_role(context.inputs, "data").items():
        samples.look_at_data(found, artifact.read("card.json", DataCard), dataset=name)
    mixes = {
        name: samples.look_at_mix(found, artifact.read("card.json", MixCard), params, name=name)
        for name, artifact in of_role(context.inputs, "mix").items()
    }
    for remark in found.remarks:
        context.log.warning("remark: %s", remark)
    if found.defects:
        raise Faults(dict.fromkeys(found.defects))
    record = CheckRecord(
        models=models,
        judging=judged,
        mixes={name: steps for name, steps in mixes.items() if steps is not None},
        remarks=tuple(found.remarks),
    )
    (context.out / "check.json").write_bytes(to_json(record) + b"\n")
    context.metrics["remarks"] = len(found.remarks)


def _benchmark(context: Context, params: CheckParams) -> judging.Benchmark:
    questions, given = context.inputs["questions"], context.inputs.get("references")
    names = given.names() if given is not None else []
    references = {
        language: {row.id: row for row in given.lines(f"references/{language}.jsonl", Reference)}
        for language in params.languages
        if given is not None and f"references/{language}.jsonl" in names
    }
    asked = {language: list(questions.lines(f"questions/{language}.jsonl", Question)) for language in params.languages}
    return judging.Benchmark(questions=asked, references=references)


def _model(
    context: Context, found: Found, params: CheckParams, benchmark: judging.Benchmark, name: str
) -> ModelCheck | None:
    """One base model: its prompts and its samples. None when its tokenizer and template do not work together."""
    directory = without_weights(context.inputs[f"base:{name}"])
    said = params.models[name]
    where = f"{said.section}.{name}"
    try:
        chat = ChatFormat(load_tokenizer(directory), said.template, template_date=said.template_date)
    except Permanent as error:
        found.defect(str(error), where=where)
        return None
    limit, rows = positions(directory), vocabulary(directory)
    _look_at_layers(found, said, directory, where)
    systems = {language: params.systems[language] for language in params.languages}
    prompts.look_at_systems(found, chat, systems, where=where)
    lengths = {
        language: prompts.look(
            found,
            chat,
            questions,
            params.systems[language],
            where=where,
            language=language,
            positions=limit,
            embedded=rows,
            max_new_tokens=params.max_new_tokens,
            may_fail=params.over_long == "fail",
        )
        for language, questions in benchmark.questions.items()
    }
    longest: dict[str, int] = {}
    for role in ("tokens", "validation"):
        for label, artifact in of_role(context.inputs, role).items():
            model, dataset, language = label.split("/")
            if model == name:
                card = artifact.read("card.json", TokenCard)
                samples.look_at_tokens(found, card, model=model, dataset=dataset, positions=limit)
                place = f"{dataset}/{language}"
                longest[place] = max(longest.get(place, 0), card.longest)
    return ModelCheck(positions=limit, embedded=rows, longest_sample=longest, prompts=lengths)


def _look_at_layers(found: Found, said: CheckedModel, directory: Path, where: str) -> None:
    """What a recipe asks of a model's layers."""
    if said.lora_modules is None and not said.router_loss:
        return
    model = empty_model(directory)
    if said.lora_modules is not None:
        with found.refusals(where):
            named_layers(model, said.lora_modules)
    if said.router_loss:
        with found.refusals(where):
            check_router(model)
