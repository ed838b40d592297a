"""The base stage: the built-in model from text to files, and models that others made."""

import hashlib
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load, load_file, save_file
from transformers import AutoModelForCausalLM

from jobs.base import job as base
from jobs.base.corpus import lines, make_blocks, train_tokenizer
from jobs.builtin.words import LANGUAGES, NOUNS
from jobs.lib.model import spare_cores
from jobs.lib.model.loading import load_model, load_tokenizer
from jobs.lib.model.pickled_weights import convert_pickles
from jobs.lib.model.template import ChatFormat
from polyglot.core.devices import MACHINE_CPUS
from polyglot.core.errors import Interrupted, Permanent
from polyglot.kinds.base import BaseParams
from polyglot.kinds.kind import File
from polyglot.study.systems import SYSTEMS
from tests.kit.folder_input import FolderInput
from tests.kit.hub import REVISION, Hub, serve
from tests.kit.model_jobs import ModelContext, Stop, model_context, write_base
from tests.kit.training import digests
from tests.kit.versitygw import Bucket

SHARES = {"EN": 43.88, "FR": 8.65, "DE": 8.48, "ES": 7.63, "IT": 4.64}
TINY = {"hidden_size": 32, "intermediate_size": 48, "layers": 2, "heads": 2, "steps": 6, "batch_size": 4}


def params(**changes) -> BaseParams:
    return BaseParams(**{"source": "built-in", "shares": SHARES, "systems": SYSTEMS, **TINY, **changes})


def run(root: Path, *, seed: int = 0, threads: int = 1, **changes) -> ModelContext:
    context = model_context(root, params(**changes), {}, seed=seed, settings={"threads": threads})
    base.run(context)
    return context


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> ModelContext:
    return run(tmp_path_factory.mktemp("base"))


class TestBuiltIn:
    def test_the_artifact_loads_as_any_model_does(self, built):
        model = load_model(built.out / "model", dtype=None, device=torch.device("cpu"))
        tokenizer = load_tokenizer(built.out / "model")
        assert model.get_input_embeddings().weight.shape == (len(tokenizer), 32)
        assert tokenizer.chat_template
        assert ChatFormat(tokenizer, "tokenizer").prompt([{"role": "user", "content": "Hi"}])[0] == 1

    def test_the_record_has_every_loss_and_it_falls(self, built):
        record = json.loads((built.out / "training.json").read_text())
        assert record["steps"] == len(record["loss"]) == 6
        assert record["tokens"] == 6 * 4 * 64
        assert record["loss"][-1] == record["final_loss"] < record["loss"][0]

    def test_another_seed_is_another_model(self, built, tmp_path):
        other = digests(run(tmp_path, seed=1))
        assert other["model/model.safetensors"] != digests(built)["model/model.safetensors"]

    def test_files_are_the_same_bytes_in_another_process(self, built, tmp_path):
        script = (
            "import sys; from pathlib import Path; from tests.jobs.base.test_base import run; run(Path(sys.argv[1]))"
        )
        environment = {**os.environ, "PYTHONHASHSEED": "7", "TOKENIZERS_PARALLELISM": "false"}
        subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True, env=environment, timeout=120)
        again = FolderInput(tmp_path / "out")
        assert again.names() == sorted(digests(built))
        for name in again.names():
            assert again.path(name).read_bytes() == (built.out / name).read_bytes(), name

    @pytest.mark.parametrize("same", [True, False])
    def test_idle_cores_are_taken_where_they_give_the_same_bits(self, built, tmp_path, monkeypatch, same):
        monkeypatch.setenv(MACHINE_CPUS, "2")
        monkeypatch.setattr(spare_cores, "LOOK_SECONDS", 0.0)
        monkeypatch.setattr(spare_cores, "usable_cpus", lambda: 2)
        monkeypatch.setattr(spare_cores, "others_seconds", lambda: 0.0)
        monkeypatch.setattr(base, "WORTH_STEPS", 1)
        if not same:
            monkeypatch.setattr(base.Pretraining, "is_same_with", lambda self, threads, number: False)
        made = run(tmp_path)
        assert ("idle_cores_taken_seconds" in made.volatile) == same
        assert digests(made) == digests(built)

    @pytest.mark.parametrize("kills", [1, 2, 5])
    def test_a_killed_run_goes_on_and_ends_with_the_same_bytes(self, built, tmp_path, monkeypatch, kills):
        monkeypatch.setattr(base, "CHECKPOINT_SECONDS", 0.0)
        context = model_context(tmp_path, params(), {}, seed=0)
        context.checkpoints.die_after = kills
        with pytest.raises(Stop):
            base.run(context)
        resumed = model_context(tmp_path, params(), {}, seed=0)
        base.run(resumed)
        assert resumed.volatile["resumed_from_step"] == kills
        assert digests(resumed) == digests(built)

    def test_a_run_that_is_asked_to_stop_saves_first(self, built, tmp_path):
        context = model_context(tmp_path, params(), {}, seed=0)
        context.stop_after = 3
        with pytest.raises(Interrupted):
            base.run(context)
        resumed = model_context(tmp_path, params(), {}, seed=0)
        base.run(resumed)
        assert resumed.volatile["resumed_from_step"] == 3
        assert digests(resumed) == digests(built)

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"shares": {"EN": 1.0, "PL": 1.0}}, "no language .*PL.*; expected shares of EN, DE, FR, IT and ES"),
            ({"shares": {}}, "got no shares"),
            ({"hidden_size": 33}, "hidden_size: got 33, which 2 heads do not divide"),
            ({"block_tokens": 600}, "block_tokens: got 600; the model sees 512 positions"),
            ({"learning_rate": 1e30, "steps": 3}, "the loss is nan"),
        ],
    )
    def test_what_cannot_be_trained_is_refused(self, tmp_path, changes, message):
        with pytest.raises(Permanent, match=message):
            run(tmp_path, **changes)


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer(lines(params(), 0), BaseParams.model_fields["vocabulary"].default, 512)


class TestTokenizer:
    def test_every_noun_is_one_token_after_a_blank(self, tokenizer):
        split = [noun.word for one in LANGUAGES for noun in NOUNS[one] if len(tokenizer.tokenize(f" {noun.word}")) > 1]
        assert split == []

    @given(text=st.text(max_size=40))
    def test_any_text_comes_back(self, tokenizer, text):
        if any(token in text for token in ("<s>", "</s>", "<pad>")):
            return
        ids = tokenizer(text)["input_ids"]
        assert ids[0] == tokenizer.bos_token_id
        assert tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False) == text

    def test_blocks_are_full_and_begin_with_bos(self, tokenizer):
        blocks = make_blocks(params(), tokenizer, 0)
        assert blocks.shape == (24, 64)
        assert set(blocks[:, 0].tolist()) == {tokenizer.bos_token_id}
        assert tokenizer.pad_token_id not in blocks


class BlobContext(ModelContext):
    def blob(self, sha256: str) -> Path:
        return self.work.parent / "blobs" / sha256


def copied(root: Path, files: dict[str, bytes], **changes: Any) -> ModelContext:
    """Run a base stage over files of a study, named by their content's number instead of a digest."""
    listed = tuple(File(sha256=f"{number:064x}", bytes=1, name=name) for number, name in enumerate(files))
    context = model_context(root, BaseParams(source="files", files=listed, **changes), {})
    context.__class__ = BlobContext
    (root / "blobs").mkdir(exist_ok=True)
    for file, data in zip(listed, files.values(), strict=True):
        (root / "blobs" / file.sha256).write_bytes(data)
    base.run(context)
    return context


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of a model that somebody published."""
    folder = write_base(tmp_path_factory.mktemp("published")) / "model"
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


class TestFiles:
    def test_a_model_is_copied_as_it_is(self, published, tmp_path):
        context = copied(tmp_path, published)
        assert {path.name: path.read_bytes() for path in (context.out / "model").iterdir()} == published
        assert json.loads((context.out / "training.json").read_text())["source"] == "files"

    @pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "weights.pkl", "x.ckpt"])
    def test_pickles_are_refused_even_beside_safetensors(self, published, tmp_path, name):
        with pytest.raises(Permanent, match=f"{name}: may run code when read"):
            copied(tmp_path, {**published, name: b"\x80"})

    def test_code_is_refused(self, published, tmp_path):
        with pytest.raises(Permanent, match=r"modeling\.py: no file of a model"):
            copied(tmp_path, {**published, "modeling.py": b"print()"})

    @pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json"])
    def test_configurations_that_ask_for_code_are_refused(self, published, tmp_path, name):
        config = {**json.loads(published[name]), "auto_map": {"AutoModelForCausalLM": "modeling.Model"}}
        with pytest.raises(Permanent, match=f"{name}: auto_map asks for code"):
            copied(tmp_path, {**published, name: json.dumps(config).encode()})

    def test_a_model_without_weights_is_refused(self, published, tmp_path):
        with pytest.raises(Permanent, match="no safetensors weights"):
            copied(tmp_path, {name: data for name, data in published.items() if not name.endswith("safetensors")})

    def test_a_pickle_that_is_called_safetensors_is_refused(self, published, tmp_path):
        with pytest.raises(Permanent, match="not a safetensors file"):
            copied(tmp_path, {**published, "model.safetensors": b"\x80\x04" * 40})

    def test_an_address_is_refused(self, tmp_path):
        file = File(sha256="0" * 64, bytes=1, name="config.json", uri="https://example.org/config.json")
        with pytest.raises(Permanent, match="got an address"):
            base.run(model_context(tmp_path, BaseParams(source="files", files=(file,)), {}))


def as_pickle(published: dict[str, bytes]) -> dict[str, bytes]:
    """The same files with the weights as torch saves them."""
    out = io.BytesIO()
    torch.save(load(published["model.safetensors"]), out)
    rest = {name: data for name, data in published.items() if name != "model.safetensors"}
    return {**rest, "pytorch_model.bin": out.getvalue()}


class Canary:
    """Unpickling this writes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


class TestPickles:
    def test_shards_and_their_index_are_converted(self, published, tmp_path):
        whole = load(published["model.safetensors"])
        names = sorted(whole)
        parts = {"00001": names[:3], "00002": names[3:]}
        files = {name: data for name, data in published.items() if name != "model.safetensors"}
        for number, mine in parts.items():
            torch.save({name: whole[name] for name in mine}, tmp_path / "part")
            files[f"pytorch_model-{number}-of-00002.bin"] = (tmp_path / "part").read_bytes()
        places = {name: f"pytorch_model-{number}-of-00002.bin" for number, mine in parts.items() for name in mine}
        index = {"metadata": {"total_size": 1}, "weight_map": places}
        files["pytorch_model.bin.index.json"] = json.dumps(index).encode()
        model = copied(tmp_path, files, convert="pickle").out / "model"
        found = json.loads((model / "model.safetensors.index.json").read_text())
        expected = {name: file.removeprefix("pytorch_")[:-4] + ".safetensors" for name, file in places.items()}
        assert found["weight_map"] == expected
        assert not list(model.glob("*.bin*"))
        loaded = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32)
        assert all(torch.equal(loaded.state_dict()[name], whole[name].float()) for name in names)

    @pytest.mark.parametrize("zipped", [True, False], ids=["mapped", "of an old torch"])
    def test_tensors_that_share_memory_or_have_gaps_are_kept_apart(self, published, tmp_path, zipped):
        whole = load(published["model.safetensors"])
        name = next(name for name, tensor in whole.items() if tensor.dim() == 2)
        saved = {**whole, name: whole[name].t().contiguous().t()}
        saved["tied"] = saved[name]
        torch.save(saved, tmp_path / "saved", _use_new_zipfile_serialization=zipped)
        convert_pickles([(tmp_path / "saved").rename(tmp_path / "pytorch_model.bin")], tmp_path)
        found = load_file(tmp_path / "model.safetensors")
        assert found.keys() == saved.keys()
        assert all(torch.equal(found[one], saved[one]) for one in saved)

    def test_equal_pickles_give_equal_bytes(self, published, tmp_path):
        files = as_pickle(published)
        one, two = (copied(tmp_path / str(number), files, convert="pickle").out for number in (1, 2))
        assert (one / "model/model.safetensors").read_bytes() == (two / "model/model.safetensors").read_bytes()

    def test_code_in_a_pickle_is_refused_and_never_run(self, published, tmp_path):
        torch.save({"weight": Canary(tmp_path / "ran")}, tmp_path / "evil")
        files = {**as_pickle(published), "pytorch_model.bin": (tmp_path / "evil").read_bytes()}
        with pytest.raises(Permanent, match=r"pytorch_model\.bin: asks for more than tensors, which may be code"):
            copied(tmp_path, files, convert="pickle")
        assert not (tmp_path / "ran").exists()

    @pytest.mark.parametrize(
        ("saved", "message"),
        [
            ([torch.zeros(2)], "got no plain mapping of names to tensors"),
            ({"state": {"x": torch.zeros(2)}}, "got no plain mapping of names to tensors"),
            (None, "no weights that torch saved"),
        ],
    )
    def test_what_is_no_models_weights_is_refused(self, published, tmp_path, saved, message):
        torch.save(saved, tmp_path / "odd")
        data = b"PK\x03\x04 not a file" if saved is None else (tmp_path / "odd").read_bytes()
        with pytest.raises(Permanent, match=message):
            copied(tmp_path, {**as_pickle(published), "pytorch_model.bin": data}, convert="pickle")

    def test_convert_without_pickles_is_refused(self, published, tmp_path):
        with pytest.raises(Permanent, match=r"model\.safetensors: no file of a model; expected .*pytorch_model"):
            copied(tmp_path, published, convert="pickle")


class TestPrefix:
    def fetched(self, root: Path, bucket: Bucket, monkeypatch: pytest.MonkeyPatch, sha256: str) -> ModelContext:
        for name, value in bucket.gateway.environment().items():
            monkeypatch.setenv(name, value)
        values = {"source": "prefix", "prefix": f"s3://{bucket.name}/chat", "sha256": sha256}
        context = model_context(root, BaseParams(**values), {})
        base.run(context)
        return context

    def test_a_model_below_a_prefix_is_fetched_and_held_to_its_digest(self, published, tmp_path, bucket, monkeypatch):
        digests = {}
        for name, data in {**published, "pytorch_model.bin": b"x", "old/config.json": b"{}"}.items():
            (tmp_path / "file").write_bytes(data)
            bucket.store().upload(f"chat/{name}", tmp_path / "file")
            digests[name] = hashlib.sha256(data).hexdigest()
        pinned = "".join(f"{digests[name]}  {name}\n" for name in sorted(published))  # as sha256sum prints it
        sha256 = hashlib.sha256(pinned.encode()).hexdigest()
        context = self.fetched(tmp_path / "a", bucket, monkeypatch, sha256)
        assert {path.name: path.read_bytes() for path in (context.out / "model").iterdir()} == published
        with pytest.raises(Permanent, match=f"got files with sha256 {sha256} in all; expected {'1' * 64}"):
            self.fetched(tmp_path / "b", bucket, monkeypatch, "1" * 64)

    def test_a_prefix_without_weights_says_what_is_there(self, published, tmp_path, bucket, monkeypatch):
        (tmp_path / "file").write_bytes(b"x")
        bucket.store().upload("chat/pytorch_model.bin", tmp_path / "file")
        with pytest.raises(Permanent, match=r"/chat: no safetensors weights \(got pytorch_model\.bin\)"):
            self.fetched(tmp_path / "a", bucket, monkeypatch, "1" * 64)


class TestHub:
    NAME = "somebody/model"

    def fetched(self, root: Path, monkeypatch: pytest.MonkeyPatch, hub: Hub, **changes) -> ModelContext:
        with serve(hub):
            monkeypatch.setenv("HF_ENDPOINT", hub.address)
            values = {"source": "hub", "hub": self.NAME, "revision": REVISION, **changes}
            context = model_context(root, BaseParams(**values), {})
            base.run(context)
        return context

    def test_a_pinned_model_is_fetched_without_what_may_run_code(self, published, tmp_path, monkeypatch):
        extra = {"pytorch_model.bin": b"\x80", "modeling.py": b"print()", "onnx/model.onnx": b"x", "README.md": b"#"}
        hub = Hub(self.NAME, {**published, **extra})
        context = self.fetched(tmp_path, monkeypatch, hub)
        found = {path.name: path.read_bytes() for path in (context.out / "model").iterdir()}
        assert found == {**published, "README.md": b"#"}
        assert not {"pytorch_model.bin", "modeling.py", "onnx/model.onnx"} & set(hub.fetched)

    def test_weights_that_are_not_what_the_hub_says_are_not_taken(self, published, tmp_path, monkeypatch):
        hub = Hub(self.NAME, published, lies={"model.safetensors": "f" * 64})
        with pytest.raises(OSError, match=r"model\.safetensors: got bytes with sha256"):
            self.fetched(tmp_path, monkeypatch, hub)

    def test_a_model_of_pickles_is_refused_before_anything_is_fetched(self, published, tmp_path, monkeypatch):
        files = {name: data for name, data in published.items() if not name.endswith("safetensors")}
        hub = Hub(self.NAME, {**files, "pytorch_model.bin": b"\x80"})
        with pytest.raises(Permanent, match=r"no safetensors weights \(got pytorch_model.bin\)"):
            self.fetched(tmp_path, monkeypatch, hub)
        assert hub.fetched == []

    def test_pickles_alone_are_converted_where_the_study_says_so(self, published, tmp_path, monkeypatch):
        hub = Hub(self.NAME, {**as_pickle(published), "model.onnx": b"x"})
        context = self.fetched(tmp_path, monkeypatch, hub, convert="pickle")
        assert sorted(path.name for path in (context.out / "model").iterdir()) == sorted(published)
        (tmp_path / "before.safetensors").write_bytes(published["model.safetensors"])
        before, after = load_file(tmp_path / "before.safetensors"), load_file(context.out / "model/model.safetensors")
        assert before.keys() == after.keys()
        assert all(torch.equal(before[name], after[name]) for name in before)
        assert "converted from pickles" in json.loads((context.out / "training.json").read_text())["weights"]

    def test_what_is_refused_today_says_the_way_out(self, published, tmp_path, monkeypatch):
        with pytest.raises(Permanent, match=r"Name a commit that has them converted, or add `convert: pickle`"):
            self.fetched(tmp_path, monkeypatch, Hub(self.NAME, as_pickle(published)))

    def test_there_must_be_something_to_convert(self, published, tmp_path, monkeypatch):
        hub = Hub(self.NAME, {**published, **as_pickle(published)})
        with pytest.raises(Permanent, match="has safetensors weights, so nothing is to be converted"):
            self.fetched(tmp_path, monkeypatch, hub, convert="pickle")

    def test_a_revision_that_is_not_there_is_permanent(self, published, tmp_path, monkeypatch):
        with pytest.raises(Permanent, match="(?s)hub somebody/model@ffffffffffff: .*Set HF_TOKEN_PATH"):
            self.fetched(tmp_path, monkeypatch, Hub(self.NAME, published), revision="f" * 40)


def test_weights_alone_are_no_model(tmp_path):
    save_file({"x": torch.zeros(1)}, tmp_path / "model.safetensors")
    with pytest.raises(Permanent, match="config.json is missing"):
        copied(tmp_path, {"model.safetensors": (tmp_path / "model.safetensors").read_bytes()})
