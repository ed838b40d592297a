"""Rows that a study loses on the way: every loss is said, and a large one is a defect."""

import pytest

from jobs.check.found import Found
from jobs.check.samples import look_at_data
from polyglot.kinds.data_card import DataCard, LanguageCard, Source


@pytest.mark.parametrize(("rejected", "remarks", "defects"), [(0, 0, 0), (1, 1, 0), (40, 1, 0), (60, 0, 1)])
def test_rejected_records(rejected: int, remarks: int, defects: int) -> None:
    reasons = {"no-instruction": rejected} if rejected else {}
    language = LanguageCard(records=100, accepted=100 - rejected, rejected=rejected, reasons=reasons)
    card = DataCard(
        what="rows",
        source=Source(kind="files", format=None, hub=None, revision=None),
        licence=None,
        pivot="DE",
        languages={"DE": language},
        defects={},
    )
    found = Found()
    look_at_data(found, card, dataset="d")
    assert (len(found.remarks), len(found.defects)) == (remarks, defects)
    said = f"datasets.d: DE: {rejected} of 100 records were rejected: no-instruction {rejected}"
    assert all(line.startswith(said) for line in (*found.remarks, *found.defects))
