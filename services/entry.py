"""Coming in, by HTTP: signing in and out, choosing a password, enrolling a device, saying yes to what two decide."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, ClassVar, Final

import orjson
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from events.canonical import content_hash
from events.catalogue.registry import problems_of
from services.access.passwords import WrongCode
from services.access.permissions import COMMANDS, NOBODY_MAY
from services.access.secrets import new_key
from services.access.sender import NoSuchRight, Sender
from services.access.signatures import (
    challenge_text,
    enrol_text,
    from_base64url,
    read_public_key,
    verify,
)
from services.access.store import Algorithm
from services.errors import IdConflict, Malformed, NotJson
from services.front import Front, address_of, json_response
from services.incoming import WORD, wrong
from services.openapi import takes_plain

OTHER_RETURN: Final = "/sign-in/other/return"
_CHALLENGE_MINUTES: Final = 1.0
Short = Annotated[str, Field(min_length=1, max_length=200, pattern=WORD)]


class Body(BaseModel):
    """What somebody sends here: every field as it is named, and no other."""

    model_config: ClassVar[ConfigDict] = ConfigDict(strict=True, extra="forbid")


class SignIn(Body):
    """Name and password; `cookie` asks for a browser's session instead of a token."""

    name: Short
    password: Annotated[str, Field(max_length=1_000)]
    cookie: bool = False


class ChoosePassword(Body):
    """A new password, by the code that the center gave."""

    code: Short
    password: Annotated[str, Field(max_length=1_000)]


class Enrol(Body):
    """A device's own key: raw, base64url; `signature` is over `ovop-enrol-v1`, the code and the key, one a line."""

    code: Short
    algorithm: Algorithm
    public_key: Short
    signature: Short


class AskChallenge(Body):
    """A device wants a session."""

    key_id: Short


class AnswerChallenge(Body):
    """The challenge, signed: `signature` is over `ovop-session-v1` and the challenge, one a line."""

    key_id: Short
    challenge: Short
    signature: Short


_BY_TWO: Final[dict[str, Any]] = {"enum": sorted(command for command, (may, _) in COMMANDS.items() if may.two)}


class Agree(Body):
    """Yes to exactly this command: `command` like `committee/start-recall`, `item` as it will be sent."""

    command: Annotated[Short, Field(json_schema_extra=_BY_TWO)]
    item: dict[str, Any]


#: Examples for the description.
_AGREED: Final = {"command": "committee/start-recall", "item": {"id": "0198c0de-0000-7000-8000-000000000001"}}
_CHOSEN: Final = {"code": "0000-0000-0000", "password": "..."}
_ENROLLED: Final = {"code": "0000-0000-0000", "algorithm": "ed25519", "public_key": "...", "signature": "..."}
_ANSWERED: Final = {"key_id": "0123456789ab", "challenge": "...", "signature": "..."}


class KeyKnown(IdConflict):
    """This public key was enrolled before; every device has a key of its own."""

    advice = "Make a new key on the device, ask for a new code, and enrol again."


def routes(front: Front) -> APIRouter:
    """Everything about coming in."""
    router = APIRouter(tags=["access"])
    _add_sessions(router, front)
    _add_devices(router, front)

    @router.post("/api/v1/agreements", openapi_extra=takes_plain(Agree, _AGREED))
    async def agree(request: Request) -> Response:
        """Say yes to a command that another will send and that two must decide; it counts for some days."""
        sender = await front.sender(request)
        asked = await _read(front, request, Agree)
        may = COMMANDS[asked.command][0] if asked.command in COMMANDS else NOBODY_MAY
        if not may.two:
            raise wrong("command", "unknown_word", "A command that two decide, such as committee/start-recall.")
        if not may.open_to(sender):
            raise NoSuchRight
        digest = content_hash([asked.command.partition("/")[2], asked.item])
        await asyncio.to_thread(front.credentials.store.agree, digest, sender.actor)
        return json_response({"agreed": asked.command, "actor": sender.actor, "content_sha256": digest.hex()})

    return router


def _add_sessions(router: APIRouter, front: Front) -> None:
    @router.post("/api/v1/session", openapi_extra=takes_plain(SignIn, {"name": "aigul", "password": "..."}))
    async def sign_in(request: Request) -> Response:
        """Sign in with name and password."""
        asked = await _read(front, request, SignIn)
        if asked.cookie:
            front.must_be_ours(request)
        person = await front.passwords.check(asked.name, asked.password, address_of(request))
        token = await begin_session(front, person.actor)
        told = {"actor": person.actor, "expires_at": datetime.now(UTC) + timedelta(hours=front.settings.session_hours)}
        if not asked.cookie:
            return json_response(told | {"token": token})
        response = json_response(told)
        set_session(front, response, token)
        return response

    @router.get("/api/v1/session")
    async def who(request: Request) -> Response:
        """Who is signed in, and in which roles."""
        return json_response(_as_json(await front.sender(request)))

    @router.delete("/api/v1/session")
    async def sign_out(request: Request) -> Response:
        """End this session; here at once, in other processes when they look it up again."""
        token = token_of(front, request)
        if token is not None:
            await end_session(front, token)
        response = json_response({"signed_out": token is not None})
        drop_session(front, response)
        return response

    @router.post("/api/v1/session/password", openapi_extra=takes_plain(ChoosePassword, _CHOSEN))
    async def choose_password(request: Request) -> Response:
        """Choose a password with a code; sessions of before end."""
        asked = await _read(front, request, ChoosePassword)
        await front.passwords.attempt_code(address_of(request))
        store = front.credentials.store
        code = await asyncio.to_thread(store.peek_code, "password", asked.code)
        person = None if code is None else await asyncio.to_thread(store.person_of_actor, code.actor)
        if person is None:
            raise WrongCode
        front.passwords.must_be_strong(person, asked.password)
        if await asyncio.to_thread(store.use_code, "password", asked.code) is None:
            raise WrongCode
        await front.passwords.choose(person, asked.password)
        front.credentials.forget()
        return json_response({"actor": person.actor, "name": person.sign_in})


def _add_devices(router: APIRouter, front: Front) -> None:
    store = front.credentials.store

    @router.post("/api/v1/devices", openapi_extra=takes_plain(Enrol, _ENROLLED))
    async def enrol(request: Request) -> Response:
        """Enrol a device with its own key, by a code that is good once."""
        asked = await _read(front, request, Enrol)
        await front.passwords.attempt_code(address_of(request))
        raw = from_base64url(asked.public_key)
        read_public_key(asked.algorithm, raw)
        verify(asked.algorithm, raw or b"", asked.signature, enrol_text(asked.code, asked.public_key))
        code = await asyncio.to_thread(store.use_code, "device", asked.code)
        if code is None:
            raise WrongCode
        key_id = code.key_id or new_key().key_id
        if not await asyncio.to_thread(store.add_device, code, key_id, asked.algorithm, raw or b""):
            raise KeyKnown(field="public_key")
        front.credentials.forget()
        return json_response({"actor": code.actor, "outlet": code.outlet, "key_id": key_id})

    @router.post("/api/v1/devices/challenge", openapi_extra=takes_plain(AskChallenge, {"key_id": "0123456789ab"}))
    async def challenge(request: Request) -> Response:
        """A challenge for a device to sign; good once, for a minute. Known or not, the answer looks alike."""
        asked = await _read(front, request, AskChallenge)
        key_id = asked.key_id
        text = await asyncio.to_thread(store.add_code, "challenge", key_id, _CHALLENGE_MINUTES, key_id=key_id)
        return json_response({"challenge": text})

    @router.post("/api/v1/devices/session", openapi_extra=takes_plain(AnswerChallenge, _ANSWERED))
    async def device_session(request: Request) -> Response:
        """A session for a device that signed its challenge: for reading; what it reports, it signs."""
        asked = await _read(front, request, AnswerChallenge)
        code = await asyncio.to_thread(store.use_code, "challenge", asked.challenge)
        if code is None or code.key_id != asked.key_id:
            raise WrongCode
        device, sender = await asyncio.to_thread(front.credentials.device, asked.key_id)
        verify(device.algorithm, device.public_key, asked.signature, challenge_text(asked.challenge))
        hours = front.settings.device_session_hours
        token = await asyncio.to_thread(store.begin_device_session, sender.actor, hours, asked.key_id)
        return json_response({"token": token, "expires_at": datetime.now(UTC) + timedelta(hours=hours)})


async def begin_session(front: Front, actor: str) -> str:
    """A token for somebody who has just shown who they are."""
    return await asyncio.to_thread(front.credentials.store.begin_session, actor, front.settings.session_hours)


async def end_session(front: Front, token: str) -> None:
    await asyncio.to_thread(front.credentials.store.end_session, token)
    front.credentials.forget()


def set_session(front: Front, response: Response, token: str) -> None:
    """Leave the session in the browser, where no script reads it and no other site's request carries it."""
    response.set_cookie(
        front.session_cookie,
        token,
        max_age=int(front.settings.session_hours * 3600),
        path="/",
        secure=front.is_encrypted,
        httponly=True,
        samesite="lax",
    )


def drop_session(front: Front, response: Response) -> None:
    """Take the session out of the browser again."""
    response.delete_cookie(front.session_cookie, path="/", secure=front.is_encrypted, httponly=True)


def token_of(front: Front, request: Request) -> str | None:
    """The token of the session with which a request came."""
    given = request.headers.get("authorization", "")
    if given:
        return given.removeprefix("Bearer ").strip() if given.startswith("Bearer ovops_") else None
    return request.cookies.get(front.session_cookie)


async def _read[B: Body](front: Front, request: Request, kind: type[B]) -> B:
    """The body as what it should be. Raises NotJson, Malformed, TooLarge."""
    body = await front.body_of(request)
    try:
        orjson.loads(body)
        return kind.model_validate_json(body)
    except ValidationError as error:
        raise Malformed(problems_of(error)) from None
    except orjson.JSONDecodeError:
        raise NotJson from None


def _as_json(sender: Sender) -> dict[str, Any]:
    grants = sorted(sender.grants, key=lambda grant: (grant.role, grant.region or "", grant.place or ""))
    return {
        "actor": sender.actor,
        "kind": sender.kind,
        "outlet": sender.outlet,
        "scopes": sorted(sender.scopes),
        "roles": [{"role": grant.role, "region": grant.region, "place": grant.place} for grant in grants],
    }
