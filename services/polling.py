"""Answers to those who ask again and again: what is said has a tag, and who holds it already is told so in 304.

The tag names what is said and not the position it is said for: on a busy network the position moves with every sale,
and most answers do not. The position, and when it was recorded, are in headers of their own, with 304 too, so that
whoever polls knows for how far the answer at hand still holds.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import orjson
from fastapi import Request, Response

from services.json_bytes import json_bytes

#: What a route adds to its description when it answers like this.
POLLED: Final[dict[str, Any]] = {"x-polled": True}
POSITION_HEADER: Final = "OVOP-Position"
#: Of a dated answer; empty when nothing is recorded yet.
RECORDED_AT_HEADER: Final = "OVOP-Recorded-At"
_UNCHANGED: Final = 304


def answered(
    request: Request, said: Mapping[str, Any], position: int, recorded_at: datetime | None = None, *, dated: bool = True
) -> Response:
    """What is said, with the position it speaks for and, unless not `dated`, when that was recorded.

    304 without a body when `If-None-Match` has the tag of just that.
    """
    content = json_bytes(said)
    tag = f'W/"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = {"ETag": tag, POSITION_HEADER: str(position), "Cache-Control": "private, no-cache"}
    if dated:
        headers[RECORDED_AT_HEADER] = "" if recorded_at is None else recorded_at.isoformat()
    if holds(request, tag):
        return Response(status_code=_UNCHANGED, headers=headers)
    standing = {"position": position, "recorded_at": recorded_at} if dated else {"position": position}
    comma = b"," if said else b""
    body = orjson.dumps(standing)[:-1] + comma + content[1:]
    return Response(body, media_type="application/json", headers=headers)


def holds(request: Request, tag: str) -> bool:
    """Whether `If-None-Match` names the tag, weak or strong, or any (RFC 9110, 13.1.2)."""
    held = {each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")}
    return "*" in held or tag.removeprefix("W/") in held
