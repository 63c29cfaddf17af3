"""What every route shares: who is asking and whether they may, how much may be sent, how answers look."""

import asyncio
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import urlsplit

import orjson
from fastapi import Request, Response
from psycopg import OperationalError

from events.appends import LogBusy, LogClosed, LogUnavailable
from projections.chains import TillChains
from services.access.credentials import Credentials
from services.access.judge import Judge
from services.access.oidc import Oidc
from services.access.passwords import Passwords
from services.access.permissions import permission_of
from services.access.rates import Rates
from services.access.sender import About, NoSuchRight, NotYours, Permission, Sender
from services.access.signatures import upload_text, verify
from services.answers import Answer
from services.books import Books
from services.clock import NetworkClock
from services.errors import (
    PROBLEM_JSON,
    Malformed,
    NotAllowed,
    NotAuthenticated,
    Refused,
    TooLarge,
    TooManyRequests,
    problem,
)
from services.handle import Handler
from services.items import Item, split_body
from services.past import Past
from services.reports import Reports
from services.settings import Settings

logger = logging.getLogger(__name__)

#: A body that is too large is still read up to here, so that its sender hears the answer; beyond, it is cut off.
_DRAINED_BYTES_MAX: Final = 16_000_000
_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_SIGNATURE: Final = re.compile(r'key="?([a-z0-9]{1,64})"?, ?signature="?([A-Za-z0-9_=-]{1,200})"?')
#: The head of a device's chain after this upload, hexadecimal; signed together with the body.
CHAIN_HEAD_HEADER: Final = "ovop-chain-head"
_QUARANTINED: Final = 202
_NOT_AUTHENTICATED: Final = 401
_LATER: Final = 503


class ForeignOrigin(NotAllowed):
    """A page of another site sent this with your sign-in."""

    advice = "Do it on our own pages, or send a key in the header 'Authorization'."


class MustBeSigned(NotAllowed):
    """This device has a key of its own, so what it reports must be signed with it."""

    advice = "Send the signature in the header 'Authorization'; the session is for reading."


class PageTooLarge(Malformed):
    """The page is longer than this installation gives at a time."""


@dataclass(frozen=True, slots=True)
class Front:
    """The parts behind the routes of one installation."""

    settings: Settings
    handler: Handler
    reports: Reports
    credentials: Credentials
    judge: Judge
    rates: Rates
    passwords: Passwords
    oidc: Oidc | None
    books: Books
    past: Past
    clock: NetworkClock
    till_chains: TillChains

    async def gate(self, request: Request) -> None:
        """Before every route: the table says who may use it at all; a route that is not in it is nobody's.

        Raises NotAuthenticated, NoSuchRight, TooManyRequests, ForeignOrigin, MustBeSigned.
        """
        permission = permission_of(request.method, request.scope["route"].path)
        if permission is None:
            raise NoSuchRight
        if permission.public:
            self.rates.knock(f"address {address_of(request)}", self.settings.address_requests_per_minute)
            return
        sender = await self.sender(request)
        self._count(sender)
        if not permission.open_to(sender):
            raise NoSuchRight

    async def sender(self, request: Request) -> Sender:
        """Who is asking. Raises NotAuthenticated, TooManyRequests, ForeignOrigin, MustBeSigned."""
        known: Sender | None = getattr(request.state, "sender", None)
        if known is None:
            known = await self._identified(request)
            if known is None:
                raise NotAuthenticated
            request.state.sender = known
        return known

    async def sender_if_told(self, request: Request) -> Sender | None:
        """Who is asking, on a page that is open to everybody: None too when those who know do not answer now."""
        try:
            return await self.sender(request)
        except Refused:
            return None
        except (LogUnavailable, LogBusy, LogClosed, OperationalError) as error:
            logger.warning("nobody says who is asking: %s", error)
            return None

    async def administrator(self, request: Request) -> Sender:
        """The administrator. Raises NotAuthenticated, NoSuchRight."""
        sender = await self.sender(request)
        if sender.kind != "admin":
            raise NoSuchRight
        return sender

    async def admit(self, request: Request, permission: Permission, *abouts: About) -> Sender:
        """The sender, who may ask about one of these. Raises NoSuchRight, NotYours."""
        sender = await self.sender(request)
        if not permission.open_to(sender):
            raise NoSuchRight
        if await self.judge.judge(sender, [(permission, abouts)]) != ["yes"]:
            raise NotYours
        return sender

    async def items_of(self, request: Request) -> tuple[bool, list[Item]]:
        """A request's items, and whether they came as a list. Raises NotJson, TooLarge, TooManyItems."""
        return split_body(await self.body_of(request), self.settings.items_max)

    async def body_of(self, request: Request) -> bytes:
        """The request's body. Raises TooLarge."""
        known: bytes | None = getattr(request.state, "body", None)
        if known is None:
            known = request.state.body = await _body(request, self.settings.body_bytes_max)
        return known

    def page(self, limit: int | None) -> int:
        """How many rows a page is to hold; as many as one may, when nothing is said. Raises PageTooLarge."""
        most = self.settings.page_rows_max
        if limit is None:
            return most
        if limit > most:
            refusal = PageTooLarge(advice=f"Ask for up to {most} rows, and for the next page then.")
            refusal.field = "limit"
            raise refusal
        return limit

    @property
    def session_cookie(self) -> str:
        """The name of the cookie; under https a browser takes this one from us alone."""
        return "__Host-ovop" if self.is_encrypted else "ovop_session"

    @property
    def is_encrypted(self) -> bool:
        return self.settings.address.startswith("https:")

    def must_be_ours(self, request: Request) -> None:
        """A browser says from which page it sends; another site's page may not act for who is signed in here.

        Raises ForeignOrigin.
        """
        origin = request.headers.get("origin")
        hosts = {request.headers.get("host"), urlsplit(self.settings.address).netloc}
        if origin is None or urlsplit(origin).netloc not in hosts:
            raise ForeignOrigin

    async def _identified(self, request: Request) -> Sender | None:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme == "Bearer":
            sender = await self._bearer(request, given.strip())
        elif scheme == "OVOP-Signature":
            return await self._signer(request, given.strip())
        elif not scheme and (token := request.cookies.get(self.session_cookie)):
            if request.method not in _SAFE_METHODS:
                self.must_be_ours(request)
            sender = await self._bearer(request, token)
        else:
            return None
        if sender.must_sign and request.method not in _SAFE_METHODS and request.method != "DELETE":
            raise MustBeSigned
        return sender

    async def _bearer(self, request: Request, token: str) -> Sender:
        known = self.credentials.believed(token)
        if known is None:
            self._count_stranger(request)
            known = await asyncio.to_thread(self.credentials.bearer, token)
        return known

    async def _signer(self, request: Request, given: str) -> Sender:
        # A signature over nothing could be sent again by anybody who saw it; for reading a device signs a challenge.
        matched = _SIGNATURE.fullmatch(given)
        if matched is None or request.method in _SAFE_METHODS:
            raise NotAuthenticated
        self._count_stranger(request, signs=matched[1])
        device, sender = await asyncio.to_thread(self.credentials.device, matched[1])
        head = request.headers.get(CHAIN_HEAD_HEADER, "")
        text = upload_text(device.actor, head, await self.body_of(request))
        verify(device.algorithm, device.public_key, matched[2], text)
        return replace(sender, signed_head=head)

    def _count_stranger(self, request: Request, signs: str | None = None) -> None:
        """Whoever is not known yet is counted by address, so that nobody tries keys at leisure."""
        bucket = f"address {address_of(request)}" if signs is None else f"device {signs} at {address_of(request)}"
        self.rates.knock(bucket, self.settings.address_requests_per_minute)

    def _count(self, sender: Sender) -> None:
        if sender.kind == "till":
            self.rates.knock(f"device {sender.actor}", self.settings.device_requests_per_minute)
        elif sender.kind != "admin":
            self.rates.knock(f"account {sender.actor}", self.settings.account_requests_per_minute)


def address_of(request: Request) -> str:
    return request.client.host if request.client is not None else "unknown"


async def _body(request: Request, bytes_max: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size <= bytes_max:
            parts.append(part)
        elif size > _DRAINED_BYTES_MAX:
            break
    if size > bytes_max:
        raise TooLarge
    return b"".join(parts)


def json_response(content: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(content), status_code=status, media_type="application/json")


def problem_response(refusal: Refused, **more: Any) -> Response:
    """A refusal as RFC 9457 problem details."""
    details = problem(refusal) | more
    headers = {}
    if details["status"] == _NOT_AUTHENTICATED:
        headers["WWW-Authenticate"] = "Bearer"
    if details["status"] == _LATER:
        headers["Retry-After"] = "1"
    if isinstance(refusal, TooManyRequests):
        headers["Retry-After"] = str(refusal.retry_after_seconds)
    return Response(orjson.dumps(details), status_code=details["status"], media_type=PROBLEM_JSON, headers=headers)


def answers_response(many: bool, answers: Sequence[Answer]) -> Response:
    """A list for a list. A single item that was refused, or whose id stands for something else, is a problem."""
    if many:
        return json_response([answer.as_json() for answer in answers])
    [answer] = answers
    if answer.refusal is not None:
        return problem_response(answer.refusal, answer=answer.as_json())
    return json_response(answer.as_json(), _QUARANTINED if answer.status == "quarantined" else 200)
