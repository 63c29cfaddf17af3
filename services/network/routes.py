"""The network's master data by HTTP."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from fastapi import APIRouter

from events.catalogue.base import Event
from events.catalogue.values import OutletId, TillId
from services.access import NewKey, Sender, new_key
from services.answers import Answer
from services.commands import Asking, Commands
from services.decider import Command
from services.front import Front
from services.handle import Request as Asked
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
    """Let a device report for an outlet. The answer carries its key, this once."""

    till: TillId
    outlet: OutletId

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
        GrantRole,
        WithdrawRole,
        GiveConsent,
        WithdrawConsent,
    )
    devices = _Devices(front)
    commands.add(NETWORK, EnrollTillAsked, prepare=devices.make_keys, finish=devices.hand_out)
    commands.add(NETWORK, RevokeTill, finish=devices.end)
    return commands.router


class _Founding:
    """Only the network that the settings name is founded here."""

    def __init__(self, front: Front) -> None:
        self._here = front.settings.network

    async def prepare(self, asked: Sequence[Asked[Any]]) -> list[Command]:
        return [each.command.model_copy(update={"here": self._here}) for each in asked]


class _Devices:
    """Keys of devices: made before the till is enrolled, handed out once it is, ended when it is revoked."""

    def __init__(self, front: Front) -> None:
        self._keys = front.keys

    async def make_keys(self, asked: Sequence[Asked[Any]]) -> list[Command]:
        """Stored before the decision: a key that nobody knows opens nothing, a till without its key is stuck."""
        commands: list[Command] = []
        made: list[tuple[NewKey, Sender]] = []
        for each in asked:
            key = new_key()
            made.append((key, Sender(f"till/{each.command.till}", "till", each.command.outlet)))
            commands.append(
                _WithKey(till=each.command.till, outlet=each.command.outlet, key_id=key.key_id, text=key.text)
            )
        await asyncio.to_thread(self._keys.store, made)
        return commands

    async def hand_out(self, read: Sequence[Asking], answers: list[Answer]) -> list[Answer]:
        useless = []
        told = []
        for each, answer in zip(read, answers, strict=True):
            command = each.command if isinstance(each, Asked) else None
            accepted = answer.status == "accepted"
            told.append(replace(answer, key=command.text) if isinstance(command, _WithKey) and accepted else answer)
            if isinstance(command, _WithKey) and not accepted:
                useless.append(command.key_id)
        if useless:
            await asyncio.to_thread(self._keys.drop, useless)
        return told

    async def end(self, read: Sequence[Asking], answers: list[Answer]) -> list[Answer]:
        ended = [
            f"till/{each.command.event.till}"
            for each, answer in zip(read, answers, strict=True)
            if isinstance(each, Asked) and answer.status in ("accepted", "duplicate")
        ]
        if ended:
            await asyncio.to_thread(self._keys.revoke, ended)
        return answers


class _WithKey(EnrollTill):
    """Together with the key's text, until it is handed out."""

    text: str
