"""Taking in: `POST /api/v1/events` in lists of 50, as tills send them when the line is back, beside the raw limit.

Everything that `ovop up` runs is there on this machine: API, PostgreSQL with fsync, relay, broker, projector, intake.
The bar is about taking in (API, database, relay and broker): for that way the projector stands still, and folds
afterwards; the same with it at work stands beside.

The limit, in the same rounds on the same server: the same leaves by psycopg, 50 in an INSERT and a commit, into a table
with the log's columns and indexes; as many callers, no HTTP, no reading, no idempotence, no order, nobody who folds
them. The bodies and the rows are ready before the clock starts, and what is answered is looked at after it stopped.
"""

import hashlib
import http.client
import itertools
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import orjson
import psycopg

from events.canonical import hash_leaf, instant
from events.catalogue.base import Event
from events.catalogue.outlets import SaleMade
from events.store import Append, Log
from projections.runner import lag
from services.access.people_store import PeopleStore
from services.access.secrets import new_key
from services.access.sender import Sender
from services.settings import Settings
from services.up import Supervisor
from tests import make
from tests.bench.append import OUTLETS, a_sale
from tests.bench.measure import Report, bar, in_threads, rounds, row, timed, uuid7

CALLERS = 8
LIST_ITEMS = 50
#: Of each round; at the rates of two cores some seconds.
EVENTS = 60_000
WARM_EVENTS = 20_000
RATIO_MIN = 0.25

OURS = f"POST /api/v1/events, lists of {LIST_ITEMS}"
FOLDING = "the same, the projector at work"
UNADVISED = "the same, OVOP-Advice: none"
FOLDED = "the same, until the read models hold it"
RAW = f"bare INSERT of {LIST_ITEMS} rows per commit"

_LOTS = 1_511
_COLUMNS = (
    "event_id", "request_hash", "stream", "version", "type", "occurred_at", "recorded_at", "actor", "leaf", "leaf_hash"
)  # fmt: skip
_TABLE = """
CREATE SCHEMA raw;
CREATE TABLE raw.events (LIKE log.events INCLUDING ALL);
ALTER TABLE raw.events ALTER position ADD GENERATED ALWAYS AS IDENTITY;
"""
_ROW = f"({', '.join(['%s'] * len(_COLUMNS))})"
_INSERT = f"INSERT INTO raw.events ({', '.join(_COLUMNS)}) VALUES {', '.join([_ROW] * LIST_ITEMS)}"


@dataclass(frozen=True, slots=True)
class Upload:
    """A list of one till's sales, ready to be sent."""

    till: int
    body: bytes


def sale(number: int) -> SaleMade:
    """A receipt of the till whose turn it is: `LIST_ITEMS` in a row, then the next till's."""
    turn, item = divmod(number, LIST_ITEMS)
    till = turn % OUTLETS
    counter = turn // OUTLETS * LIST_ITEMS + item + 1
    return a_sale(number).model_copy(
        update={
            "outlet": f"outlet-{till:02d}",
            "till": f"till-{till:02d}",
            "cashier": f"cashier-{till:02d}",
            "till_counter": counter,
            "shift": f"shift-{till:02d}-{counter // 200}",
        }
    )


def network() -> Iterator[Event]:
    """A network that knows what the tills sell, so that nothing is flagged."""
    yield make.network_founded()
    yield make.region_joined()
    yield make.village_registered()
    yield make.workshop_opened()
    for till in range(OUTLETS):
        yield make.outlet_opened(outlet=f"outlet-{till:02d}")
    yield make.product_defined(product="jam-apricot-450")
    yield make.product_defined(product="felt-slippers", group="felt", unit="pair", net_mass_g=0, origin_basis="pieces")
    for lot in range(_LOTS):
        yield make.batch_packed(lot=f"lot-{lot}", code=f"{lot:07d}A", units=1_000_000)


def uploads(numbers: range) -> list[Upload]:
    now = datetime.now(UTC).isoformat()
    made = []
    for start in range(numbers.start, numbers.stop, LIST_ITEMS):
        sales = [sale(number) for number in range(start, start + LIST_ITEMS)]
        items = [
            {
                "id": uuid7(),
                "type": each.wire_name,
                "occurred_at": now,
                "data": each.model_dump(mode="json", exclude_none=True),
            }
            for each in sales
        ]
        made.append(Upload(start // LIST_ITEMS % OUTLETS, orjson.dumps(items)))
    return made


def raw_lists(numbers: range) -> list[list[object]]:
    """The parameters of each INSERT: the leaves that the same sales have in the log."""
    now = datetime.now(UTC)
    versions: Counter[str] = Counter()
    made = []
    for start in range(numbers.start, numbers.stop, LIST_ITEMS):
        parameters: list[object] = []
        for number in range(start, start + LIST_ITEMS):
            event = sale(number)
            digest = hashlib.sha256(event.model_dump_json().encode()).digest()
            append = Append(uuid7(), digest, event.stream(), None, f"till/{event.till}", now, (event,))
            [(head, tail)] = append.ends
            leaf = head + instant(now).encode() + tail
            stream = f"{event.stream()}-{numbers.start}"
            versions[stream] += 1
            parameters += [
                append.request_id, digest, stream, versions[stream], event.wire_name, now, now, append.actor, leaf,
                hash_leaf(leaf),
            ]  # fmt: skip
        made.append(parameters)
    return made


@dataclass
class Door:
    """The front door of an installation, with a key for each till."""

    settings: Settings
    keys: list[str] = field(default_factory=list)

    def enrol(self) -> None:
        with closing(PeopleStore(self.settings.database_for("keeper"))) as store:
            for till in range(OUTLETS):
                key = new_key()
                store.add_key(key, Sender(f"till/till-{till:02d}", "till", f"outlet-{till:02d}"))
                self.keys.append(key.text)

    def send(self, lists: Sequence[Upload], *, advise: bool) -> None:
        answers: list[bytes] = []

        def caller(mine: Sequence[Upload]) -> None:
            parts = urlsplit(self.settings.base_url)
            with closing(http.client.HTTPConnection(parts.hostname or "", parts.port)) as connection:
                for upload in mine:
                    headers = {"Authorization": f"Bearer {self.keys[upload.till]}", "Content-Type": "application/json"}
                    if not advise:
                        headers["OVOP-Advice"] = "none"
                    connection.request("POST", "/api/v1/events", upload.body, headers)
                    answers.append(connection.getresponse().read())

        in_threads(CALLERS, caller, lists)
        statuses = Counter(answer["status"] for content in answers for answer in orjson.loads(content))
        assert statuses == {"accepted": len(lists) * LIST_ITEMS}, statuses

    def until_folded(self) -> None:
        """Wait until the read models hold everything."""
        with closing(psycopg.connect(self.settings.database_for("reader"), autocommit=True)) as connection:
            deadline = time.monotonic() + 600
            while lag(connection).events:
                assert time.monotonic() < deadline, "the read models do not follow"
                time.sleep(0.02)


def insert(conninfo: str, lists: Sequence[list[object]]) -> None:
    def caller(mine: Sequence[list[object]]) -> None:
        with psycopg.connect(conninfo, autocommit=True) as connection:
            for parameters in mine:
                connection.execute(_INSERT, parameters, prepare=True)

    in_threads(CALLERS, caller, lists)


@contextmanager
def held(name: str) -> Iterator[None]:
    """Meanwhile a process of the installation stands still."""
    for child in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
        if name in Path(f"/proc/{child}/cmdline").read_text().split("\0"):
            break
    else:
        raise LookupError(f"no process {name}")
    os.kill(int(child), signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(int(child), signal.SIGCONT)


@contextmanager
def installation(directory: Path) -> Iterator[Door]:
    """Everything that `ovop up` runs, with a network that is known to its read models."""
    with ExitStack() as until:
        supervisor = Supervisor(Settings(data_dir=directory / "intake", port=0))
        until.callback(supervisor.stop)
        supervisor.start()
        supervisor.wait_ready()
        door = Door(supervisor.resolved)
        door.enrol()
        with Log(supervisor.resolved.database_for("writer")) as log:
            known = [
                Append(uuid7(), bytes(32), event.stream(), None, "user/bench", datetime.now(UTC), (event,))
                for event in network()
            ]
            log.append(known)
        with psycopg.connect(supervisor.resolved.database_for("admin"), autocommit=True) as connection:
            connection.execute(_TABLE)
        door.until_folded()
        yield door


def run(directory: Path, times: int = 5, share: float = 1.0) -> Report:
    """Alternating rounds; `share` scales the events of each."""
    with installation(directory) as door:
        events = max(CALLERS, round(EVENTS * share) // LIST_ITEMS) * LIST_ITEMS
        starts = itertools.count(0, EVENTS * 10)
        folded: list[float] = []

        def ours(events: int, *, advise: bool = True, fold: bool = True) -> float:
            start = next(starts)
            lists = uploads(range(start, start + events))
            with nullcontext() if fold else held("projector"):
                begun = time.perf_counter()
                rate = timed(lambda: door.send(lists, advise=advise), events)
            door.until_folded()
            if advise and fold:
                folded.append(events / (time.perf_counter() - begun))
            return rate

        def raw(events: int) -> float:
            start = next(starts)
            lists = raw_lists(range(start, start + events))
            return timed(lambda: insert(door.settings.database_for("admin"), lists), events)

        ways: dict[str, Callable[[int], float]] = {
            OURS: partial(ours, fold=False),
            FOLDING: ours,
            UNADVISED: partial(ours, advise=False),
            RAW: raw,
        }
        for way in ways.values():  # connections, plans, files and caches that the first use makes
            way(min(events, WARM_EVENTS))
        folded.clear()
        found = rounds({name: partial(way, events) for name, way in ways.items()}, times)
    rows = [row(name, values, "events/s") for name, values in (found | {FOLDED: folded}).items()]
    bars = [bar(f"{OURS} / {RAW}", found[OURS], found[RAW], RATIO_MIN)]
    return Report(f"Taking reports in, {CALLERS} callers", rows, bars)
