"""Asking what the log and the read models say: single answers, and lists that fetch their pages as they are read.

`after` is the position of a receipt: the answer waits until it speaks for it, so that one reads what one wrote. `as_of`
is a position or an instant of the log's clock: the books as they then stood.
"""

import json
import re
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple
from urllib.parse import quote

import httpx

from services.client import books, money
from services.client.answers import News, Said
from services.client.line import NOT_NOW, Line, NoAnswer, Refused, problem_of

type AsOf = int | datetime | None


class _List(NamedTuple):
    """How the pages of one list follow each other."""

    sent: str = "behind"  #: the parameter that asks for the rows behind a page
    told: str = "next"  #: the page's field that is sent back in it
    rows: str = ""  #: the field of its rows, where a page holds two lists


#: Addresses whose lists are not turned over as all others are, by `next` sent back as `behind`.
_LISTS: Final[tuple[tuple[re.Pattern[str], tuple[_List, ...]], ...]] = (
    (re.compile("events"), (_List("after", "next_after"),)),
    (re.compile("quarantine|documents|audit/exports|audit/cases(/[^/]+)?"), (_List("before"),)),
    (
        re.compile("outlets/[^/]+/shifts"),
        (_List(rows="shifts"), _List("behind_difference", "next_difference", "differences")),
    ),
)


class Reading(Line):
    """Every read of the API that a till, an office or another system needs; `get` is there for the others."""

    async def network(self, *, after: int = 0) -> money.Network:
        """The network at a glance; public."""
        return money.Network.model_validate(await self.get("network", after=after))

    async def lot(self, lot_or_code: str, *, after: int = 0, as_of: AsOf = None) -> books.LotCard:
        """A lot, or the batch of a code."""
        said = await self.get(f"lots/{_part(lot_or_code)}", after=after, as_of=_moment(as_of))
        return books.LotCard.model_validate(said)

    async def trace(self, lot_or_code: str, *, after: int = 0, as_of: AsOf = None) -> books.Trace:
        """Back from a lot to its villages, producers and ingredients."""
        said = await self.get(f"lots/{_part(lot_or_code)}/trace", after=after, as_of=_moment(as_of))
        return books.Trace.model_validate(said["trace"])

    async def forward(self, lot_or_code: str, *, after: int = 0, as_of: AsOf = None) -> books.Forward:
        """Forward from a lot to everything that came of it."""
        said = await self.get(f"lots/{_part(lot_or_code)}/forward", after=after, as_of=_moment(as_of))
        return books.Forward.model_validate(said["forward"])

    async def producer(self, producer: str, *, after: int = 0, as_of: AsOf = None) -> money.ProducerCard:
        """Everything about one producer's income."""
        said = await self.get("income", producer=producer, after=after, as_of=_moment(as_of))
        return money.ProducerCard.model_validate(said["producer"])

    def stock(
        self,
        *,
        place: str | None = None,
        product: str | None = None,
        batch: str | None = None,
        after: int = 0,
        as_of: AsOf = None,
    ) -> AsyncIterator[books.Stock]:
        """Units by place and batch."""
        asked = {"by": "batch", "place": place, "product": product, "batch": batch, "after": after}
        return self._rows(books.Stock, "inventory", "stock", asked, as_of)

    def stock_by_product(
        self, *, place: str | None = None, after: int = 0, as_of: AsOf = None
    ) -> AsyncIterator[books.ProductStock]:
        """Units by product, at one place or everywhere."""
        asked = {"by": "product", "place": place, "after": after}
        return self._rows(books.ProductStock, "inventory", "products", asked, as_of)

    def in_transit(
        self, *, place: str | None = None, after: int = 0, as_of: AsOf = None
    ) -> AsyncIterator[books.InTransit]:
        """What is under way, from or to a place or everywhere."""
        asked = {"by": "transit", "place": place, "after": after}
        return self._rows(books.InTransit, "inventory", "in_transit", asked, as_of)

    def flags(self, *, place: str | None = None, after: int = 0, as_of: AsOf = None) -> AsyncIterator[books.Flag]:
        """Judgements, those of the newest events first."""
        return self._rows(books.Flag, "inventory", "flags", {"by": "flag", "place": place, "after": after}, as_of)

    def sales(
        self,
        by: Literal["year", "month", "outlet", "channel"],
        *,
        year: int | None = None,
        after: int = 0,
        as_of: AsOf = None,
    ) -> AsyncIterator[money.Sales]:
        """Sales and the parts they were shared into."""
        return self._rows(money.Sales, "income", "income", {"by": by, "year": year, "after": after}, as_of)

    def product_sales(
        self, *, year: int | None = None, after: int = 0, as_of: AsOf = None
    ) -> AsyncIterator[money.ProductSales]:
        """Sales by product."""
        asked = {"by": "product", "year": year, "after": after}
        return self._rows(money.ProductSales, "income", "income", asked, as_of)

    def producers(
        self, *, year: int | None = None, after: int = 0, as_of: AsOf = None
    ) -> AsyncIterator[money.ProducerIncome]:
        """Every producer's income."""
        asked = {"by": "producer", "year": year, "after": after}
        return self._rows(money.ProducerIncome, "income", "income", asked, as_of)

    def income(
        self, by: Literal["village", "region"], *, year: int | None = None, after: int = 0, as_of: AsOf = None
    ) -> AsyncIterator[money.GroupIncome]:
        """The income of the producers of each village or region together."""
        return self._rows(money.GroupIncome, "income", "income", {"by": by, "year": year, "after": after}, as_of)

    def sums_of_five(
        self, by: Literal["village", "region"], *, year: int | None = None, after: int = 0
    ) -> AsyncIterator[money.SumsOfFive]:
        """What the ministry is told instead of `income`: sums of five producers at least."""
        return self._rows(money.SumsOfFive, "income", "income", {"by": by, "year": year, "after": after}, None)

    def periods(self, *, after: int = 0, as_of: AsOf = None) -> AsyncIterator[money.Period]:
        """Closed months."""
        return self._rows(money.Period, "income", "income", {"by": "period", "after": after}, as_of)

    def suspense(self, *, after: int = 0, as_of: AsOf = None) -> AsyncIterator[money.Suspense]:
        """What waits for a batch to be known."""
        return self._rows(money.Suspense, "income", "income", {"by": "suspense", "after": after}, as_of)

    async def events(
        self,
        *,
        after: int = 0,
        type: str | None = None,  # noqa: A002 - the parameter's name in the request
        stream: str | None = None,
        actor: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> AsyncIterator[books.LoggedEvent]:
        """Recorded events behind the position `after`, in their order, up to the log's end."""
        asked = {"type": type, "stream": stream, "actor": actor, "from": _moment(since), "to": _moment(until)}
        async for page in self.pages("events", **asked, after=after):
            for each in page["events"]:
                yield books.LoggedEvent.model_validate(each)

    async def pages(self, path: str, **parameters: str | int | bool | None) -> AsyncIterator[dict[str, Any]]:
        """The pages of any list of the API, from the cursor on that is said, if one is.

        Where a page holds two lists, the one that has come to its end is empty in the pages that follow. Raises
        ValueError when a page names as the next one the page it is itself: it would never end.
        """
        lists = _lists_of(path)
        behind = {each.sent: parameters.pop(each.sent, None) for each in lists}
        ended: dict[str, Any] = {}
        while True:
            said = await self.get(path, **parameters, **behind)
            yield said | ended
            following = {each.sent: said.get(each.told) for each in lists if each.rows not in ended}
            if any(cursor is not None and cursor == behind[name] for name, cursor in following.items()):
                raise ValueError(f"{path} names as the next page the one that was asked for: {following}")
            ended |= {each.rows: [] for each in lists if following.get(each.sent) is None}
            behind = following
            if len(ended) == len(lists):
                return

    async def news(self) -> AsyncIterator[News]:
        """The network's totals, at once and whenever the read models have moved on; ends when the server does.

        Public. Raises Refused, NoAnswer when the line breaks: listen again then.
        """
        try:
            async with self._http.stream("GET", "/api/v1/stream", timeout=httpx.Timeout(30.0)) as response:
                if not response.is_success:
                    await response.aread()
                    problem = problem_of(response)
                    raise NoAnswer(problem.code, problem) if response.status_code in NOT_NOW else Refused(problem)
                name, standing = "", {}
                async for line in response.aiter_lines():
                    field, _, content = line.partition(": ")
                    if field == "event":
                        name = content
                    elif field == "data" and name == "position":
                        standing = json.loads(content)
                    elif field == "data" and name == "totals":
                        yield News.model_validate(standing | json.loads(content))
        except httpx.TransportError as error:
            raise NoAnswer(repr(error)) from error

    async def _rows[S: Said](
        self, kind: type[S], path: str, name: str, asked: dict[str, Any], as_of: AsOf
    ) -> AsyncIterator[S]:
        async for page in self.pages(path, **asked, as_of=_moment(as_of)):
            for each in page[name] or ():
                yield kind.model_validate(each)


def _part(name: str) -> str:
    """A name as one part of an address, whatever is in it."""
    return quote(name, safe="")


def _lists_of(path: str) -> tuple[_List, ...]:
    return next((lists for pattern, lists in _LISTS if pattern.fullmatch(path)), (_List(),))


def _moment(moment: AsOf) -> str | None:
    if moment is None:
        return None
    return str(moment) if isinstance(moment, int) else moment.isoformat()
