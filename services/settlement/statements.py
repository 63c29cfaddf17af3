"""What the deciders of settlement need to know of the income read model, put into commands before they are decided."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, Literal

from events.catalogue.base import Event
from events.catalogue.values import ActorId, Id, Month, PositiveTyiyn, ProducerId, Reason, RegionCode
from projections.base import Db
from projections.income_periods import Statement, statement
from projections.income_queries import earned_of, last_closed_month
from projections.income_restatements import restated
from services.decider import Command
from services.errors import NotThereYet, Refused
from services.front import Front
from services.handle import Asked
from services.settlement.requests import ClosePeriod, MakePayout, MakeRestatement

INCOME = ("income",)


class StatementNotReady(NotThereYet):
    """A month is stated from the books of income as of the end of the log, and these have not reached it yet."""

    advice = "Send the same request again in a moment, with the same id."


class ClosePeriodAsked(Command):
    """Close a region's month. The statement is taken from the income read model at the end of the log."""

    region: RegionCode
    month: Month

    @classmethod
    def verb(cls) -> str:
        return ClosePeriod.verb()

    @classmethod
    def writes(cls) -> tuple[type[Event], ...]:
        return ClosePeriod.writes()


class MakeRestatementAsked(Command):
    """State a closed month anew, by what the income read model knows of it now; two members."""

    region: RegionCode
    month: Month
    members: tuple[ActorId, ...]
    reason: Reason

    @classmethod
    def verb(cls) -> str:
        return MakeRestatement.verb()

    @classmethod
    def writes(cls) -> tuple[type[Event], ...]:
        return MakeRestatement.writes()


class MakePayoutAsked(Command):
    """Pay a producer. What is owed is taken from the frozen statements of the income read model."""

    producer: ProducerId
    payout: Id
    amount_tyiyn: PositiveTyiyn
    method: Literal["cash", "elqr", "transfer"]
    members: tuple[ActorId, ...] = ()

    @classmethod
    def verb(cls) -> str:
        return MakePayout.verb()

    @classmethod
    def writes(cls) -> tuple[type[Event], ...]:
        return MakePayout.writes()


class Statements:
    """Asks the income read model."""

    def __init__(self, front: Front) -> None:
        self._front = front

    async def with_last_closed_month(self, asked: Sequence[Asked[Any]]) -> list[Command]:
        """Terms hold for sales yet to come; no month that any region has closed is touched."""
        told = await self._front.books.ask_soon(lambda db: last_closed_month(db.connection), INCOME)
        return [
            each.command.model_copy(update={"last_closed_month": told.answer, "today": self._today(each)})
            for each in asked
        ]

    def _today(self, asked: Asked[Any]) -> date:
        return self._front.clock.today(asked.recorded_at or asked.occurred_at)

    async def with_statement_to_close(self, asked: Sequence[Asked[Any]]) -> list[Command | Refused]:
        through, found = await self._statements(asked, statement)
        return [
            ClosePeriod(
                region=each.command.region,
                month=each.command.month,
                today=self._today(each),
                through_position=through,
                statement_digest=said.digest,
                producers=said.totals.producers,
                earned_tyiyn=said.totals.earned_tyiyn,
                unknown_tyiyn=said.totals.unknown_tyiyn,
            )
            for each, said in zip(asked, found, strict=True)
        ]

    async def with_statement_anew(self, asked: Sequence[Asked[Any]]) -> list[Command | Refused]:
        through, found = await self._statements(asked, restated)
        return [
            MakeRestatement(
                region=each.command.region,
                month=each.command.month,
                through_position=through,
                statement_digest=said.digest,
                members=each.command.members,
                reason=each.command.reason,
            )
            for each, said in zip(asked, found, strict=True)
        ]

    async def _statements(
        self, asked: Sequence[Asked[Any]], state: Callable[[Db, str, str, int], Statement]
    ) -> tuple[int, list[Statement]]:
        """What `state` makes of these months at the end of the log, once the read model has reached it.

        Raises StatementNotReady.
        """
        through = (await asyncio.to_thread(self._front.handler.log.head)).position
        months = [(each.command.region, each.command.month) for each in asked]

        def question(db: Db) -> list[Statement]:
            return [state(db, region, month, through) for region, month in months]

        try:
            told = await self._front.books.ask_soon(question, INCOME, after=through)
        except NotThereYet:
            raise StatementNotReady from None  # a command has no field `after`
        return through, told.answer

    async def with_what_is_earned(self, asked: Sequence[Asked[Any]]) -> list[Command]:
        producers = {each.command.producer for each in asked}
        told = await self._front.books.ask_soon(lambda db: earned_of(db.connection, producers), INCOME)
        return [
            MakePayout(
                producer=each.command.producer,
                payout=each.command.payout,
                amount_tyiyn=each.command.amount_tyiyn,
                method=each.command.method,
                members=each.command.members,
                earned_tyiyn=told.answer.get(each.command.producer, 0),
                statement_position=told.standing.position,
            )
            for each in asked
        ]
