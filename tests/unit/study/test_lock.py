"""The lock pins every file by content, and says what cannot be pinned."""

import gzip
import hashlib
import io
import json
import os
import shutil
from pathlib import Path

import pytest

from polyglot.core.canonical import sha256_file
from polyglot.core.errors import BadInput
from polyglot.kinds import judge_prompts
from polyglot.kinds.agree import read_ratings
from polyglot.kinds.kind import File
from polyglot.study import sizes
from polyglot.study.load import load_study
from polyglot.study.lock import Locked, built_in_prompts, lock_study
from polyglot.study.pinning import UNSET
from tests.kit.bad_inputs.read_last import (
    MARK,
    RATED,
    SECOND,
    SINGLE,
    VOTED,
    load_prompts,
    load_ratings,
    load_votes,
    prompts,
)
from tests.kit.bad_inputs.studies import study_text
from tests.kit.judge_rows import prompt_file
from tests.kit.shared import SHARED

ROOT = Path(__file__).parents[3]


def put(folder: Path, name: str, data: bytes) -> str:
    """Write a file and return its SHA-256."""
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)
    return hashlib.sha256(data).hexdigest()


def lock(folder: Path, **changes: str) -> Locked:
    (folder / "study.yaml").write_text(study_text(**changes), encoding="utf-8")
    return lock_study(load_study(folder / "study.yaml"))


class TestFiles:
    def test_local_files_are_pinned_by_content_and_found_again_by_it(self, tmp_path: Path) -> None:
        one, two = put(tmp_path, "data/one.jsonl", b"{}\n"), put(tmp_path, "two.jsonl.gz", b"\x1f\x8b")
        files = f"{{EN: [{{path: data/one.jsonl, sha256: {one}}}, {{path: two.jsonl.gz, sha256: {two}}}]}}"
        locked = lock(tmp_path, datasets=f"{{d: {{format: dolly, files: {files}}}}}", mixes="[EN]")
        assert locked.files_at("datasets", "d", "files") == {
            "EN": (File(sha256=one, bytes=3, name="one.jsonl"), File(sha256=two, bytes=2, name="two.jsonl.gz"))
        }
        assert {sha256_file(path) for sha256, path in locked.local_files.items()} >= {one, two}
        assert all(sha256_file(path) == sha256 for sha256, path in locked.local_files.items())

    def test_a_size_beyond_the_lines_of_the_data_is_refused_by_name(self, tmp_path: Path) -> None:
        one, two = put(tmp_path, "en.jsonl", b"{}\n" * 30), put(tmp_path, "de.jsonl", b"{}\n" * 20)
        files = f"files: {{EN: {{path: en.jsonl, sha256: {one}}}, DE: {{path: de.jsonl, sha256: {two}}}}}"

        def refused(mixes: str, rest: str = "", **changes: str) -> str:
            with pytest.raises(BadInput) as error:
                lock(tmp_path, datasets=f"{{d: {{format: dolly, {files}{rest}}}}}", mixes=mixes, **changes)
            return str(error.value)

        assert "sizes.0: EN@31 is larger than the data; got 31 ids of data set d; expected at most 30" in refused(
            "[EN]", sizes="[31]"
        )
        assert "mixes.1: ENDE@21 is larger than the data; got 21 ids of data set d; expected at most 20" in refused(
            "[EN@30, ENDE@21]"
        )
        assert "expected at most 15, as 5 of 20 are for validation" in refused("[ENDE@16]", ", validation: 5")

    def test_validation_and_published_mixes_of_every_data_set_are_pinned(self, tmp_path: Path) -> None:
        def file(name: str) -> str:
            return f"{{path: {name}, sha256: {put(tmp_path, name, name.encode())}}}"

        def dataset(name: str) -> str:
            parts = {part: file(f"{name}-{part}.jsonl") for part in ("EN", "DE", "val-EN", "val-DE", "mix")}
            return (
                f"{name}: {{format: dolly, files: {{EN: {parts['EN']}, DE: {parts['DE']}}}, "
                f"validation: {{EN: {parts['val-EN']}, DE: {parts['val-DE']}}}, "
                f"published: {{ENDE-sampled: {{files: {parts['mix']}}}}}}}"
            )

        locked = lock(tmp_path, datasets=f"{{{dataset('a')}, {dataset('b')}}}", mixes="[ENDE-sampled]")
        for name in ("a", "b"):
            held = locked.files_at("datasets", name, "validation")
            assert {language: file.name for language, (file,) in held.items()} == {
                "EN": f"{name}-val-EN.jsonl",
                "DE": f"{name}-val-DE.jsonl",
            }
            mixed = locked.files["datasets", name, "published", "ENDE-sampled", "files"]
            assert [file.name for file in mixed] == [f"{name}-mix.jsonl"]
        assert len(locked.local_files) >= 10

    @pytest.mark.parametrize("form", ["d.jsonl", "d.ndjson", "d.jsonl.gz"])
    def test_rows_are_counted_in_every_form_of_json_lines(self, tmp_path: Path, form: str) -> None:
        data = b"\n" + b'{"x": 1}\r\n  \n' * 30 + b"{}"
        sha256 = put(tmp_path, form, gzip.compress(data) if form.endswith(".gz") else data)
        datasets = f"{{d: {{format: dolly, files: {{EN: {{path: {form}, sha256: {sha256}}}}}}}}}"
        lock(tmp_path, datasets=datasets, mixes="[EN@31]")
        with pytest.raises(BadInput, match=r"EN@32 is larger than the data; got 32 ids .*; expected at most 31"):
            lock(tmp_path, datasets=datasets, mixes="[EN@32]")

    def test_a_published_mix_may_have_more_ids_than_each_of_its_languages(self, tmp_path: Path) -> None:
        one, two = put(tmp_path, "en.jsonl", b"{}\n" * 3), put(tmp_path, "de.jsonl", b"{}\n" * 4)
        files = f"files: {{EN: {{path: en.jsonl, sha256: {one}}}, DE: {{path: de.jsonl, sha256: {two}}}}}"
        mixed = f"{{files: {{path: mixed.jsonl, sha256: {put(tmp_path, 'mixed.jsonl', b'{}' * 7)}}}}}"
        dataset = f"{{d: {{format: dolly, {files}, published: {{ENDE-sampled: {mixed}}}}}}}"
        lock(tmp_path, datasets=dataset, mixes="[ENDE-sampled@7]")
        with pytest.raises(BadInput, match="ENDE@4 is larger than the data"):
            lock(tmp_path, datasets=dataset, mixes="[ENDE-sampled@7, ENDE@4]")

    def test_a_translation_has_no_more_rows_than_what_it_is_made_of(self, tmp_path: Path) -> None:
        one, two = put(tmp_path, "en.jsonl", b"{}\n" * 30), put(tmp_path, "de.jsonl", b"{}\n" * 40)
        files = f"files: {{EN: {{path: en.jsonl, sha256: {one}}}, DE: {{path: de.jsonl, sha256: {two}}}}}"
        made = "m: {translate: {of: d, from: EN, to: [DE], engine: deepl}}, n: {translate: {of: m, from: DE, to: [EN], "
        datasets = f"{{d: {{format: dolly, {files}, validation: 5}}, {made}engine: deepl}}}}}}"
        lock(tmp_path, datasets=datasets, mixes="[DE@25]")
        with pytest.raises(BadInput) as error:
            lock(tmp_path, datasets=datasets, mixes="[DE@26]")
        assert [line.partition("data; ")[2] for line in str(error.value).splitlines()] == [
            f"got 26 ids of data set {name}; expected at most 25, as 5 of 30 are for validation" for name in ("m", "n")
        ]

    def test_what_cannot_be_counted_is_left_to_the_mix_stage(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sizes, "MOST_BYTES", 2**20)
        for name, data in {
            "d.csv": b"id\n1\n",
            "d.json": b"[{}]",
            "bomb.jsonl.gz": gzip.compress(b" " * 2**22),
            "cut.jsonl.gz": gzip.compress(b"{}\n" * 9)[:-9],
            "no.jsonl.gz": b"{}\n",
            "bad.jsonl.gz": gzip.compress(os.urandom(99))[:20] + bytes(99),
        }.items():
            file = f"{{path: {name}, sha256: {put(tmp_path, name, data)}}}"
            lock(tmp_path, datasets=f"{{d: {{format: dolly, files: {{EN: {file}}}}}}}", mixes="[EN@99]")

    def test_counting_ends_where_there_is_enough(self) -> None:
        content = io.BytesIO(b"{}\n" * 2**22)
        assert sizes.count_lines(content.read, 1000) >= 1000  # type: ignore[operator]
        assert content.tell() < 2**22

    def test_an_address_is_pinned_as_it_is_written_and_nothing_is_fetched(self, tmp_path: Path) -> None:
        address = "https://data.example/x.jsonl.gz?download=true"
        file = f"{{path: '{address}', sha256: {'1a' * 32}, bytes: 7}}"
        locked = lock(tmp_path, datasets=f"{{d: {{format: dolly, files: {{EN: {file}}}}}}}", mixes="[EN]")
        pinned = File(sha256="1a" * 32, bytes=7, name="x.jsonl.gz", uri=address)
        assert locked.files_at("datasets", "d", "files") == {"EN": (pinned,)}

    def test_the_same_content_at_another_place_gives_the_same_lock(self, tmp_path: Path) -> None:
        documents = []
        for place in ("a", "b/c"):
            folder = tmp_path / place
            sha256 = put(folder, "x.jsonl", b"{}\n")
            file = f"{{path: x.jsonl, sha256: {sha256}}}"
            locked = lock(folder, datasets=f"{{d: {{format: dolly, files: {{EN: {file}}}}}}}", mixes="[EN]")
            documents.append(locked.bytes())
        assert documents[0] == documents[1]
        assert str(tmp_path).encode() not in documents[0]
        assert json.loads(documents[0])["files"]["datasets.d.files.EN"][0]["name"] == "x.jsonl"

    def test_every_file_that_does_not_fit_is_named_with_its_line(self, tmp_path: Path) -> None:
        put(tmp_path, "there.jsonl", b"{}\n")
        put(tmp_path, "sized.jsonl", b"{}\n")
        right = sha256_file(tmp_path / "sized.jsonl")
        one, two, three = (digit * 64 for digit in "012")
        text = study_text(datasets=None, mixes="[EN]") + (
            "datasets:\n  d:\n    format: dolly\n    files:\n"
            f"      EN: {{path: gone.jsonl, sha256: '{one}'}}\n"
            f"      DE:\n        path: there.jsonl\n        sha256: '{two}'\n"
            f"      FR:\n        - {{path: ., sha256: '{three}'}}\n"
            f"        - {{path: sized.jsonl, sha256: {right}, bytes: 4}}\n"
        )
        (tmp_path / "study.yaml").write_text(text, encoding="utf-8")
        with pytest.raises(BadInput) as caught:
            lock_study(load_study(tmp_path / "study.yaml"))
        lines = str(caught.value).replace(f"{tmp_path}/", "").splitlines()
        assert [line.split(";")[0] for line in lines] == [
            "study.yaml:11: datasets.d.files.EN.path: no such file",
            "study.yaml:14: datasets.d.files.DE.sha256: the file has other content",
            "study.yaml:16: datasets.d.files.FR.0.path: no such file",
            "study.yaml:17: datasets.d.files.FR.1.bytes: another size",
        ]

    @pytest.mark.skipif(not Path("/proc/self/mem").is_file(), reason="needs a file that no one can read")
    def test_a_file_that_cannot_be_read_is_named(self, tmp_path: Path) -> None:
        file = f"{{path: /proc/self/mem, sha256: {'1a' * 32}}}"
        with pytest.raises(BadInput, match=r"files.EN.path: cannot be read; got Input/output error"):
            lock(tmp_path, datasets=f"{{d: {{format: dolly, files: {{EN: {file}}}}}}}", mixes="[EN]")


class TestModels:
    def test_a_folder_gives_its_weights_and_tokenizer_and_nothing_that_can_run(self, tmp_path: Path) -> None:
        taken = ["config.json", "model.safetensors", "tokenizer.json", "tokenizer.model", "vocab.txt"]
        left = ["pytorch_model.bin", "modeling_x.py", ".git", "optimizer.pt", "original/config.json"]
        for name in (*taken, *left):
            put(tmp_path / "model", name, name.encode())
        files = lock(tmp_path, models="{m: {directory: model}}").files["models", "m", "files"]
        assert [file.name for file in files] == taken

    def test_a_folder_with_pickles_alone_is_refused(self, tmp_path: Path) -> None:
        put(tmp_path / "model", "config.json", b"{}")
        put(tmp_path / "model", "pytorch_model.bin", b"x")
        with pytest.raises(BadInput, match=r"no \*.safetensors in the folder; got config.json, pytorch_model.bin"):
            lock(tmp_path, models="{m: {directory: model}}")

    def test_a_file_name_that_is_no_text_is_refused(self, tmp_path: Path) -> None:
        for name in ("config.json", "model.safetensors"):
            put(tmp_path / "model", name, b"{}")
        (tmp_path / "model" / os.fsdecode(b"caf\xe9.txt")).write_bytes(b"x")
        with pytest.raises(BadInput, match=r"models.m.directory: a file name that is not UTF-8; got 'caf.udce9.txt'"):
            lock(tmp_path, models="{m: {directory: model}}")


class TestPrompts:
    def test_a_built_in_benchmark_has_prompts_for_its_languages_in_the_package(self, tmp_path: Path) -> None:
        locked = lock(tmp_path)
        assert list(locked.prompts_sha256) == ["EN", "DE", "FR", "IT", "ES"]
        for language, sha256 in locked.prompts_sha256.items():
            assert locked.local_files[sha256] == built_in_prompts(language)

    def test_one_language_s_prompts_may_be_changed_and_no_other_s_change(self, tmp_path: Path) -> None:
        sha256 = sha256_file(prompt_file(tmp_path / "mine.jsonl"))
        before = lock(tmp_path).prompts_sha256
        after = lock(
            tmp_path, judge=f"{{endpoint: built-in, prompts: {{DE: {{path: mine.jsonl, sha256: {sha256}}}}}}}"
        ).prompts_sha256
        assert {language for language in before if before[language] != after[language]} == {"DE"}
        assert after["DE"] == sha256

    def test_a_language_without_built_in_prompts_says_what_to_do(self) -> None:
        with pytest.raises(BadInput, match=r"no built-in judge prompts for NO. Bring your own under `judge.prompts`"):
            built_in_prompts("NO")


class TestFilesThatTheLastStagesRead:
    def test_judge_prompts_are_read_with_a_byte_order_mark_as_rows_are(self, tmp_path: Path) -> None:
        content = MARK + prompts(SINGLE, SECOND)
        load_prompts(tmp_path, content)
        assert sorted(judge_prompts.load(tmp_path / "p.jsonl", "DE").by_kind) == [(False, False), (False, True)]

    def test_ratings_are_read_with_a_byte_order_mark(self, tmp_path: Path) -> None:
        load_ratings(tmp_path, MARK + json.dumps(RATED).encode() + b"\r\n")
        assert [number for number, _ in read_ratings(tmp_path / "r.jsonl", "r.jsonl")] == [1]

    def test_ratings_without_a_rating_are_refused(self, tmp_path: Path) -> None:
        with pytest.raises(BadInput, match=r"ratings: no rating in these files. Import sheets first"):
            load_ratings(tmp_path, b"\n")

    def test_votes_are_read_with_a_byte_order_mark_and_none_is_refused(self, tmp_path: Path) -> None:
        load_votes(tmp_path, MARK + json.dumps({**VOTED, "score": None}).encode() + b"\r\n")
        with pytest.raises(BadInput, match=r"votes: no vote in these files. Import sheets first"):
            load_votes(tmp_path, b"\n")


def beside_shared(folder: Path, study: str) -> Path:
    """A copy of a study in a checkout that has the shared data beside it, wherever these are."""
    (folder / "shared").symlink_to(SHARED)
    (folder / "checkout" / "studies").mkdir(parents=True)
    return Path(shutil.copy(ROOT / "studies" / study, folder / "checkout" / "studies"))


class TestRevisions:
    def test_every_commit_that_is_to_be_filled_in_is_named_with_the_command_that_finds_it(self, tmp_path: Path) -> None:
        hub = (
            f"{{x: {{format: dolly, hub: a/b, config: '{{language}}', languages: [EN, DE, FR], revision: '{UNSET}'}}}}"
        )
        with pytest.raises(BadInput) as caught:
            lock(tmp_path, models=f"{{m: {{hub: a/m, revision: '{UNSET}'}}}}", datasets=hub)
        lines = str(caught.value).splitlines()
        assert [line.rpartition(" https://huggingface.co/")[2] for line in lines] == ["a/m HEAD`", "datasets/a/b HEAD`"]
        assert all("`polyglot pin STUDY` fills it in, or `git ls-remote" in line for line in lines)

    def test_the_papers_study_waits_for_one_commit_and_a_clone_is_enough_to_plan_it(self, tmp_path: Path) -> None:
        text = (ROOT / "studies" / "paper.yaml").read_text(encoding="utf-8")
        (tmp_path / "study.yaml").write_text(text.replace(UNSET, "1a" * 20), encoding="utf-8")
        locked = lock_study(load_study(tmp_path / "study.yaml"))
        assert not locked.local_files
        with pytest.raises(BadInput, match=r"^\S*paper.yaml:7: models.teuken-7b.revision: [^\n]*$"):
            lock_study(load_study(ROOT / "studies" / "paper.yaml"))

    def test_the_example_over_published_files_fits_them(self, tmp_path: Path) -> None:
        if not SHARED.is_dir():
            pytest.skip("needs the shared data sets")
        locked = lock_study(load_study(beside_shared(tmp_path, "docs-x.yaml")))
        assert len(locked.files_at("datasets", "docs", "files")) == 5
        assert len(set(locked.prompts_sha256.values())) == 5
