"""What a message says, in the forms that others write it in."""

import pytest

from jobs.ingest.adapters.fields import Reject, spoken


@pytest.mark.parametrize("kind", [["text"], {"text": 1}, 3, None, "image_url"])
def test_a_part_of_no_known_type_is_rejected_whatever_the_type_is(kind: object) -> None:
    with pytest.raises(Reject, match="not-text"):
        spoken({"content": [{"type": kind, "text": "a"}]}, "content")
