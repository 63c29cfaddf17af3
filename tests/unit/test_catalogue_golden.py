"""Every version of every event that was ever written must be read for ever, byte for byte.

`tests/golden/<wire name>.json` holds the canonical bytes of one sample. A sample is never edited; a new version of an
event gets a file of its own.
"""

from pathlib import Path

import pytest
import rfc8785

from events.catalogue.base import Event
from events.catalogue.registry import EVENTS, OLD_VERSIONS, decode, validate_as_written
from tests import make

GOLDEN = Path(__file__).parent.parent / "golden"
WRITTEN = sorted({*EVENTS, *OLD_VERSIONS})


def stored(event: Event) -> bytes:
    """The bytes of an event's fields as the log keeps them; computed by RFC 8785's own reference, not by our code."""
    return rfc8785.dumps(event.model_dump(mode="json", exclude_none=True))


def test_every_version_ever_written_has_a_sample_and_no_sample_is_an_orphan() -> None:
    assert sorted(path.name.removesuffix(".json") for path in GOLDEN.glob("*.json")) == WRITTEN


@pytest.mark.parametrize("wire_name", WRITTEN)
def test_a_stored_sample_is_read_and_written_again_as_the_same_bytes(wire_name: str) -> None:
    kept = (GOLDEN / f"{wire_name}.json").read_bytes()
    assert stored(validate_as_written(wire_name, kept)) == kept


@pytest.mark.parametrize("wire_name", WRITTEN)
def test_a_stored_sample_is_understood_as_an_event_of_today(wire_name: str) -> None:
    understood = decode(wire_name, (GOLDEN / f"{wire_name}.json").read_bytes())
    assert EVENTS[understood.wire_name] is type(understood)
    assert understood.stream()


@pytest.mark.parametrize("wire_name", WRITTEN)
def test_the_builders_still_tell_the_story_of_the_samples(wire_name: str) -> None:
    assert stored(make.one_of_each()[wire_name]) == (GOLDEN / f"{wire_name}.json").read_bytes()
