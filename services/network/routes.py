"""The network's master data by HTTP."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

from fastapi import APIRouter

from events.catalogue.base import Event
from events.catalogue.values import OutletId, TillId
from services.access.secrets import new_key
from services.access.sender import Sender
from services.answers import Answer
from services.commands import Asking, Commands
from services.decider import Command
from services.front import Front
from services.handle import Asked
from services.network.decider import (
    NETWORK,
    CloseOutlet,
    CloseWorkshop,
    DefineProduct,
    EnrollTill,
    FoundNetwork,
    GiveConsent,
    GrantRole,
    JoinRegion,
    OpenOutlet,
    OpenWorkshop,
    ReassignVillage,
    RegisterProducer,
    RegisterSupplier,
    RegisterVillage,
    RetireProducer,
    RetireProduct,
    RevokeTill,
    SetPrice,
    WithdrawConsent,
    WithdrawRole,
)


class EnrollTillAsked(Command):
    """Let a device report for an outlet. The answer carries its key, or the code with which it enrols its own, once."""

    till: TillId
    outlet: OutletId
    credential: Literal["key", "code"] = "key"

    @classmethod
    def verb(cls) -> str:
        return EnrollTill.verb()

    @classmethod
    def writes(cls) -> tuple[type[Event], ...]:
        return EnrollTill.writes()


def routes(front: Front) -> APIRouter:
    """Every command about master data."""
    commands = Commands("network", front, APIRouter())
    commands.add(NETWORK, FoundNetwork, prepare=_Founding(front).prepare)
    commands.add(
        NETWORK,
        JoinRegion,
        RegisterVillage,
        ReassignVillage,
        RegisterProducer,
        RetireProducer,
        RegisterSupplier,
        OpenWorkshop,
        CloseWorkshop,
        OpenOutlet,
        CloseOutlet,
        DefineProduct,
        RetireProduct,
        SetPrice,
        GiveConsent,
    )
    commands.add(NETWORK, WithdrawConsent, prepare=_Consents(front).find)
    devices = _Devices(front)
    commands.add(NETWORK, GrantRole, WithdrawRole, finish=devices.forget)
    commands.add(NETWORK, EnrollTillAsked, prepare=devices.make_keys, finish=devices.hand_out)
    commands.add(NETWORK, RevokeTill, finish=devices.end)
    return commands.router


class _Founding:
    """Only the network that the settings name is founded here."""

    def __init__(self, front: Front) -> None:
        self._here = front.settings.network

    async def prepare(self, asked: Sequence[Asked[Any]]) -> list[Command]:
        return [each.command.model_copy(update={"here": self._here}) for each in asked]


class _Consents:
    """Looks up the events that withdrawals name: a decider knows what its stream says, and no ids."""

    def __init__(self, front: Front) -> None:
        self._log = front.handler.log

    async def find(self, asked: Sequence[Asked[Any]]) -> list[Command]:
        streams = sorted({each.command.stream() for each in asked})
        found = await asyncio.to_thread(self._log.read_streams, streams)
        versions = {(of, str(said.event_id)): said.version for of in found for said in found[of]}
        return [
            each.command.model_copy(
                update={"named_version": versions.get((each.command.stream(), each.command.event.withdraws))}
            )
            for each in asked
        ]


class _Devices:
    """Keys of devices: made before the till is enrolled, handed out once it is, ended when it is revoked."""

    def __init__(self, front: Front) -> None:
        self._credentials = front.credentials
        self._code_minutes = front.settings.enrol_code_minutes

    async def make_keys(self, asked: Sequence[Asked[Any]]) -> list[Command]:
        """Stored before the decision: a key that nobody knows opens nothing, a till without its key is stuck."""
        return [await asyncio.to_thread(self._make, each) for each in asked]

    def _make(self, asked: Asked[Any]) -> Command:
        till, outlet, key = asked.command.till, asked.command.outlet, new_key()
        if asked.command.credential == "code":
            return _WithKey(till=till, outlet=outlet, key_id=key.key_id, text=None)
        self._credentials.store.add_key(key, Sender(f"till/{till}", "till", outlet), by=asked.actor)
        return _WithKey(till=till, outlet=outlet, key_id=key.key_id, text=key.text)

    async def hand_out(self, read: Sequence[Asking], answers: list[Answer]) -> list[Answer]:
        return [
            await asyncio.to_thread(self._hand_out, each.command, each.actor, answer)
            if isinstance(each, Asked) and isinstance(each.command, _WithKey)
            else answer
            for each, answer in zip(read, answers, strict=True)
        ]

    def _hand_out(self, command: "_WithKey", by: str, answer: Answer) -> Answer:
        """A device that will sign gets a code instead of a key; what was made for a refused one is ended."""
        store = self._credentials.store
        if answer.status != "accepted":
            store.revoke_key(command.key_id)
            return answer
        if command.text is not None:
            return replace(answer, key=command.text)
        code = store.add_code(
            "device",
            f"till/{command.till}",
            self._code_minutes,
            outlet=command.outlet,
            key_id=command.key_id,
            by=by,
        )
        return replace(answer, code=code)

    async def end(self, read: Sequence[Asking], answers: list[Answer]) -> list[Answer]:
        for each, answer in zip(read, answers, strict=True):
            if isinstance(each, Asked) and answer.status in ("accepted", "duplicate"):
                await asyncio.to_thread(self._credentials.store.revoke_actor, f"till/{each.command.event.till}")
        self._credentials.forget()
        return answers

    async def forget(self, _: Sequence[Asking], answers: list[Answer]) -> list[Answer]:
        """Roles have changed: at once here, elsewhere when they are looked up again."""
        self._credentials.forget()
        return answers


class _WithKey(EnrollTill):
    """Together with the key's text, until it is handed out; None for a device that makes a key of its own."""

    text: str | None
