"""`polyglot schema`: the JSON Schema of study files, for editors."""

import json

from polyglot.study.schema import study_schema


def command() -> None:
    """Print the JSON Schema of study files (docs/study.schema.json is this)."""
    print(json.dumps(study_schema(), indent=2, ensure_ascii=False))
