"""Where scores lie while a submission is open: beside the log, under their seals, read again when it is decided.

The rules see them only then (`decider.py`); nobody who reads the log, the pages or the broker sees them earlier.
"""

import asyncio
import secrets
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

import orjson
import psycopg

from events.catalogue.committee import Scores
from events.catalogue.network import RoleGranted, RoleWithdrawn
from services.answers import Answer
from services.commands import Asking
from services.committee.assessment import HeldRole, OpenedScores, seal_of
from services.committee.requests import DecideSubmission, SealAssessment
from services.decider import Command
from services.front import Front
from services.handle import Asked

_KIND: Final = "scores"
_SALT_BYTES: Final = 16


class Sealing:
    """Keeps what is behind the seals of one network."""

    def __init__(self, front: Front) -> None:
        self._log = front.handler.log
        self._address = front.settings.database_for("writer")

    async def seal(self, asked: Sequence[Asked[Any]]) -> Sequence[Command]:
        """Keep what was scored, before its seal is decided on: a seal without its scores could never be opened."""
        roles = await asyncio.to_thread(self._roles, {each.command.member for each in asked})
        before = await asyncio.to_thread(self._opened, {each.command.submission for each in asked})
        kept = {seal_of(submission, opened) for submission, found in before.items() for opened in found}
        made = []
        for each in asked:
            command = each.command
            salt = secrets.token_hex(_SALT_BYTES)
            opened = OpenedScores(member=command.member, scores=command.scores, salt=salt)
            made.append((seal_of(command.submission, opened), command.submission, opened))
        await asyncio.to_thread(self._keep, made)
        kept.update(seal for seal, _, _ in made)
        return [
            SealAssessment(asked=each.command, seal=seal, roles=roles[each.command.member], kept=frozenset(kept))
            for each, (seal, _, _) in zip(asked, made, strict=True)
        ]

    async def drop_unused(self, read: Sequence[Asking], answers: list[Answer]) -> list[Answer]:
        """Forget what was refused, or sent before under another seal."""
        unused = [
            bytes.fromhex(each.command.seal)
            for each, answer in zip(read, answers, strict=True)
            if isinstance(each, Asked) and answer.status != "accepted"
        ]
        if unused:
            await asyncio.to_thread(self._drop, unused)
        return answers

    async def open(self, asked: Sequence[Asked[Any]]) -> list[Command]:
        """Put what is behind a submission's seals beside the verdict; which of it counts, the rules decide."""
        opened = await asyncio.to_thread(self._opened, {each.command.submission for each in asked})
        return [
            DecideSubmission(verdict=each.command, opened=tuple(opened.get(each.command.submission, ())))
            for each in asked
        ]

    def _roles(self, members: Collection[str]) -> Mapping[str, tuple[HeldRole, ...]]:
        found = self._log.read_streams([f"actor/{member}" for member in sorted(members)])
        held: dict[str, tuple[HeldRole, ...]] = {}
        for member in members:
            roles: dict[HeldRole, None] = {}
            for recorded in found.get(f"actor/{member}", ()):
                event = recorded.event
                if isinstance(event, RoleGranted | RoleWithdrawn):
                    role = HeldRole(role=event.role, region=event.region, place=event.place)
                    if isinstance(event, RoleGranted):
                        roles[role] = None
                    else:
                        roles.pop(role, None)
            held[member] = tuple(roles)
        return held

    def _keep(self, kept: Iterable[tuple[str, str, OpenedScores]]) -> None:
        with psycopg.connect(self._address) as connection, connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO personal.vault (commitment, subject, kind, value, salt) VALUES (%s, %s, %s, %s, %s)",
                [
                    (
                        bytes.fromhex(seal),
                        f"submission/{submission}",
                        _KIND,
                        orjson.dumps([opened.member, opened.scores.model_dump()]).decode(),
                        bytes.fromhex(opened.salt),
                    )
                    for seal, submission, opened in kept
                ],
            )

    def _drop(self, seals: Sequence[bytes]) -> None:
        with psycopg.connect(self._address) as connection:
            connection.execute("DELETE FROM personal.vault WHERE kind = %s AND commitment = ANY(%s)", [_KIND, seals])

    def _opened(self, submissions: Collection[str]) -> Mapping[str, list[OpenedScores]]:
        found: dict[str, list[OpenedScores]] = defaultdict(list)
        with psycopg.connect(self._address) as connection:
            rows = connection.execute(
                "SELECT subject, value, salt FROM personal.vault WHERE kind = %s AND subject = ANY(%s)",
                [_KIND, [f"submission/{submission}" for submission in submissions]],
            ).fetchall()
        for subject, value, salt in rows:
            member, points = orjson.loads(value)
            opened = OpenedScores(member=member, scores=Scores.model_validate(points), salt=bytes(salt).hex())
            found[subject.removeprefix("submission/")].append(opened)
        return found
