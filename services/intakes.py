"""The intakes of one installation, and the actors whom they know."""

import asyncio
import contextlib
import time
from collections.abc import Iterator, Sequence

from events.store import Log
from services.access.credentials import Credentials
from services.access.judge import Judge
from services.access.people_store import PeopleStore
from services.access.sender import Sender
from services.access.store import Device
from services.advice import ServedAdvice
from services.books import Books
from services.clock import NetworkClock
from services.handle import Handler
from services.intake import Intake, Queue
from services.reports import Reports
from services.settings import Settings


class KnownActors:
    """The actors who hold a valid credential, each believed for a while."""

    def __init__(self, credentials: Credentials, believed_seconds: float = 30.0) -> None:
        self._credentials = credentials
        self._seconds = believed_seconds
        self._believed: dict[str, tuple[float, Sender]] = {}

    async def __call__(self, actor: str) -> Sender | None:
        """The actor as a sender; None for one whose keys were all revoked."""
        now = time.monotonic()
        until, sender = self._believed.get(actor, (0.0, None))
        if now < until:
            return sender
        found = await asyncio.to_thread(self._credentials.of_actor, actor)
        if found is None:
            self._believed.pop(actor, None)
        else:
            self._believed[actor] = (now + self._seconds, found)
        return found


class Intakes:
    """The intakes of one installation: one for the hub, and one for each outlet that has a server of its own."""

    def __init__(self, intakes: Sequence[Intake]) -> None:
        self._intakes = intakes

    def stop(self) -> None:
        """Let `run` end."""
        for intake in self._intakes:
            intake.stop()

    async def run(self) -> None:
        """Take reports from all of them until stopped."""
        async with asyncio.TaskGroup() as running:
            for intake in self._intakes:
                running.create_task(intake.run())


@contextlib.contextmanager
def opened(settings: Settings) -> Iterator[Intakes]:
    """The intakes of one installation with what stands behind them. Raises NoDatabase, NoBroker."""
    writer, reader, keeper, broker = (
        settings.database_for("writer"),
        settings.database_for("reader"),
        settings.database_for("keeper"),
        settings.nats_for("intake"),
    )
    outlets = settings.broker_outlets.items()
    queues = [Queue.of_hub(broker), *(Queue.of_outlet(broker, outlet, actors) for outlet, actors in outlets)]
    with contextlib.ExitStack() as until:
        log = until.enter_context(Log(writer))
        credentials = Credentials(PeopleStore(keeper, connections=2), Judge(log), settings.believed_seconds)
        until.callback(credentials.close)
        books = Books(reader, connections=2)
        until.callback(books.close)
        clock = NetworkClock(log)
        reports = Reports(
            Handler(log),
            simulated=clock.simulated,
            clock=clock.now,
            advice=ServedAdvice(books),
            chains=credentials,
        )
        known = KnownActors(credentials, settings.believed_seconds)

        def signer(key_id: str) -> Device:
            return credentials.device(key_id)[0]

        yield Intakes([Intake(queue, reports, known, signer=signer) for queue in queues])
