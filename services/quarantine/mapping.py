"""What a person changes in a report that was not understood, so that it can be. The original bytes stay as they are."""

from copy import deepcopy
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from events.catalogue.registry import FieldProblem
from services.errors import Malformed, Refused
from services.incoming import WORD

CHANGES_MAX: Final = 50
#: So deep and no deeper is a report looked through for a value.
_DEPTH_MAX: Final = 40
#: The item's own id is not changed: it decides under which id the report is stored.
_FIXED: Final = "id"

Path = Annotated[str, Field(min_length=1, max_length=200, pattern=WORD)]
Name = Annotated[str, Field(min_length=1, max_length=100, pattern=WORD)]


class IdStays(Refused):
    """The id of a report is not mapped: it is stored under the id it came with, or one made from it."""

    advice = "Leave out this change."


class Change(BaseModel):
    """One change: at a place (`at`, like `data.lines.0.product`) or `wherever` a field of a name `is` a value.

    At a place a value is set (`to`), a field gets another name (`rename`) or is taken out (`remove`); wherever a field
    holds a value, it gets another one (`to`).
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    at: Path | None = None
    wherever: Name | None = None
    is_: Any = Field(default=None, alias="is")
    to: Any = None
    rename: Name | None = None
    remove: bool = False

    @model_validator(mode="after")
    def _is_one_thing(self) -> Self:
        given = self.model_fields_set
        if (self.at is None) == (self.wherever is None):
            raise PydanticCustomError("wrong_change", "say either `at` or `wherever`")
        if self.wherever is not None and not given >= {"is_", "to"}:
            raise PydanticCustomError("wrong_change", "`wherever` goes with `is` and `to`")
        if self.at is not None and ("to" in given) + (self.rename is not None) + self.remove != 1:
            raise PydanticCustomError("wrong_change", "`at` goes with one of `to`, `rename`, `remove`")
        return self


def apply(item: dict[str, Any], changes: tuple[Change, ...]) -> dict[str, Any]:
    """The item after the changes, one after the other. Raises IdStays, Malformed for a change that finds nothing."""
    changed = deepcopy(item)
    for number, change in enumerate(changes):
        if change.at == _FIXED or (change.rename == _FIXED and "." not in (change.at or "")):
            raise IdStays(field=f"changes.{number}")
        found = _replace(changed, change, 0) if change.wherever is not None else _at(changed, change)
        if not found:
            said = "The report has nothing of this kind to change."
            raise Malformed([FieldProblem(field=f"changes.{number}", message=said, code="nothing_there")])
    return changed


def _replace(value: Any, change: Change, depth: int) -> int:
    """Give every field of the name with the value the new one; how many there were."""
    if depth > _DEPTH_MAX:
        return 0
    count = 0
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == change.wherever and type(inner) is type(change.is_) and inner == change.is_:
                value[key] = deepcopy(change.to)
                count += 1
            else:
                count += _replace(inner, change, depth + 1)
    elif isinstance(value, list):
        count = sum(_replace(inner, change, depth + 1) for inner in value)
    return count


def _at(item: dict[str, Any], change: Change) -> bool:
    *above, last = (change.at or "").split(".")
    holder: Any = item
    for part in above:
        holder = _inside(holder, part)
    if isinstance(holder, dict):
        return _in_object(holder, last, change)
    if isinstance(holder, list) and last.isdecimal() and len(last) < 6 and int(last) < len(holder):
        if change.remove:
            del holder[int(last)]
        elif change.rename is None:
            holder[int(last)] = deepcopy(change.to)
        return change.rename is None
    return False


def _in_object(holder: dict[str, Any], last: str, change: Change) -> bool:
    if not change.remove and change.rename is None:
        holder[last] = deepcopy(change.to)
        return True
    if last not in holder or change.rename in holder:
        return False
    value = holder.pop(last)
    if change.rename is not None:
        holder[change.rename] = value
    return True


def _inside(holder: Any, part: str) -> Any:
    if isinstance(holder, dict):
        return holder.get(part)
    if isinstance(holder, list) and part.isdecimal() and len(part) < 6 and int(part) < len(holder):
        return holder[int(part)]
    return None
