"""What studies/paper.yaml names, as it is published: the repositories' files in their shapes, small, on the loopback.

The models have random weights, the data a few rows; names, file lists, formats and traps are the published ones.

    python -m tests.kit.paper HOST FOLDER      serves hub and judge at an address of this machine until its input ends
"""

import gzip
import json
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from polyglot.core.canonical import sha256_bytes
from polyglot.study.catalogue import load_catalogue
from tests.kit.hub_server import Hub, Repository, serve
from tests.kit.judge_rows import prompt_file
from tests.kit.judge_server import ScriptedJudge, reply
from tests.kit.web import web

PAPER = Path(__file__).resolve().parents[2] / "studies" / "paper.yaml"
LANGUAGES = ("EN", "DE", "FR", "IT", "ES")
TEUKEN = "7e" * 20
TOKEN = "hf_sentinel"  # noqa: S105 - of the loopback alone
ASKS = {
    "EN": ("Describe the town with the number {n} in a few sentences.", "What do you like best about it?"),
    "DE": ("Beschreibe die Stadt mit der Nummer {n} in einigen Sätzen.", "Was gefällt dir daran am besten?"),
    "FR": ("Décris la ville qui porte le numéro {n} en quelques phrases.", "Qu'est-ce qui te plaît le plus ?"),
    "IT": ("Descrivi la città con il numero {n} in alcune frasi.", "Che cosa ti piace di più di questa città?"),
    "ES": ("Describe la ciudad con el número {n} en unas pocas frases.", "¿Qué es lo que más te gusta de ella?"),
}
REPLIES = {
    "EN": "The town lies on a river, and {n} bridges lead to the old market place.",
    "DE": "Die Stadt liegt an einem Fluss, und {n} Brücken führen zum alten Marktplatz.",
    "FR": "La ville est au bord d'une rivière, et {n} ponts mènent à la vieille place du marché.",
    "IT": "La città si trova su un fiume, e {n} ponti portano alla vecchia piazza del mercato.",
    "ES": "La ciudad está junto a un río, y {n} puentes llevan a la antigua plaza del mercado.",
}
OTHERS = {"AF": "Die stad lê langs 'n rivier.", "SW": "Mji upo kando ya mto.", "ZH": "这座城市坐落在河边。"}
CATEGORIES = ("writing", "math", "coding", "reasoning")


@dataclass(frozen=True, kw_only=True)
class Published:
    """Where it is served. `environment` points there; `catalogue` is the text of a catalogue.yaml of mirrors."""

    hub: Hub
    environment: Mapping[str, str]
    catalogue: str


def study_text(*, mixes: str = "", seeds: str = "", **more: str) -> str:
    """The text of studies/paper.yaml with other mixes or seeds, or keys more, where something has to be short."""
    text = PAPER.read_text(encoding="utf-8")
    for key, value in (("mixes", mixes), ("seeds", seeds)):
        if value:
            text, found = re.subn(rf"^{key}: .*$", f"{key}: {value}", text, flags=re.MULTILINE)
            assert found == 1
    return text + "".join(f"{key}: {value}\n" for key, value in more.items())


def lima_x(rows: int = 20) -> dict[str, bytes]:
    """The 18 files of Lima-X: a language each, the two mixes and the same sampled, for training and validation."""
    files = {
        "README.md": b"---\nlicense: other\nconfigs:\n- config_name: DE\n  data_files: train_limax_DE.jsonl\n---\n"
    }
    for part, count, first in (("train", rows, 0), ("val", 4, 1000)):
        by_language = {
            language: [{"conversations": _turns(language, first + n)} for n in range(count)] for language in LANGUAGES
        }
        for language, lines in by_language.items():
            files[f"{part}_limax_{language}.jsonl"] = _lines(lines)
        for mix in (LANGUAGES, LANGUAGES[1:]):
            whole = [row for language in mix for row in by_language[language]]
            files[f"{part}_limax_{'_'.join(mix)}.jsonl"] = _lines(whole)
            drawn = [by_language[mix[n % len(mix)]][n] for n in range(count)]
            files[f"{part}_limax_{'_'.join(mix)}_sampled.jsonl"] = _lines(drawn)
    return files


def bactrian_x(rows: int = 60) -> dict[str, bytes]:
    """A loading script, and a compressed file a language: JSON Lines in some, one array in others."""
    files = {"README.md": b"---\nlicense: cc-by-nc-4.0\n---\n", "Bactrian-X.py": b"raise SystemExit('it was run')\n"}
    for number, language in enumerate((*LANGUAGES, *OTHERS)):
        lines = [
            {
                "instruction": ASKS.get(language, ASKS["EN"])[0].format(n=n),
                "input": "",
                "id": f"alpaca-{n}",
                "output": REPLIES.get(language, OTHERS.get(language, "")).format(n=n),
            }
            for n in range(rows)
        ]
        data = json.dumps(lines, ensure_ascii=False).encode() if number % 2 else _lines(lines)
        files[f"data/{language.lower()}.json.gz"] = gzip.compress(data, mtime=0)
    return files


def models(folder: Path) -> dict[str, Repository]:
    """By their name in the catalogue: Teuken, Mixtral, BLOOM, XGLM, and Gemma, which is gated."""
    from tests.kit.published_models import bloom, gemma_2, mixtral, teuken, xglm  # imports torch

    catalogue = load_catalogue(folder)["models"]
    made = {}
    makers = {
        "teuken-7b": teuken,
        "mixtral-8x7b": mixtral,
        "bloom-7b1": bloom,
        "xglm-7.5b": xglm,
        "gemma-2-9b": gemma_2,
    }
    for name, make in makers.items():
        path = make(folder / name)
        _widen(path / "config.json")
        files = {file.name: file.read_bytes() for file in sorted(path.iterdir())}
        gate = TOKEN if catalogue[name].gated else ""
        source = catalogue[name].source
        revision = source.get("revision", TEUKEN)  # of Teuken no commit is known
        made[name] = Repository(name=source["hub"], files=files, kind="models", revision=revision, token=gate)
    return made


def benchmark(folder: Path, questions: int = 1) -> dict[str, bytes]:
    """Questions of four categories, references of three and judge prompts, by the paths that MT-Bench-X has them at."""
    prompts = prompt_file(folder / "judge_prompts.jsonl").read_bytes()
    pages = {}
    for language in LANGUAGES:
        asked, known = [], []
        for n in range(questions * len(CATEGORIES)):
            identity, category = f"{81 + n}_{language}", CATEGORIES[n % len(CATEGORIES)]
            turns = [ASKS[language][0].format(n=n), ASKS[language][1]]
            asked.append({"question_id": identity, "category": category, "turns": turns})
            if category != "writing":
                answers = [REPLIES[language].format(n=n)] * 2
                known.append({"question_id": identity, "choices": [{"index": 0, "turns": answers}]})
        head = f"/data/mt_bench_{language}"
        pages[f"{head}/question.jsonl"] = _lines(asked)
        pages[f"{head}/reference_answer/gpt-4.jsonl"] = _lines(known)
        pages[f"{head}/judge_prompts.jsonl"] = prompts
    return pages


def repositories(folder: Path) -> list[Repository]:
    """All models and data sets."""
    folder.mkdir(parents=True, exist_ok=True)
    catalogue = load_catalogue(folder)["datasets"]
    data = [
        Repository(name=catalogue[name].source["hub"], revision=catalogue[name].source["revision"], files=files)
        for name, files in (("lima-x", lima_x()), ("bactrian-x", bactrian_x()))
    ]
    return [*models(folder).values(), *data]


@contextmanager
def published(folder: Path) -> Iterator[Published]:
    """Serve all of it, and a mirror of the benchmark, until the block ends."""
    with ExitStack() as stack:
        hub = stack.enter_context(serve(*repositories(folder)))
        pages = benchmark(folder)
        address = stack.enter_context(web({path: (200, {}, body) for path, body in pages.items()}))
        mirror = mirrored(folder, address, pages)
        yield Published(hub=hub, environment={"HF_ENDPOINT": hub.endpoint}, catalogue=mirror)


def mirrored(folder: Path, address: str, pages: Mapping[str, bytes]) -> str:
    """A catalogue.yaml whose MT-Bench-X lies at an address of our own, as somebody's mirror would."""
    entry = load_catalogue(folder)["benchmarks"]["mt-bench-x"].model_dump(mode="json", by_alias=True)
    source: dict[str, Any] = dict(entry["source"])
    for part in ("questions", "references", "prompts"):
        source[part] = {
            language: _at(address, pages, f"/data/{file['path'].rpartition('/data/')[2]}")
            for language, file in source[part].items()
        }
    document = {"benchmarks": {"mt-bench-x": {**entry, "source": source}}}
    return yaml.safe_dump(document, allow_unicode=True, sort_keys=False)


def _at(address: str, pages: Mapping[str, bytes], path: str) -> dict[str, object]:
    return {"path": address + path, "sha256": sha256_bytes(pages[path]), "bytes": len(pages[path])}


def _turns(language: str, n: int) -> list[str]:
    """Two turns; every third row has four."""
    asks, reply = ASKS[language], REPLIES[language].format(n=n)
    return [asks[0].format(n=n), reply, *((asks[1], reply) if n % 3 == 0 else ())]


def _lines(rows: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def _widen(path: Path) -> None:
    """Rotary and sinusoidal positions cost no weights: as many as the published models have."""
    config = json.loads(path.read_text(encoding="utf-8"))
    if "max_position_embeddings" in config:
        path.write_text(json.dumps({**config, "max_position_embeddings": 4096}), encoding="utf-8")


def main() -> None:
    """Print where hub and judge are as a line of JSON."""
    host, folder = sys.argv[1:]
    with (
        serve(*repositories(Path(folder)), host=host) as hub,
        ScriptedJudge(lambda call: reply("[[7]]"), host=host) as judge,
    ):
        print(json.dumps({"hub": hub.endpoint, "judge": judge.base_url}), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
