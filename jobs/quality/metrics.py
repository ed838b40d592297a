"""What is measured of one turn without asking anyone, and corpus scores over all of them.

chrF is sacrebleu's chrF2 (Popović 2015: character n-grams to 6, beta 2), BLEU sacrebleu's with 13a tokens (Post 2018);
of one turn BLEU has the effective order. A turn is one segment, however many sentences it has: scores compare between
engines on the same turns, and with no figure of sentence-split test sets.
"""

from collections.abc import Sequence
from functools import cache

from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from jobs.lib.card.defects.language import spoken
from jobs.lib.card.defects.translation import untranslated_share
from jobs.lib.text.texts import Text
from jobs.quality.pairs import Pair
from jobs.quality.protected import code_blocks_equal, compare
from polyglot.core.records import UNSET
from polyglot.kinds.quality import Corpus, TurnQuality

DIGITS = 4


def measure(pair: Pair, target_language: str) -> TurnQuality:
    """Return the record of one turn, still without ratings."""
    kept = compare(pair.source, pair.target)
    target, source = Text(pair.target), Text(pair.source)
    judged = spoken(target, target_language)
    bleu = _sentence_bleu().sentence_score(pair.target, [pair.reference]).score if pair.reference else None
    return TurnQuality(
        id=pair.id,
        turn=pair.turn,
        role=pair.role,
        category=pair.category,
        source_characters=len(pair.source),
        target_characters=len(pair.target),
        length_ratio=round(len(pair.target) / len(pair.source), DIGITS) if pair.source else None,
        parts=dict(kept.parts),
        parts_kept=dict(kept.kept),
        parts_added=dict(kept.added),
        kept_share=None if kept.share is None else round(kept.share, DIGITS),
        intact=kept.intact,
        code_equal=code_blocks_equal(pair.source, pair.target),
        language=judged[0] if judged else None,
        other_language=judged[1] if judged else None,
        untranslated_share=round(untranslated_share(target, source), DIGITS),
        chrf=sentence_chrf(pair.target, pair.reference) if pair.reference else None,
        bleu=None if bleu is None else round(bleu, 2),
        back_chrf=None if pair.back is None else sentence_chrf(pair.back, pair.source),
    )


def sentence_chrf(text: str, reference: str) -> float:
    """chrF2 of one text, 0 to 100."""
    return round(float(_chrf().sentence_score(text, [reference]).score), 2)


def corpus(texts: Sequence[str], references: Sequence[str], *, bleu: bool = True) -> Corpus | None:
    """Return the scores over all turns; None without segments."""
    if not texts:
        return None
    chrf, metric = CHRF(), BLEU()
    return Corpus(
        segments=len(texts),
        chrf=round(chrf.corpus_score(texts, [references]).score, 2),
        chrf_signature=str(chrf.get_signature()),
        bleu=round(metric.corpus_score(texts, [references]).score, 2) if bleu else UNSET,
        bleu_signature=str(metric.get_signature()) if bleu else UNSET,
    )


@cache
def _chrf() -> CHRF:
    return CHRF()


@cache
def _sentence_bleu() -> BLEU:
    return BLEU(effective_order=True)
