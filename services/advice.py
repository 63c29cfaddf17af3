"""Flags for the answers to reports, from the served read models: best effort, and never in a report's way."""

import logging
from collections.abc import Callable, Sequence
from typing import Final

from events.appends import Append
from events.catalogue.production import StepFact
from projections.advice import made_of_itself, sale_flags, sold_by, unknown_lots
from projections.bishkek import day_of
from services.books import Books, Look

#: Steps of one request that are looked at for circles; the folds look at all of them.
STEPS_MAX: Final = 50

logger = logging.getLogger(__name__)


class ServedAdvice:
    """Asks the served read models."""

    def __init__(self, books: Books) -> None:
        self._books = books

    async def flags(self, facts: Sequence[Append]) -> list[tuple[str, ...]]:
        """The flags of each fact, in order; none of any when the read models do not answer."""
        sales = [
            (i, sold)
            for i, fact in enumerate(facts)
            if (sold := sold_by(fact.events[0], day_of(fact.occurred_at))) is not None
        ]
        steps = [(i, event) for i, fact in enumerate(facts) if isinstance(event := fact.events[0], StepFact)]
        told: list[tuple[str, ...]] = [()] * len(facts)
        if not sales and not steps:
            return told

        def question(look: Look) -> None:
            if sales:
                for (i, _), found in zip(sales, sale_flags(look, [sold for _, sold in sales]), strict=True):
                    told[i] = found
            unknown = unknown_lots(look, {given.lot for _, step in steps for given in step.inputs}) if steps else set()
            for i, step in steps:
                if any(given.lot in unknown for given in step.inputs):
                    told[i] = ("unknown_lot",)

        await self._ask(question)
        return told

    async def closes_cycle(self, steps: Sequence[StepFact]) -> list[bool]:
        """Whether a step's output is known to be among the ancestors of one of its inputs."""
        closing = [False] * len(steps)

        def question(look: Look) -> None:
            for i, step in enumerate(steps[:STEPS_MAX]):
                closing[i] = made_of_itself(look, step.lot, [given.lot for given in step.inputs])

        await self._ask(question)
        return closing

    async def _ask(self, question: Callable[[Look], None]) -> None:
        try:
            await self._books.ask_soon(question)
        except Exception as error:
            logger.warning("no advice: %s", error)
