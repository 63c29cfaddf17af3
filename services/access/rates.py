"""How often somebody may knock: counted here at once, and in the database every second over all processes."""

import asyncio
import math
import time
from collections.abc import Callable, Mapping
from typing import Final

from services.errors import TooManyRequests

WINDOW_SECONDS: Final = 60
#: What other processes counted is known here after so long; so much more than the limit may pass in the worst case.
EXCHANGE_SECONDS: Final = 1.0
BUCKETS_MAX: Final = 100_000
#: The longest window whose counts are kept.
KEPT_SECONDS: Final = 3_600

type Window = tuple[str, int]
#: Adds counts to the database and answers what they are now; blocks.
type Exchange = Callable[[dict[Window, int], int], Mapping[Window, int]]


class Rates:
    """Counts requests per minute, by device, account and address."""

    def __init__(self, exchange: Exchange, now: Callable[[], float] = time.time) -> None:
        self._exchange = exchange
        self._now = now
        self._known: dict[Window, int] = {}
        self._unsent: dict[Window, int] = {}
        self._exchanged_at = 0.0
        self._running: asyncio.Task[None] | None = None

    def knock(self, bucket: str, per_minute: int) -> None:
        """One more request. Raises TooManyRequests."""
        now = self._now()
        window = (bucket, int(now // WINDOW_SECONDS) * WINDOW_SECONDS)
        if self._known.get(window, 0) + self._unsent.get(window, 0) >= per_minute:
            raise TooManyRequests(math.ceil(window[1] + WINDOW_SECONDS - now))
        self._unsent[window] = self._unsent.get(window, 0) + 1
        if now - self._exchanged_at >= EXCHANGE_SECONDS and (self._running is None or self._running.done()):
            self._exchanged_at = now
            self._running = asyncio.get_running_loop().create_task(self._exchange_counts(int(now)))

    async def close(self) -> None:
        """Wait for an exchange that is under way."""
        if self._running is not None:
            await asyncio.gather(self._running, return_exceptions=True)

    async def _exchange_counts(self, now: int) -> None:
        sent, self._unsent = self._unsent, {}
        self._known = {window: n for window, n in self._known.items() if window[1] > now - 2 * WINDOW_SECONDS}
        if len(self._known) > BUCKETS_MAX:
            self._known.clear()
        for window, n in sent.items():
            self._known[window] = self._known.get(window, 0) + n
        try:
            self._known |= await asyncio.to_thread(self._exchange, sent, now - KEPT_SECONDS)
        except Exception:
            # A database that does not answer stops nobody here and lets nobody through: this process goes on counting.
            return
