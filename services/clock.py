"""What time it is in the network: the real one, or, for a network founded with a simulated clock, the one reported."""

from collections.abc import Callable
from datetime import UTC, date, datetime

from events.store import Log, Network
from projections.bishkek import day_of


def _now() -> datetime:
    return datetime.now(UTC)


class NetworkClock:
    """The clock that the founding event fixed for ever."""

    def __init__(self, log: Log, now: Callable[[], datetime] = _now) -> None:
        self._log = log
        self._network: Network | None = None
        self.now = now

    def network(self) -> Network | None:
        """The network, None before it was founded. Asks the log until then, and never again."""
        if self._network is None:
            self._network = self._log.network()
        return self._network

    def simulated(self) -> bool:
        """Whether reports say when they were recorded."""
        network = self.network()
        return network is not None and network.clock == "simulated"

    def today(self, stated: datetime) -> date:
        """The day in Bishkek: of the real clock, or of what a request to a simulated network states."""
        return day_of(stated if self.simulated() else self.now())

    def moment_of(self, recorded_at: datetime | None, *, is_past: bool = False) -> datetime:
        """When it is in books whose newest event was recorded then; None is an empty log.

        A simulated clock stands at that event, and so do books of the past: they are judged by the day they speak of,
        whenever somebody asks. Otherwise it is now.
        """
        return recorded_at if recorded_at is not None and (is_past or self.simulated()) else self.now()

    def day_of(self, recorded_at: datetime | None, *, is_past: bool = False) -> date:
        """The same as a day in Bishkek."""
        return day_of(self.moment_of(recorded_at, is_past=is_past))
