"""What stands together in a report's tables."""

from pathlib import Path

from msgspec.structs import replace

from jobs.report.caveats import caveats
from jobs.report.groups import arms_of, groups
from polyglot.kinds.cells import ArmKey
from tests.kit.fake_scores import contrast
from tests.kit.reports import make


def test_a_baseline_stands_with_every_model_and_is_no_group_of_its_own(tmp_path: Path) -> None:
    document = make(tmp_path, ("EN", "DE"), (0,)).document
    tuned = [row for row in document.arms if row.dataset is not None]
    baseline = replace(document.arms[0], arm="baseline:chat", model="chat", dataset=None)
    arms = (*document.arms, *(replace(row, model="second") for row in tuned), baseline)
    both = replace(document, arms=arms)
    assert groups(both) == [("tiny", "built-in"), ("second", "built-in")]
    names = {group: [key.arm for key in arms_of(both, group)] for group in groups(both)}
    assert names == {
        ("tiny", "built-in"): ["untuned", "baseline:chat", "EN", "DE"],
        ("second", "built-in"): ["baseline:chat", "EN", "DE"],
    }


def test_contrasts_with_what_is_not_tuned_say_what_their_limits_leave_out(tmp_path: Path) -> None:
    rows = (contrast("custom", "EN", "untuned"),)
    against = [
        text for text in caveats(make(tmp_path / "a", ("EN", "DE"), (0, 1, 2), rows).document) if "model" in text
    ]
    assert against == [
        "untuned is one model, without training seeds: the limits of a difference reach over questions and the seeds "
        "of the mixes; how much another such model would differ is not known."
    ]
    among = caveats(make(tmp_path / "b", ("EN", "DE"), (0, 1, 2), (contrast("custom", "EN", "DE"),)).document)
    assert not [text for text in among if "without training seeds" in text]


def test_a_key_of_a_model_that_is_called_as_a_baseline_is_none() -> None:
    assert ArmKey.baseline("chat").is_baseline
    assert not ArmKey("chat", None, "untuned").is_baseline
    assert not ArmKey("chat", "house", "baseline:other").is_baseline
