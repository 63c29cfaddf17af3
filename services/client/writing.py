"""Saying what happened and asking for decisions."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from pydantic import TypeAdapter

from events.catalogue.base import Decision, Fact
from services.client.answers import Answer
from services.client.devices import CHAIN_HEAD_HEADER, DeviceKey, head_of
from services.client.line import Bearer, Line, as_body
from services.client.sending import Asking, Report, Sent, lists, together

_ANSWERS: Final = TypeAdapter(list[Answer])


class Writing(Line):
    """Facts, decisions, and coming in. Whatever is tried again is the same bytes with the same ids."""

    async def tell(
        self,
        fact: Fact,
        occurred_at: datetime | None = None,
        *,
        id: UUID | None = None,  # noqa: A002 - the field's name in the request
        actor: str | None = None,
        advise: bool = True,
    ) -> Answer:
        """Report one fact. A quarantined one is answered, a refused one raised. Raises Refused, NoAnswer."""
        return await self._one("events", Report.of(fact, occurred_at, id=id, actor=actor), advise=advise)

    async def tell_at(
        self,
        address: str,
        fact: Fact,
        occurred_at: datetime | None = None,
        *,
        id: UUID | None = None,  # noqa: A002 - the field's name in the request
    ) -> Answer:
        """Report one fact by its own address: `sales`, `producers/lot-collected`. Raises Refused, NoAnswer."""
        report = Report.of(fact, occurred_at, id=id)
        item = json.loads(report.body)
        said = item["data"] | {"id": item["id"], "occurred_at": item["occurred_at"]}
        # Whichever way it comes, a report has the hash that it has as an item of /api/v1/events.
        return Answer.model_validate_json(await self._posted(address, as_body(said), self._chained([report])))

    async def report(self, reports: Iterable[Report], *, advise: bool = True) -> list[Answer]:
        """Report any number of facts, in lists as long as the door takes; an answer to each, in order.

        What is refused or in conflict is among the answers, and the others are taken. `advise` False leaves out the
        look-ups behind `flagged`, for back-fill in bulk. Raises Refused (nothing of that list was taken), NoAnswer:
        then report all of them again.
        """
        answers: list[Answer] = []
        for part in lists(reports):
            answers += await self._list("events", part, advise=advise)
        return answers

    async def ask(
        self,
        command: str,
        fields: Decision | Mapping[str, Any],
        occurred_at: datetime | None = None,
        *,
        id: UUID | None = None,  # noqa: A002 - the field's name in the request
        actor: str | None = None,
    ) -> Answer:
        """Ask for one decision, by its command and the event that is to follow. Raises Refused, NoAnswer."""
        return await self._one(command, Asking.of(command, fields, occurred_at, id=id, actor=actor))

    async def ask_all(self, command: str, askings: Iterable[Asking]) -> list[Answer]:
        """Ask for many decisions of one kind; an answer to each, in order, those that are refused among them.

        Raises Refused, NoAnswer, ValueError for an asking of another kind.
        """
        answers: list[Answer] = []
        for part in lists(askings):
            if any(asking.command != command for asking in part):
                raise ValueError(f"not all of these ask for {command}")
            answers += await self._list(command, part)
        return answers

    async def agree(self, asking: Asking) -> None:
        """Say yes to what another will send and two must decide. Raises Refused, NoAnswer."""
        await self.post("agreements", as_body({"command": asking.command, "item": json.loads(asking.body)}))

    async def sign_in(self, name: str, password: str) -> str:
        """Speak as a person from now on; answers whom. Raises Refused, NoAnswer."""
        said = await self.post("session", as_body({"name": name, "password": password}), once=True)
        self.auth = Bearer(said["token"])
        self._held.clear()
        return str(said["actor"])

    async def sign_out(self) -> None:
        """End the session. Raises Refused, NoAnswer."""
        await self.delete("session")
        self.auth = None
        self._held.clear()

    async def _one(self, path: str, item: Sent, *, advise: bool = True) -> Answer:
        return Answer.model_validate_json(await self._posted(path, item.body, self._headers([item], advise)))

    async def _list(self, path: str, items: Sequence[Sent], *, advise: bool = True) -> list[Answer]:
        return _ANSWERS.validate_json(await self._posted(path, together(items), self._headers(items, advise)))

    def _headers(self, items: Sequence[Sent], advise: bool) -> dict[str, str]:
        return self._chained(items) | ({} if advise else {"OVOP-Advice": "none"})

    def _chained(self, items: Sequence[Sent]) -> dict[str, str]:
        """The head of a device's chain, which it signs together with the body."""
        return {CHAIN_HEAD_HEADER: head_of(items)} if isinstance(self.auth, DeviceKey) else {}
