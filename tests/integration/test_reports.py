"""Reports through the front door: what is kept, what is flagged, what is answered."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import make
from tests.door import Door, opened, report
from tests.servers import LogDatabase


@pytest.fixture
def door(log_database: LogDatabase, tmp_path: Path) -> Iterator[Door]:
    with opened(log_database, tmp_path) as opened_door:
        yield opened_door


def test_a_sale_is_accepted_with_a_receipt_that_names_its_place_in_the_log(door: Door) -> None:
    sale = report(make.sale_made())

    [answer] = door.tell(sale)

    assert answer["status"] in ("accepted", "flagged")
    assert answer["id"] == sale["id"]
    [recorded] = door.log.read(0, 10)
    assert (recorded.position, str(recorded.event_id)) == (answer["position"], sale["id"])
    assert answer["receipt"]["leaf_hash"] == door.log.head().leaf_hash.hex()  # type: ignore[union-attr]
    assert recorded.event == make.sale_made()
