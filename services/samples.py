"""One sample of every version of every event that was ever written, as the contracts for others show it."""

from functools import lru_cache
from importlib.resources import files
from typing import Any

import orjson


@lru_cache(maxsize=1)
def samples() -> dict[str, dict[str, Any]]:
    """The fields of a sample by wire name."""
    found: dict[str, dict[str, Any]] = orjson.loads(files("events.catalogue").joinpath("samples.json").read_bytes())
    return found
