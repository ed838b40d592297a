"""Data sets, token sets and mixes, by their cards: no sample is read again."""

from jobs.check.found import Found
from jobs.check.prompts import UNKNOWN_SHARE
from polyglot.core.records import UNSET
from polyglot.kinds.check import CheckParams
from polyglot.kinds.data_card import DataCard
from polyglot.kinds.mix import MixCard
from polyglot.kinds.tokenize import TokenCard
from polyglot.kinds.training import steps_of_epochs

_REJECTED_SHARE = 0.5  # above it, the file is another than the study says


def look_at_data(found: Found, card: DataCard, *, dataset: str) -> None:
    """The records of a data set that have no normal form."""
    for language, entry in card.languages.items():
        rejected = entry.rejected if entry.rejected is not UNSET else 0
        reasons = entry.reasons if entry.reasons is not UNSET else {}
        share = rejected / max(1, entry.accepted + rejected)
        if rejected:
            counts = ", ".join(f"{reason} {count}" for reason, count in reasons.items())
            what = f"{rejected} of {entry.accepted + rejected} records were rejected: {counts}"
            where = f"datasets.{dataset}: {language}"
            if share > _REJECTED_SHARE:
                found.defect(what, where=where, remedy="Mend the file, or name its `format`")
            else:
                found.remark(what, where=where)


def look_at_tokens(found: Found, card: TokenCard, *, model: str, dataset: str, positions: int | None) -> None:
    """One language's samples under one model."""
    part = " for validation" if card.part == "validation" else ""
    where = f"datasets.{dataset}: {card.language}{part}"
    if positions is not None and card.longest > positions:
        what = f"a sample has {card.longest} tokens, and models.{model} has {positions} positions"
        remedy = f"Set `training.max-tokens` to {positions} or less: it is {card.max_tokens}"
        found.defect(what, where=where, remedy=remedy)
    if card.tokens and card.unknown_tokens / card.tokens > UNKNOWN_SHARE:
        share = card.unknown_tokens / card.tokens
        what = f"the tokenizer of models.{model} cannot write it: {share:.0%} of its tokens are unknown"
        remedy = "Take a model that was made for the language, or leave the language out"
        found.defect(what, where=where, remedy=remedy)
    if card.dropped:
        reasons = ", ".join(sorted({row.reason for row in card.dropped}))
        what = f"{len(card.dropped)} of {card.rows_read} rows are left out for models.{model}: {reasons}"
        found.remark(what, where=where)


def look_at_mix(found: Found, card: MixCard, params: CheckParams, *, name: str) -> int | None:
    """One mix; returns the steps that it is trained for, where they follow from its size."""
    where = f"mixes: {name}"
    lacking = [language for language in card.languages if not card.rows.get(language)]
    if lacking:
        what = f"no row of it is in {', '.join(lacking)}"
        found.defect(what, where=where, remedy="Take a larger size, or leave the language out")
    if not sum(card.loss_tokens.values()):
        found.defect("nothing can be learnt from it: no token is supervised", where=where)
    length = params.length_of(name.partition("/")[0])
    if length.epochs is None:
        return None
    samples = sum(card.rows.values())
    steps = steps_of_epochs(length.epochs, samples, length.batch_size)
    if not steps:
        got = f"{length.epochs:g} epochs of {samples} samples"
        found.defect("no step is trained", where=where, got=got, remedy="Raise `training.epochs`, or say `steps`")
    elif length.warmup_steps > steps:
        what, got = "the warm-up is longer than the training", f"`training.warmup-steps` {length.warmup_steps}"
        found.defect(what, where=where, got=got, expected=f"at most its {steps} steps")
    return steps
