"""The line to the door: who speaks, what is tried again and for how long, and what a refusal becomes."""

import asyncio
import json
import random
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self

import httpx
from pydantic import ValidationError

from services.client.answers import Problem

#: Answers that mean: not now, send the same again.
NOT_NOW: Final = frozenset({429, *range(500, 600)})
#: Of those, the ones that say that nothing was done.
NOTHING_DONE: Final = frozenset({429, 503})
UNCHANGED: Final = 304
#: Answers at hand, for asking with their tags.
HELD_MAX: Final = 200

type Parameters = Mapping[str, str | int | bool | None]


class OvopError(Exception):
    """Something that was asked of the door did not come to be."""


class Refused(OvopError):
    """The door said no: `problem` has the code, the field at fault and what to do."""

    def __init__(self, problem: Problem) -> None:
        field = f" ({problem.field})" if problem.field else ""
        super().__init__(f"{problem.code}{field}: {problem.title} {problem.what_to_do or ''}".rstrip())
        self.problem = problem


class NoAnswer(OvopError):
    """Nobody answered for as long as was to be waited. It is not known what was stored: send the same again later."""

    def __init__(self, why: str, problem: Problem | None = None) -> None:
        super().__init__(f"{self.__doc__} ({why})")
        self.problem = problem  #: what was said last, if anything was


@dataclass(frozen=True, slots=True)
class Patience:
    """How long something is tried again; each pause is twice the one before, and at least what the door asks for."""

    seconds: float = 60.0
    pause_seconds_first: float = 0.2
    pause_seconds_max: float = 10.0


class Bearer(httpx.Auth):
    """A key of `ovop keys make`, a till's simple key, or the token of a session."""

    def __init__(self, text: str) -> None:
        self._text = text

    def auth_flow(self, request: httpx.Request) -> Any:
        request.headers["Authorization"] = f"Bearer {self._text}"
        yield request


class Line:
    """Requests to one installation. An asynchronous context manager."""

    def __init__(
        self,
        address: str,
        credential: str | httpx.Auth | None = None,
        *,
        patience: Patience | None = None,
        timeout_seconds: float = 60.0,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """`credential`: the text of a key, or a `DeviceKey`; None reads what is public, until somebody signs in.

        `transport` is handed to httpx, for proxies and certificates of one's own.
        """
        self.auth = Bearer(credential) if isinstance(credential, str) else credential
        self.patience = patience or Patience()
        #: The position that the last answer spoke for.
        self.position = 0
        self._held: OrderedDict[str, tuple[str, bytes]] = OrderedDict()
        self._http = httpx.AsyncClient(base_url=address.rstrip("/"), timeout=timeout_seconds, transport=transport)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self._http.aclose()

    async def get(self, path: str, **parameters: str | int | bool | None) -> dict[str, Any]:
        """What an address below `/api/v1/` says, as it says it; sent over the line only if it has changed.

        A question about the past (`as_of`) waits until its books are there. Raises Refused, NoAnswer.
        """
        while True:
            url = self._http.build_request("GET", f"/api/v1/{path}", params=_stated(parameters)).url
            held = self._held.get(str(url))
            response = await self._send("GET", url, headers={"If-None-Match": held[0]} if held else {})
            if response.status_code != httpx.codes.ACCEPTED:
                return self._said(str(url), response, held)
            await self._built(response)

    async def post(
        self, path: str, body: bytes, *, headers: Mapping[str, str] | None = None, once: bool = False
    ) -> Any:
        """Send bytes to an address below `/api/v1/`, the same ones until there is an answer.

        `once`: never, unless it is certain that nothing was done. Raises Refused, NoAnswer.
        """
        return json.loads(await self._posted(path, body, headers, once=once))

    async def delete(self, path: str) -> Any:
        """Raises Refused, NoAnswer."""
        return (await self._send("DELETE", f"/api/v1/{path}")).json()

    async def _posted(
        self, path: str, body: bytes, headers: Mapping[str, str] | None = None, *, once: bool = False
    ) -> bytes:
        sent = {"Content-Type": "application/json", **(headers or {})}
        return (await self._send("POST", f"/api/v1/{path}", content=body, headers=sent, once=once)).content

    async def _send(
        self,
        method: str,
        url: httpx.URL | str,
        *,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        once: bool = False,
    ) -> httpx.Response:
        deadline = time.monotonic() + self.patience.seconds
        pause = self.patience.pause_seconds_first
        while True:
            problem: Problem | None = None
            try:
                response = await self._http.request(method, url, content=content, headers=headers, auth=self.auth)
            except httpx.TransportError as error:
                why, wait, again = repr(error), pause, not once
            else:
                if response.is_success or response.status_code == UNCHANGED:
                    return response
                problem = problem_of(response)
                if response.status_code not in NOT_NOW:
                    raise Refused(problem)
                why, wait = problem.code, max(pause, _retry_after(response))
                again = not once or response.status_code in NOTHING_DONE
            if not again or time.monotonic() + wait > deadline:
                raise NoAnswer(why, problem)
            # Not all of those who were cut off together come again together.
            await asyncio.sleep(wait * random.uniform(1.0, 1.3))  # noqa: S311 - nothing secret is drawn
            pause = min(pause * 2, self.patience.pause_seconds_max)

    def _said(self, url: str, response: httpx.Response, held: tuple[str, bytes] | None) -> dict[str, Any]:
        """The answer, or the one at hand as it holds now. Made of its bytes every time: who asked may change it."""
        self.position = int(response.headers.get("ovop-position", self.position))
        if response.status_code == UNCHANGED and held is not None:
            self._held.move_to_end(url)
            at_hand: dict[str, Any] = json.loads(held[1])
            return at_hand | _standing(response)
        said: dict[str, Any] = response.json()
        if tag := response.headers.get("etag"):
            self._held[url] = (tag, response.content)
            if len(self._held) > HELD_MAX:
                self._held.popitem(last=False)
        return said

    async def _built(self, response: httpx.Response) -> None:
        """Wait for the job that builds the books of a position. Raises Refused, NoAnswer."""
        deadline = time.monotonic() + self.patience.seconds
        while True:
            job = response.json()
            if job["state"] == "ready":
                return
            if job["state"] == "failed" or time.monotonic() > deadline:
                raise NoAnswer(f"the books of position {job['position']}: {job['state']} {job.get('error') or ''}")
            await asyncio.sleep(_retry_after(response) or self.patience.pause_seconds_first)
            response = await self._send("GET", job["job"])


def _standing(unchanged: httpx.Response) -> dict[str, Any]:
    """For how far an answer at hand still holds, and when that was recorded, if the answer says so."""
    standing: dict[str, Any] = {}
    if position := unchanged.headers.get("ovop-position"):
        standing["position"] = int(position)
    if (recorded_at := unchanged.headers.get("ovop-recorded-at")) is not None:
        standing["recorded_at"] = recorded_at or None
    return standing


def problem_of(response: httpx.Response) -> Problem:
    """What an answer that is none says; of something between us and the door, its status alone."""
    try:
        return Problem.model_validate_json(response.content)
    except ValidationError:
        title = response.reason_phrase or "No reason was given."
        return Problem(code=f"http_{response.status_code}", title=title, status=response.status_code)


def as_body(said: Mapping[str, Any]) -> bytes:
    return json.dumps(said).encode()


def _stated(parameters: Parameters) -> dict[str, str | int | bool]:
    return {name: value for name, value in parameters.items() if value is not None}


def _retry_after(response: httpx.Response) -> float:
    said = response.headers.get("retry-after", "")
    return float(said) if said.isdecimal() else 0.0
