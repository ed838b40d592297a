"""The page of answers of a large study: 30 arms in 5 languages with 3 seeds and 80 questions, 72,000 turns.

    python -m tests.bench.answers_page [ARMS SEEDS]

It prints how long defects are looked for and the report is made on one core, what is loaded at the start, and how many
pieces of which sizes there are. Answers are 1,200 characters of prose on average and verdicts 500, as of a chat model.
"""

import shutil
import sys
import time
from collections.abc import Iterator
from functools import partial
from itertools import combinations
from pathlib import Path
from random import Random
from tempfile import mkdtemp

from msgspec.structs import replace

from jobs.aggregate import job as aggregate
from jobs.aggregate.defects import find_defects
from jobs.report import job as report
from polyglot.core import records
from polyglot.kinds.answer import Answer
from polyglot.kinds.judge import Verdict
from tests.kit.browsed import PROSE
from tests.kit.fake_scores import LANGUAGES, FakeStudy, cells_of, fake_context, report_params, usual_ability
from tests.kit.folder_input import FolderInput

WORDS = {language: PROSE[language].split() for language in LANGUAGES}
START = ("answers.html", "answers/page.js", "answers/page.css", "answers/index.js")


def mixes(count: int) -> tuple[str, ...]:
    """So many arms: combinations of languages, then the same sampled."""
    names = ["".join(some) for size in range(1, 6) for some in combinations(LANGUAGES, size)]
    return tuple([*names, *(f"{name}-sampled" for name in names if len(name) > 2)][:count])


def text(random: Random, language: str, characters: int) -> str:
    """Prose that does not repeat itself: known words in any order, and numbers among them."""

    def words() -> Iterator[str]:
        length = random.gauss(characters, characters / 3)
        while length > 0:
            word = random.choice(WORDS[language]) if random.random() < 0.8 else f"{random.randrange(10**4)}"
            length -= len(word) + 1
            yield word

    return " ".join(words())


def spell_out(source: FolderInput) -> None:
    """Give answers and verdicts their texts."""
    for folder, kind in (("answers", Answer), ("verdicts", Verdict)):
        for path in sorted((source.root / folder).glob("*.jsonl")):
            said = partial(text, Random(str(path)), path.stem)
            rows: Iterator[Answer | Verdict] = records.read_lines(path, kind)
            records.write_lines(path, [_spelled(row, said) for row in rows])


def _spelled(row: Answer | Verdict, said: "partial[str]") -> Answer | Verdict:
    if isinstance(row, Verdict):
        return replace(row, text=f"{said(500)} [[{row.score}]]")
    return replace(row, turns=tuple(replace(turn, text=said(1200), tokens=300) for turn in row.turns))


def main(arms: int = 30, seeds: int = 3) -> None:
    """Make it and measure it."""
    root = Path(mkdtemp(prefix="polyglot-answers-"))
    try:
        cells = tuple(cells_of(mixes(arms), range(seeds)))
        made = FakeStudy(cells=cells, ability=usual_ability, resamples=100).write(root / "in")
        for source in made.inputs.values():
            spell_out(source)
        begun = time.process_time()
        find_defects(cells, made.inputs, LANGUAGES)
        print(
            f"defects of {len(cells) * len(LANGUAGES) * 160:,} turns: {time.process_time() - begun:.0f} s of one core"
        )
        aggregate.run(fake_context(made.aggregate_params(), made.inputs, root / "aggregate"))
        inputs = made.inputs | {"aggregate": FolderInput(root / "aggregate" / "out", "a" * 64)}
        begun = time.process_time()
        done = fake_context(report_params(), inputs, root)
        report.run(done)
        print(f"the report with its pages: {time.process_time() - begun:.0f} s")
        megabytes = {name: (done.out / name).stat().st_size / 1e6 for name in (*START, "report.html")}
        for name, size in megabytes.items():
            print(f"  {name}: {size:.3f} MB")
        print(f"at the start of answers.html: {sum(megabytes[name] for name in START):.2f} MB")
        pieces = sorted(path.stat().st_size / 1e3 for path in (done.out / "answers").glob("*-*.js"))
        print(f"{len(pieces)} pieces of {pieces[0]:.0f} to {pieces[-1]:.0f} KB, {sum(pieces) / 1e3:.0f} MB in all")
    finally:
        shutil.rmtree(root)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
