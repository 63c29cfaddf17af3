"""What the check of /openapi.json asks besides schemathesis's own checks; schemathesis loads this file by its name.

Reports and commands come as one item or as a list, and a list is answered item by item with 200, whatever became of
each; a fact that cannot be understood is kept, with 202. So the status alone does not say whether bad data was taken.
"""

from typing import Any

import schemathesis
from schemathesis import Case, CheckContext, GenerationMode, HookContext, Response

#: What an item is answered that is not taken: kept as it is, or turned away. `duplicate` with a problem: kept before.
_NAMED = ("quarantined", "refused", "conflict", "duplicate")


@schemathesis.hook
def before_call(ctx: HookContext, case: Case[Any], kwargs: dict[str, Any]) -> None:
    """JSON Schema calls 1.0 an integer; here an amount has no fraction, not even one of nothing, and is written 1."""
    case.body = _whole(case.body)


def _whole(value: Any) -> Any:
    match value:
        case float() if value.is_integer():
            return int(value)
        case dict():
            return {key: _whole(inner) for key, inner in value.items()}
        case list():
            return [_whole(inner) for inner in value]
        case _:
            return value


@schemathesis.check
def bad_items_are_answered_by_name(ctx: CheckContext, response: Response, case: Case[Any]) -> None:
    """Of items that go against their description one at least is quarantined, refused or in conflict, each by name."""
    meta = case.meta
    if meta is None or meta.generation.mode != GenerationMode.NEGATIVE or response.status_code not in (200, 202):
        return
    if not any(each.mode == GenerationMode.NEGATIVE for name, each in meta.components.items() if name.value == "body"):
        return
    answers = response.json()
    answers = answers if isinstance(answers, list) else [answers]
    if not any(isinstance(each, dict) and each.get("status") in _NAMED and each.get("problem") for each in answers):
        raise AssertionError(f"taken as if nothing were wrong: {response.text[:500]}")
