"""Flags for the answers to reports, from the served read models: best effort, and never in a report's way."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Final

from events.appends import Append
from events.catalogue.production import StepFact
from projections.advice import Sold, made_of_itself, sale_flags, sold_by, unknown_lots
from projections.bishkek import day_of
from services.books import Books, Look

#: Steps of one request that are looked at for circles; the folds look at all of them.
STEPS_MAX: Final = 50
#: Reports about which the read models are asked together.
ASKED_TOGETHER_MAX: Final = 1_000

logger = logging.getLogger(__name__)


class ServedAdvice:
    """Asks the served read models.

    One question for flags is on its way at a time: requests that come meanwhile share the next one, so that a busy
    door asks hardly more often than a quiet one.
    """

    def __init__(self, books: Books) -> None:
        self._books = books
        self._waiting: list[_Asked] = []
        self._asking: asyncio.Task[None] | None = None

    async def flags(self, facts: Sequence[Append]) -> list[tuple[str, ...]]:
        """The flags of each fact, in order; none of any when the read models do not answer."""
        asked = _Asked(facts)
        if asked.sales or asked.steps:
            self._waiting.append(asked)
            if self._asking is None or self._asking.done():
                self._asking = asyncio.create_task(self._ask_for_all())
            await asked.answered.wait()
        return asked.told

    async def closes_cycle(self, steps: Sequence[StepFact]) -> list[bool]:
        """Whether a step's output is known to be among the ancestors of one of its inputs."""
        closing = [False] * len(steps)

        def question(look: Look) -> None:
            for i, step in enumerate(steps[:STEPS_MAX]):
                closing[i] = made_of_itself(look, step.lot, [given.lot for given in step.inputs])

        await self._ask(question)
        return closing

    async def _ask_for_all(self) -> None:
        """Until nobody waits any more."""
        while self._waiting:
            together = [self._waiting.pop(0)]
            size = together[0].size
            while self._waiting and size + self._waiting[0].size <= ASKED_TOGETHER_MAX:
                together.append(self._waiting.pop(0))
                size += together[-1].size
            try:
                await self._ask(lambda look, asked=together: _answer(look, asked))  # type: ignore[misc]
            finally:
                for each in together:
                    each.answered.set()

    async def _ask(self, question: Callable[[Look], None]) -> None:
        try:
            await self._books.ask_soon(question)
        except Exception as error:
            logger.warning("no advice: %s", error)


class _Asked:
    """What one request wants to know."""

    def __init__(self, facts: Sequence[Append]) -> None:
        self.sales: list[tuple[int, Sold]] = []
        self.steps: list[tuple[int, StepFact]] = []
        for i, fact in enumerate(facts):
            event = fact.events[0]
            if isinstance(event, StepFact):
                self.steps.append((i, event))
            elif (sold := sold_by(event, day_of(fact.occurred_at))) is not None:
                self.sales.append((i, sold))
        self.told: list[tuple[str, ...]] = [()] * len(facts)
        self.answered = asyncio.Event()

    @property
    def size(self) -> int:
        return len(self.sales) + len(self.steps)


def _answer(look: Look, asked: Sequence[_Asked]) -> None:
    """Look up what all of them want to know, and tell each."""
    sales = [(each, i, sold) for each in asked for i, sold in each.sales]
    if sales:
        for (each, i, _), found in zip(sales, sale_flags(look, [sold for _, _, sold in sales]), strict=True):
            each.told[i] = found
    steps = [(each, i, step) for each in asked for i, step in each.steps]
    unknown = unknown_lots(look, {given.lot for _, _, step in steps for given in step.inputs}) if steps else set()
    for each, i, step in steps:
        if any(given.lot in unknown for given in step.inputs):
            each.told[i] = ("unknown_lot",)
