"""MarianMT and NLLB through transformers: sentences in batches, greedy or by beams, nothing sampled.

The model comes from the hub at a pinned commit or from the study's files; only safetensors are read. Vocabularies know
no marks of ours, so texts are sentences whose protected parts are marks where the tokenizer can write them, and are cut
around their protected parts where a mark was lost.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForSeq2SeqLM, AutoTokenizer

from jobs.lib.context import Context
from jobs.lib.model.execution import tell_unused_gpus
from jobs.lib.model.fetching import copy_files, fetch_hub
from jobs.lib.model.loading import check_directory, choose_device, refuse_code
from jobs.lib.text.protection import Piece
from jobs.translate.cache import TranslationCache
from jobs.translate.engines.engine import Outcome
from jobs.translate.marks import Marks
from jobs.translate.units import Style
from polyglot.core.canonical import Json
from polyglot.core.errors import Permanent
from polyglot.kinds.base import BaseParams
from polyglot.kinds.settings import count_of
from polyglot.kinds.translate import TranslateParams

BATCH_TEXTS = 32
_MOST_CHARACTERS = 400  # of a sentence: below the positions of either kind of model
_GIVEN: Mapping[str, Any] = {"trust_remote_code": False, "local_files_only": True}
# FLORES-200 codes are ISO 639-3 and a script; Latin unless it is here.
_SCRIPTS = {"AR": "Arab", "BG": "Cyrl", "EL": "Grek", "FA": "Arab", "HE": "Hebr", "HI": "Deva", "JA": "Jpan"}
_SCRIPTS |= {"KO": "Hang", "RU": "Cyrl", "SR": "Cyrl", "TH": "Thai", "UK": "Cyrl", "ZH": "Hans", "BN": "Beng"}
_CODES = {"AR": "arb", "ZH": "zho", "NO": "nob", "FA": "pes", "ET": "est", "LV": "lvs", "SQ": "als"}


class TagMarks(Marks):
    """`<1>`, `<2>`: written with characters that most vocabularies have. Brackets that are no mark may be left."""

    reserved = "<>"
    _mark = re.compile(r"<\s*(\d{1,4})\s*>")

    def write(self, number: int, piece: Piece) -> str:
        """The number alone."""
        del piece
        return f"<{number}>"

    def unescape(self, text: str) -> str:
        """As it is: every mark was found, or the text is lost for want of one."""
        return text


class Neural:
    """See `engine.Engine`."""

    def __init__(self, params: TranslateParams, context: Context) -> None:
        """Raises Permanent for a model that cannot be had, is no translation model, or does not know the languages."""
        self._params, self._context, self._memory = params, context, TranslationCache(context.journal)
        directory = context.work / "translator"
        directory.mkdir(parents=True, exist_ok=True)
        if params.files:
            copy_files(BaseParams(source="files", files=params.files), directory, context, self._check)
        else:
            fetch_hub(
                BaseParams(source="hub", hub=params.model, revision=params.revision), directory, context, self._check
            )
        check_directory(directory)
        tell_unused_gpus(context)
        self._device = choose_device()
        self._tokenizer, self._model = self._load(directory)
        positions = getattr(self._model.config, "max_position_embeddings", None) or 512
        self._positions = int(positions)
        self.style = Style(
            span="sentence",
            marks=TagMarks(),
            plain=frozenset({"number", "emphasis"}),
            max_characters=min(_MOST_CHARACTERS, max(16, self._positions - 8)),
            split_when_lost=True,
        )

    def translate(self, texts: Sequence[str], settled: Callable[[int], None]) -> Mapping[str, Outcome]:
        """In batches of texts of about one length, so that little is padding."""
        found = self._memory.known(texts)
        waiting = sorted((text for text in texts if text not in found), key=lambda text: (len(text), text))
        size = count_of(self._context.settings, "batch_size") or BATCH_TEXTS
        return self._memory.complete(
            found, waiting, size, self._batch, before=self._context.raise_if_stopping, settled=settled
        )

    def about(self) -> Mapping[str, Json]:
        """The model's class."""
        return {"architecture": type(self._model).__name__}

    def account(self) -> Mapping[str, Json]:
        """It costs nothing but time."""
        return {"resumed_texts": self._memory.resumed}

    def close(self) -> None:
        """Nothing is open."""

    def _check(self, directory: Path) -> None:
        """Refuse what the configuration shows to be another kind of model, before its weights come."""
        refuse_code(directory)
        engine = self._params.engine
        try:
            found = AutoConfig.from_pretrained(directory, **_GIVEN).model_type
        except (OSError, ValueError, KeyError, ImportError) as error:
            raise Permanent(f"translation model: config.json: {str(error).strip().splitlines()[0][:200]}") from error
        expected = "marian" if engine == "marian" else "m2m_100"
        if found != expected:
            raise Permanent(f"model: got {found}; expected {expected}, as engine {engine} is")

    def _load(self, directory: Path) -> tuple[Any, Any]:
        given, params = _GIVEN, self._params
        try:
            languages = {}
            if params.engine == "nllb":
                languages = {"src_lang": flores(params.source), "tgt_lang": flores(params.target)}
            tokenizer = AutoTokenizer.from_pretrained(directory, **given, **languages)
            model = AutoModelForSeq2SeqLM.from_pretrained(directory, **given, use_safetensors=True)
        except (OSError, ValueError, KeyError, ImportError) as error:
            said = str(error).strip().split("\n")[0][:200]
            raise Permanent(f"translation model: {type(error).__name__}: {said}") from error
        self._begin = {}
        if params.engine == "nllb":
            for code in languages.values():
                if tokenizer.convert_tokens_to_ids(code) in (None, tokenizer.unk_token_id):
                    raise Permanent(f"translation model: its vocabulary has no language {code}")
            self._begin = {"forced_bos_token_id": tokenizer.convert_tokens_to_ids(languages["tgt_lang"])}
        return tokenizer, model.to(self._device).eval()

    def _batch(self, texts: Sequence[str]) -> dict[str, Outcome]:
        """One generation. A text of more tokens than the model has positions is not cut: it has no translation."""
        lengths = [len(ids) for ids in self._tokenizer(list(texts))["input_ids"]]
        fit = [text for text, length in zip(texts, lengths, strict=True) if length <= self._positions]
        if not fit:
            return dict.fromkeys(texts, Outcome(None, "over-long"))
        encoded = self._tokenizer(fit, return_tensors="pt", padding=True)  # (B, T)
        with torch.inference_mode():
            made = self._model.generate(
                **encoded.to(self._device),
                **self._begin,
                do_sample=False,
                num_beams=self._params.beams,
                max_new_tokens=min(self._positions - 1, 2 * encoded["input_ids"].shape[1] + 32),
            )
        texts_made = self._tokenizer.batch_decode(made, skip_special_tokens=True)
        found = {text: Outcome(str(translation)) for text, translation in zip(fit, texts_made, strict=True)}
        return {text: found.get(text, Outcome(None, "over-long")) for text in texts}


def flores(language: str) -> str:
    """The FLORES-200 code of a language, as NLLB names it."""
    import pycountry

    found = pycountry.languages.get(alpha_2=language.lower())
    if found is None:
        raise Permanent(f"nllb: {language} has no ISO 639-3 code")
    return f"{_CODES.get(language, found.alpha_3)}_{_SCRIPTS.get(language, 'Latn')}"
