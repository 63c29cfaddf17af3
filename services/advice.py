"""Flags for the answers to reports, from the served read models: best effort, and never in a report's way."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

from events.appends import Append
from events.catalogue.production import StepFact
from projections.advice import Known, Sold, WareName, known, made_of_itself, sold_by, unknown_lots
from projections.bishkek import day_of
from services.books import Books, Look

#: Steps of one request that are looked at for circles; the folds look at all of them.
STEPS_MAX: Final = 50
#: Reports about which the read models are asked together.
ASKED_TOGETHER_MAX: Final = 1_000
#: How long what was heard of batches and wares is believed; read models are that far behind themselves now and then.
BELIEVED_SECONDS: Final = 1.0
BELIEVED_MAX: Final = 20_000
#: No report waits longer for its flags: the folds raise them in any case.
WAITED_SECONDS_MAX: Final = 5.0

logger = logging.getLogger(__name__)


class ServedAdvice:
    """Asks the served read models.

    One question for flags is on its way at a time: requests that come meanwhile share the next one, and what was
    heard a moment ago is not asked again. So a busy door asks hardly more often than a quiet one.
    """

    def __init__(self, books: Books) -> None:
        self._books = books
        self._believed = _Believed()
        self._waiting: list[_Asked] = []
        self._asking: asyncio.Task[None] | None = None

    async def flags(self, facts: Sequence[Append]) -> list[tuple[str, ...]]:
        """The flags of each fact, in order; none of any when the read models do not answer."""
        asked = _Asked(facts)
        if not asked.size:
            return asked.told
        if asked.steps or self._believed.is_over or not self._believed.knows(asked.sales):
            self._waiting.append(asked)
            if self._asking is None or self._asking.done():
                self._asking = asyncio.create_task(self._ask_for_all())
            with suppress(TimeoutError):
                await asyncio.wait_for(asked.answered.wait(), WAITED_SECONDS_MAX)
        else:
            self._believed.tell(asked)
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
                await self._tell(together)
            except Exception:
                logger.exception("no advice")
            finally:
                for each in together:
                    each.answered.set()

    async def _tell(self, together: Sequence["_Asked"]) -> None:
        """Look up what all of them want to know and nobody was told a moment ago, and tell each."""
        before = self._believed
        believed = _Believed() if before.is_over else before
        batches, wares = believed.unknown([sale for each in together for sale in each.sales])
        if believed is not before and before.is_recent:
            # What was asked for in the last moment will be in the next: together it is one question.
            batches, wares = batches | before.batches, wares | before.wares
        lots = {given.lot for each in together for _, step in each.steps for given in step.inputs}

        def question(look: Look) -> tuple[Known, set[str]]:
            found = known(look, batches, wares) if batches or wares else Known({}, {})
            return found, unknown_lots(look, lots) if lots else set()

        answer = await self._ask(question) if batches or wares or lots else (Known({}, {}), set[str]())
        if answer is None:
            return
        found, unknown = answer
        believed.note(found)
        self._believed = believed
        for each in together:
            believed.tell(each)
            for i, step in each.steps:
                if any(given.lot in unknown for given in step.inputs):
                    each.told[i] = ("unknown_lot",)

    async def _ask[T](self, question: Callable[[Look], T]) -> T | None:
        """What the read models say; None when they say nothing."""
        try:
            return (await self._books.ask_soon(question)).answer
        except Exception as error:
            logger.warning("no advice: %s", error)
            return None


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


class _Believed:
    """What is known of batches and wares in this moment, and which of them were asked for."""

    def __init__(self) -> None:
        self._known = Known({}, {})
        self._since = time.monotonic()
        self.batches: set[str] = set()
        self.wares: set[WareName] = set()

    @property
    def is_over(self) -> bool:
        return time.monotonic() > self._since + BELIEVED_SECONDS or len(self._known.goods) > BELIEVED_MAX

    @property
    def is_recent(self) -> bool:
        """Whether it was over just now, and for its age alone."""
        return time.monotonic() < self._since + 2 * BELIEVED_SECONDS and len(self._known.goods) <= BELIEVED_MAX

    def knows(self, sales: Sequence[tuple[int, Sold]]) -> bool:
        """Whether all that is in these receipts is known."""
        return not any(self.unknown(sales))

    def unknown(self, sales: Sequence[tuple[int, Sold]]) -> tuple[set[str], set[WareName]]:
        """Batches and wares of these receipts of which nothing is known."""
        wares = {(sold.sale.outlet, line.product) for _, sold in sales for line in sold.sale.lines}
        batches = {line.batch for _, sold in sales for line in sold.sale.lines if line.batch is not None}
        self.batches |= batches
        self.wares |= wares
        return batches - self._known.goods.keys(), wares - self._known.wares.keys()

    def note(self, found: Known) -> None:
        self._known = Known({**self._known.goods, **found.goods}, {**self._known.wares, **found.wares})

    def tell(self, asked: "_Asked") -> None:
        """Put the flags of its receipts where they belong; all that is in them is known."""
        for i, sold in asked.sales:
            asked.told[i] = self._known.flags_of(sold)
