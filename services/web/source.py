"""The pages' views from the served read models, each made in one snapshot."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Self

from events.catalogue.values import Names
from projections import label, overview
from projections.base import Connection
from services.books import Books, Standing, standing_of
from services.web.codes import candidates
from services.web.jar_view import jar_view
from services.web.network_view import network_view
from services.web.views import JarView, NetworkView

#: What a network is called before it was founded.
_UNFOUNDED = Names(ky="OVOP", ru="OVOP", en="OVOP")


class ServedPages:
    """Where the pages get what they show. Safe to share between threads; the network's view is kept by position."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._lock = threading.Lock()
        self._network: tuple[tuple[int, int], NetworkView, str | None] | None = None
        self._founded: tuple[Names, bool] | None = None

    @classmethod
    @contextmanager
    def reading(cls, reader_conninfo: str) -> Iterator[Self]:
        """A source of its own, for a command that ends soon."""
        books = Books(reader_conninfo, connections=2)
        try:
            yield cls(books)
        finally:
            books.close()

    def network(self) -> NetworkView:
        """The whole network as it stands now; made once for a position, however many look."""
        return self._current()[0]

    def sample_code(self) -> str | None:
        """The code of some batch that is worth a look."""
        return self._current()[1]

    def is_simulated(self) -> bool:
        """Whether the network's clock is simulated."""
        return self._founding()[1]

    def jar(self, codes: Sequence[str]) -> JarView | None:
        """The batch with the first of these codes that is known."""
        return self._jar(lambda connection: label.batch_of_code(connection, codes))

    def jar_or_lot(self, asked: str) -> JarView | None:
        """A batch by what stands on its label, or any lot by its id."""
        codes = candidates(asked)
        return (self.jar(codes) if codes else None) or self._jar(lambda _: asked.strip())

    def _current(self) -> tuple[NetworkView, str | None]:
        names, is_simulated = self._founding()
        with self._lock:
            head, standing = self._books.ask(lambda db: overview.head(db.connection))
            key = (standing.position, head)
            if self._network is None or self._network[0] != key:
                view, standing = self._books.ask(
                    lambda db: network_view(
                        db.connection, (at := standing_of(db.connection)), names, is_simulated, self._now(at)
                    )
                )
                sample = self._books.ask(lambda db: overview.sample_code(db.connection)).answer
                self._network = (standing.position, head), view, sample
            return self._network[1:]

    def _jar(self, lot_of: Callable[[Connection], str | None]) -> JarView | None:
        is_simulated = self._founding()[1]

        def view(connection: Connection) -> JarView | None:
            lot = lot_of(connection)
            if lot is None:
                return None
            standing = standing_of(connection)
            return jar_view(connection, lot, standing, is_simulated, self._now(standing))

        return self._books.ask(lambda db: view(db.connection)).answer

    def _founding(self) -> tuple[Names, bool]:
        if self._founded is None:
            event = self._books.ask(lambda db: overview.founded(db.connection)).answer
            if event is None:
                return _UNFOUNDED, False
            self._founded = event.names, event.clock == "simulated"
        return self._founded

    def _now(self, standing: Standing) -> datetime:
        """The network's clock: a simulated one stands at what was recorded last."""
        real = datetime.now(UTC)
        return (standing.recorded_at or real) if self._founding()[1] else real
