"""A first study file and profile from a few choices: commented, pinned where it can be, for the user to go on from."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from polyglot.core.blending import share_sweep, simplex_design
from polyglot.core.errors import BadInput, PolyglotError
from polyglot.core.json_lines import numbered_lines, parse
from polyglot.core.languages import PAPER_ORDER, is_language, language_rank
from polyglot.core.mix import Mix
from polyglot.core.section import LABEL, LABEL_WORDS
from polyglot.study.catalogue import Catalogue
from polyglot.study.pinning import UNSET
from polyglot.study.systems import SYSTEMS

BUILT_IN = "built-in"
_ENDPOINT = "endpoint:"
_TINY = """\
  steps: 80
  batch-size: 24
  learning-rate: 1.5e-3
  precision: float32
  max-tokens: 256          # longer samples are left out, and counted; `over-long: truncate` cuts them"""
_REAL = """\
  epochs: 3
  batch-size: 64
  learning-rate: 1e-5
  schedule: cosine
  precision: bfloat16
  max-tokens: {tokens:<12} # longer samples are left out, and counted; `over-long: truncate` cuts them"""


_MOST_TOKENS = 2048
_NEEDED = "Does a multilingual base model need multilingual instructions?"
_BEST = "Which shares of languages serve all languages best?"
_FORMS = "-sampled: every id once, in one of the languages; @1000: a thousand ids"
DESIGNS = {"simplex": simplex_design, "english-share": share_sweep}


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What `init` was told. Files are by language; a source is "built-in", a name of the catalogue, or owner/name."""

    name: str
    model: str  # or a folder
    data: str | Mapping[str, str]
    format: str  # of files, "" to look into them
    mixes: Sequence[str]  # none: each language, and all together
    benchmark: str | Mapping[str, str]
    judge: str  # "built-in" or a model's name
    prompts: Mapping[str, str] = field(default_factory=dict)  # files with judge prompts, by language
    baselines: Sequence[str] = ()  # models as above, or "endpoint:" before a model's name
    is_design: bool = False  # the mixes are of a design, and their shares are what is asked about


def study_draft(choices: Choices, catalogue: Catalogue, folder: Path) -> str:
    """The text of a study file in `folder`. Raises BadInput for choices that name nothing."""
    if not re.fullmatch(LABEL, choices.name):
        raise BadInput("not a study's name", where="NAME", got=repr(choices.name), expected=LABEL_WORDS)
    languages = _languages(choices, catalogue)
    mixes = list(choices.mixes) or [*languages, *(["".join(languages)] if len(languages) > 1 else [])]
    tiny, positions = choices.model == BUILT_IN, _positions(folder / choices.model)
    lines = [
        "# A study: what is asked. `polyglot plan` looks at it, `polyglot submit` runs it; a profile says where.",
        "# docs/study-file.md explains every key.",
        f"study: {_text(choices.name)}",
        f"question: {_BEST if choices.is_design else _NEEDED}",
        "models:",
        f"  base: {_model(choices.model, catalogue, folder)}",
        "datasets:",
        *_data(choices, languages, catalogue, folder),
        *_mixes(mixes, choices),
        "training:",
        _TINY if tiny else _REAL.format(tokens=min(positions, _MOST_TOKENS)),
        "benchmark:",
        *_benchmark(choices, catalogue, folder),
    ]
    if tiny:
        lines.append("answers: {max-new-tokens: 24, dtype: float32, temperatures: {}}")
    elif positions < 2 * _MOST_TOKENS:
        lines.append(
            f"answers: {{max-new-tokens: {positions // 4}}}   # a turn, of the {positions} positions of the model"
        )
    lines += [
        f"judge: {_judge(choices)}",
        *_baselines(choices.baselines, catalogue, folder),
        *_systems(choices, languages),
    ]
    return "\n".join(lines) + "\n"


def _mixes(mixes: Sequence[str], choices: Choices) -> list[str]:
    """The mixes and their seeds; those of a design a line each, with the margin that they are judged by."""
    if not choices.is_design:
        return [
            f"mixes: [{', '.join(map(_text, mixes))}]   # {_FORMS}",
            "seeds: [0]                # a claim about a mix needs three: [0, 1, 2]",
        ]
    return [
        "mixes:                    # as many rows in each; only the shares of languages differ",
        *(f"  - {_text(mix)}" for mix in mixes),
        "seeds: [0, 1, 2]",
        "findings:                 # said before anything is measured",
        "  mixture-margin: 0.3     # points: a mix this little behind the best one is as good",
    ]


def design_mixes(design: str, languages: str) -> tuple[str, ...]:
    """The mixes of a design, by name, over languages such as EN,DE,FR. Raises BadInput for none, or for one."""
    if design not in DESIGNS:
        raise BadInput("no such design", where="--design", got=repr(design), expected=" or ".join(DESIGNS))
    codes = [code.strip().upper() for code in languages.split(",") if code.strip()]
    strange = next((code for code in codes if not is_language(code)), None)
    if strange is not None:
        expected = "ISO 639-1 codes such as EN,DE,FR"
        raise BadInput("no language", where="--languages", got=repr(strange), expected=expected)
    if len(set(codes)) != len(codes) or len(codes) < 2:
        raise BadInput("no design", where="--languages", got=languages, expected="two languages or more, each once")
    return tuple(mix.canonical for mix in DESIGNS[design](codes))


PROFILE = """\
# A profile: where a study runs. Nothing in it changes a result's key. This one is used where none is named.
store: file://./.polyglot/store   # or s3://bucket/prefix?endpoint=https://…; everything is kept there
# cpus: 8                         # of this machine that workers may use together
# memory: 24GiB
# settings:
#   judge: {base-url: "https://judge.example/v1", key-file: /run/secrets/judge, concurrency: 16}
# resources:
#   train: {cpus: 4, memory: 12GiB, gpus: 1, deadline: 2d}
"""


def _model(model: str, catalogue: Catalogue, folder: Path, where: str = "--model") -> str:
    if model == BUILT_IN:
        return "{built-in: {}}       # the tiny one that is made here, for trying things out"
    if model in catalogue["models"]:
        return _published(model, catalogue["models"][model].source)
    if (folder / model).is_dir():
        return f"{{directory: {_text(model)}}}"
    if model.count("/") == 1 and not model.startswith((".", "/")):
        return f'{{hub: {_text(model)}, revision: "{UNSET}"}}   # `polyglot pin` fills the commit in'
    known = ", ".join(catalogue["models"])
    raise BadInput("no such model", where=where, got=repr(model), expected=f"built-in, a folder, owner/name, {known}")


def _positions(model: Path) -> int:
    """How many positions the model of a folder has; more than are needed where nothing says it."""
    try:
        found = json.loads((model / "config.json").read_bytes()).get("max_position_embeddings")
    except (OSError, ValueError, AttributeError):
        found = None
    return found if isinstance(found, int) and found > 0 else 2 * _MOST_TOKENS


def _published(name: str, source: Mapping[str, object]) -> str:
    pin = "" if "revision" in source or "hub" not in source else f', revision: "{UNSET}"'
    return f"{{published: {name}{pin}}}" + ("   # `polyglot pin` fills the commit in" if pin else "")


def _data(choices: Choices, languages: Sequence[str], catalogue: Catalogue, folder: Path) -> list[str]:
    data = choices.data
    if data == BUILT_IN:
        return ["  data: {built-in: instructions}"]
    if isinstance(data, str):
        entry = catalogue["datasets"].get(data)
        if entry is None:
            known = ", ".join(catalogue["datasets"])
            expected = f"built-in, LANGUAGE=FILE, {known}"
            raise BadInput("no such data", where="--data", got=repr(data), expected=expected)
        named = f"  data: {_published(data, entry.source)}"
        return [named.replace("}", f", languages: [{', '.join(languages)}]}}", 1) if choices.mixes else named]
    first = next(iter(data.values()))
    found, has_ids = _look(folder, first)
    form = choices.format or found
    if not form:
        remedy = "Say --format; docs/study-file.md lists them"
        raise BadInput("the schema of the rows is not known", where="--data", got=first, remedy=remedy)
    pairing = ["    pair-by: position    # line n is the same row in every language; remove this if it is not"]
    return [
        "  data:",
        f"    format: {form}",
        *(pairing if len(data) > 1 and not has_ids else []),
        "    files:",
        *(f"      {language}: {{path: {_text(path)}}}" for language, path in data.items()),
    ]


def _benchmark(choices: Choices, catalogue: Catalogue, folder: Path) -> list[str]:
    benchmark = choices.benchmark
    if benchmark == BUILT_IN:
        return ["  built-in: verifiable"]
    if isinstance(benchmark, str):
        if benchmark not in catalogue["benchmarks"]:
            expected = f"built-in, LANGUAGE=FILE, {', '.join(catalogue['benchmarks'])}"
            raise BadInput("no such benchmark", where="--benchmark", got=repr(benchmark), expected=expected)
        return [f"  published: {benchmark}"]
    answered = [
        f"    {language}: {{path: {_text(path)}}}" for language, path in benchmark.items() if _answered(folder, path)
    ]
    beside = {language: f"prompts/{language}.jsonl" for language in benchmark}
    return [
        "  format: mt-bench        # a line a question: question_id, category, turns (one or two)",
        "  questions:",
        *(f"    {language}: {{path: {_text(path)}}}" for language, path in benchmark.items()),
        *(["  references:             # the answers that stand beside the questions", *answered] if answered else []),
        "  prompts:                # what the judge is told; change them as you like",
        *(f"    {language}: {{path: {_text(choices.prompts.get(language, own))}}}" for language, own in beside.items()),
    ]


def _answered(folder: Path, path: str) -> bool:
    """Whether a file of questions has reference answers beside some of them."""
    try:
        rows = [parse(text) for _, text in numbered_lines(folder / path, path)]
    except (OSError, ValueError, PolyglotError):
        return False  # what is wrong with it is said when the study is planned
    return any(isinstance(row, dict) and row.get("reference") for row in rows)


def _judge(choices: Choices) -> str:
    """The section; of questions of one's own, the prompts stand beside them."""
    files = {} if isinstance(choices.benchmark, Mapping) else choices.prompts
    own = ", ".join(f"{language}: {{path: {_text(path)}}}" for language, path in files.items())
    prompts = f", prompts: {{{own}}}" if own else ""
    if choices.judge == BUILT_IN:
        what = "a rule-based one; {endpoint: openai, model: NAME} asks any such endpoint"
        return f"{{endpoint: built-in{prompts}}}   # {what}"
    asked = f"endpoint: openai, model: {_text(choices.judge)}, temperature: 0"
    return f"{{{asked}{prompts}}}   # its address and key: settings of the profile"


def _baselines(given: Sequence[str], catalogue: Catalogue, folder: Path) -> list[str]:
    """The section of what is not tuned, where anything is named: under the last part of its name."""
    lines = ["baselines:               # not tuned; answered for and judged beside the mixes"] if given else []
    for model in given:
        asked = model.removeprefix(_ENDPOINT)
        name = re.sub("[^a-z0-9]+", "-", asked.rpartition("/")[2].lower()).strip("-")[:40].strip("-")
        if not name:
            raise BadInput("no such model", where="--baseline", got=repr(model), expected=f"{_ENDPOINT}MODEL")
        if asked == model:
            lines.append(f"  {_text(name)}: {_model(model, catalogue, folder, where='--baseline')}")
        else:
            lines.append(f"  {_text(name)}: {{endpoint: openai, model: {_text(asked)}}}")
    return lines


def _systems(choices: Choices, languages: Sequence[str]) -> list[str]:
    asked = choices.benchmark if isinstance(choices.benchmark, Mapping) else {}
    without = [code for code in dict.fromkeys(chain(languages, asked)) if code not in SYSTEMS]
    if not without:
        return []
    return ["systems:                  # the system message of each language that has no built-in one; '' is none"] + [
        f"  {code}: ''" for code in without
    ]


def _languages(choices: Choices, catalogue: Catalogue) -> list[str]:
    if isinstance(choices.data, Mapping):
        found = list(choices.data)
    elif choices.data in catalogue["datasets"]:
        languages = catalogue["datasets"][choices.data].source.get("languages")
        found = [str(code) for code in languages] if isinstance(languages, list) else []
    else:
        found = list(PAPER_ORDER)
    if isinstance(choices.data, str) and choices.mixes:
        found = list(dict.fromkeys(code for mix in choices.mixes for code in Mix.parse(mix).languages))
    for code in chain(found, choices.benchmark if isinstance(choices.benchmark, Mapping) else ()):
        if not is_language(code):
            raise BadInput("no language", got=repr(code), expected="an upper-case ISO 639-1 code such as EN or PL")
    return sorted(found, key=language_rank)


def _look(folder: Path, path: str) -> tuple[str, bool]:
    """The schema of a file of JSON Lines by its first row ("" where it tells none), and whether the row has an id."""
    if not path.endswith((".jsonl", ".json", ".ndjson")):
        return "", False
    try:
        row = json.loads(next(text for _, text in numbered_lines(folder / path, path)).lstrip("["))
    except OSError as error:
        raise BadInput("cannot be read", where=path, got=error.strerror or str(error)) from None
    except (ValueError, StopIteration):
        return "", False
    if not isinstance(row, dict):
        return "", False
    has_id = row.get("id") is not None
    if isinstance(row.get("messages"), list):
        return "messages", has_id
    if isinstance(turns := row.get("conversations"), list) and turns:
        return ("sharegpt" if isinstance(turns[0], dict) else "lima-x"), has_id
    if "instruction" in row and "response" in row:
        return "dolly", has_id
    if "inputs" in row and "targets" in row:
        return "aya", has_id
    if "instruction" in row and "output" in row:
        return ("bactrian-x" if has_id else "alpaca"), has_id
    return "", has_id


def _text(value: str) -> str:
    """A text as YAML takes it within a flow mapping."""
    plain = all(char.isalnum() or char in "._-/" for char in value) and value[:1].isalnum()
    is_word = value.lower() not in ("null", "true", "false") and not value[:1].isdigit()
    return value if plain and is_word else json.dumps(value, ensure_ascii=False)
