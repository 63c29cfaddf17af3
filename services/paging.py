"""Lists in pages: behind the key of the page before's last row. Rows that come or go meanwhile move no other row."""

import base64
import binascii
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, Final

import orjson
from fastapi import Query

from services.errors import Malformed
from services.incoming import read_instant, wrong

ROWS_MAX: Final = 1_000
#: Of the texts of a cursor: what a name or a place may have, and what stands around it.
_CURSOR_LENGTH_MAX: Final = 1_000

Behind = Annotated[
    str, Query(max_length=_CURSOR_LENGTH_MAX, description="`next` of the page before: the rows behind it.")
]
Limit = Annotated[
    int | None, Query(ge=1, le=ROWS_MAX, description="Rows of a page; as many as one may hold when nothing is said.")
]

#: By what the rows of a list are ordered; all of them differ.
type Key = tuple[str | int, ...]


def cut[T](rows: Sequence[T], key: Callable[[T], Key], behind: str, limit: int) -> tuple[Sequence[T], str | None]:
    """A page of a whole list that is in the order of its keys, and the cursor of the next one. Raises Malformed."""
    if behind:
        last = key_of(behind, *(type(part) for part in key(rows[0]))) if rows else ()
        rows = [row for row in rows if key(row) > last]
    return page(rows[: limit + 1], key, limit)


def page[T](found: Sequence[T], key: Callable[[T], Key], limit: int) -> tuple[Sequence[T], str | None]:
    """The same of rows that were looked up behind the cursor, one more than the page holds."""
    rows = found[:limit]
    return rows, cursor(key(rows[-1])) if len(found) > limit else None


def cursor(key: Key) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(key)).rstrip(b"=").decode()


def key_of(behind: str, *kinds: type) -> tuple[Any, ...]:
    """The key in a cursor that was given out by a list whose keys are of these kinds. Raises Malformed."""
    try:
        key = orjson.loads(base64.b64decode(behind + "=" * (-len(behind) % 4), altchars=b"-_", validate=True))
    except (ValueError, binascii.Error):
        raise _not_ours() from None
    if type(key) is not list or [type(part) for part in key] != list(kinds) or any("\0" in str(part) for part in key):
        raise _not_ours()
    return tuple(key)


def when(moment: datetime | None) -> str:
    """A moment as a part of a key; what has none comes before everything."""
    return "-infinity" if moment is None else moment.isoformat()


def when_of(text: str) -> str:
    """The same from a cursor, for the database. Raises Malformed."""
    return text if text == "-infinity" else read_instant(text, "behind").isoformat()


def _not_ours() -> Malformed:
    return wrong("behind", "wrong_form", "Send what this list answered as `next`, as it is.")
