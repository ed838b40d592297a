"""A SentencePiece model becomes a fast tokenizer that cuts 100,000 texts of 24 languages as SentencePiece does."""

import gettext
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pycountry
import pytest
import sentencepiece
import torch

from jobs.answer.engines.engine import Request
from jobs.answer.engines.generation import Generator
from jobs.lib.model.converted_pieces import convert, replace_code
from jobs.lib.model.loading import load_model, load_tokenizer
from jobs.lib.model.template import ChatFormat
from polyglot.core.errors import Permanent
from tests.kit.model_jobs import conversation
from tests.kit.published_models import teuken

LANGUAGES = "bg cs da de el en es et fi fr ga hr hu it lt lv mt nl pl pt ro sk sl sv".split()  # noqa: SIM905
BETWEEN = [" ", ", ", "  ", "\n", "\t", " – ", "; ", "\u00a0", "...", "(", ") ", "1234 ", "€5,00 ", "😀", " \u200b", ""]
MODELS: dict[str, dict[str, Any]] = {
    "teuken": {"model_type": "bpe", "byte_fallback": True, "normalization_rule_name": "identity",
               "remove_extra_whitespaces": False, "user_defined_symbols": ["<|im_start|>", "    "]},
    "no space first": {"model_type": "bpe", "byte_fallback": True, "normalization_rule_name": "identity",
                       "remove_extra_whitespaces": False, "add_dummy_prefix": False},
    "spaces folded": {"model_type": "bpe", "byte_fallback": True, "normalization_rule_name": "identity"},
    "unknown characters": {"model_type": "bpe", "normalization_rule_name": "nmt_nfkc"},
    "unigram": {"model_type": "unigram", "normalization_rule_name": "nmt_nfkc"},
}  # fmt: skip


def names(language: str) -> list[str]:
    """Names of countries, regions, languages and currencies, as the registries' translators wrote them."""
    found: set[str] = set()
    for domain in ("iso3166-1", "iso3166-2", "iso639-3", "iso4217", "iso15924"):
        path = Path(pycountry.LOCALES_DIR) / language / "LC_MESSAGES" / f"{domain}.mo"
        if path.is_file():
            with path.open("rb") as file:
                catalogue = vars(gettext.GNUTranslations(file))["_catalog"]
            found |= {text for key, text in catalogue.items() if key and isinstance(text, str) and text}
    return sorted(found)


NAMES = {language: names(language) for language in LANGUAGES}


def texts(seed: int, count: int) -> Iterator[str]:
    generator = random.Random(seed)
    for number in range(count):
        some = NAMES[LANGUAGES[number % len(LANGUAGES)]]
        parts = [generator.choice(some) + generator.choice(BETWEEN) for _ in range(generator.randint(1, 8))]
        yield generator.choice(["", "", " ", "  ", "\n"]) + "".join(parts)


def trained(folder: Path, **options: Any) -> Path:
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=texts(0, 5_000), model_prefix=str(folder / "m"), vocab_size=2000,
        character_coverage=0.9995, minloglevel=2, **options,
    )  # fmt: skip
    return folder / "m.model"


@pytest.mark.parametrize("kind", MODELS)
def test_a_converted_model_cuts_every_text_as_sentence_piece_does(tmp_path: Path, kind: str) -> None:
    file = trained(tmp_path, **MODELS[kind])
    model = sentencepiece.SentencePieceProcessor(model_file=str(file))
    tokenizer = convert(file)
    asked = list(texts(1, 100_000 if kind == "teuken" else 5_000))
    found = tokenizer.encode_batch_fast(asked, add_special_tokens=False)
    wrong = [text for text, one, ids in zip(asked, found, model.encode(asked), strict=True) if one.ids != ids]
    assert not wrong, f"{len(wrong)} of {len(asked)}, such as {wrong[0]!r}"
    if MODELS[kind]["normalization_rule_name"] == "identity":
        for text in asked[:500]:
            assert tokenizer.decode(tokenizer.encode(text).ids) == model.decode(model.encode(text))


def test_a_tokenizer_that_is_code_is_read_from_its_pieces(tmp_path: Path) -> None:
    published = teuken(tmp_path / "published")
    pieces = sentencepiece.SentencePieceProcessor(model_proto=(published / "tokenizer.model").read_bytes())
    (published / "gptx_tokenizer.py").unlink()  # which is never fetched
    assert replace_code(published) == "tokenizer.model"
    assert "auto_map" not in (published / "tokenizer_config.json").read_text()
    tokenizer = load_tokenizer(published)
    assert tokenizer("Où est l'œuvre ?  Ça va.")["input_ids"] == pieces.encode("Où est l'œuvre ?  Ça va.")
    assert (tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.unk_token_id) == (1, 2, 0)


def test_rows_of_the_embedding_without_a_piece_are_never_generated(tmp_path: Path) -> None:
    published = teuken(tmp_path / "published")
    (published / "gptx_tokenizer.py").unlink()
    assert replace_code(published) == "tokenizer.model"
    tokenizer = load_tokenizer(published)
    model = load_model(published, dtype=torch.float32, device=torch.device("cpu"))
    with torch.no_grad():  # rows without a piece would win everywhere
        model.lm_head.weight[len(tokenizer) :] = 5 * model.lm_head.weight[:200].abs()
    chat = ChatFormat(tokenizer)
    prompt = chat.prompt(conversation("Wo?"), "")
    request = Request(prompt=prompt, max_new_tokens=20, temperature=0.0, seed=0)
    generator = Generator(model, chat)
    assert generator.batching.together == "any", "rows without a piece are none of its business"
    (answer,) = generator.answer([request])
    assert answer.tokens == 20 or answer.finish == "eos"
    assert answer.text


def test_what_is_no_sentence_piece_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.model").write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(Permanent, match=r"model/tokenizer.model: no SentencePiece model"):
        convert(tmp_path / "tokenizer.model")
