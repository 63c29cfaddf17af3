"""JSON of what we tell, with whole numbers of any size: sums over many rows are greater than a machine word holds."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Final

import orjson
from pydantic import BaseModel

#: What orjson writes by itself.
_LEAST: Final = -(2**63)
_GREATEST: Final = 2**64 - 1


def json_bytes(said: Any) -> bytes:
    """What is said as JSON."""
    try:
        return orjson.dumps(said, default=_plain)
    except orjson.JSONEncodeError:  # mostly there is no such number, and nothing is looked at twice
        return orjson.dumps(_numbers_written(said), default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if hasattr(value, "_asdict"):
        return value._asdict()
    raise TypeError(type(value).__name__)


def _numbers_written(value: Any) -> Any:
    """The same with every number that orjson refuses written out already."""
    if isinstance(value, BaseModel) or hasattr(value, "_asdict"):
        value = _plain(value)
    elif is_dataclass(value):
        value = {field.name: getattr(value, field.name) for field in fields(value)}
    match value:
        case int():
            return value if _LEAST <= value <= _GREATEST else orjson.Fragment(str(value))
        case Mapping():
            return {key: _numbers_written(item) for key, item in value.items()}
        case list() | tuple():
            return [_numbers_written(item) for item in value]
        case _:
            return value
