"""Kill everything at random under load, lose the broker in every way, and count what was promised.

    make chaos                                  60 kills, each way of losing the broker four times
    make chaos ARGS='--kills 6 --losses 1'      small, as in `make test`

Senders write down every report as sent, and as promised when they were answered (load.py). Afterwards (verdict.py): no
promised report is missing, positions have no gap, the stream is a window on the log, the read models equal a rebuild by
digest, and nothing lags. Two controls show that a lie would be seen: a report that was promised before it was stored,
and a read model with one changed row.
"""

import argparse
import asyncio
import contextlib
import json
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from uuid import UUID

import httpx
import nats
import nats.errors
import orjson
import psycopg

from events.broker import EVENTS_STREAM, BrokerAddress, actor_user
from events.nats_config import load_users
from events.store import Append, Log, content_hash
from events.streams import events_stream
from services.access.secrets import new_key
from services.access.sender import Sender
from services.access.store import Store
from services.embedded import EmbeddedNats, EmbeddedPostgres
from services.settings import Settings
from services.up import Kept, PythonProcess, Supervisor
from tests import make
from tests.histories import prologue
from tests.system import verdict
from tests.system.load import BrokerSender, HttpSender, Journal, as_item

VICTIMS = ("api", "relay", "projector", "intake", "postgres", "nats")
LOSSES = ("wiped", "truncated", "replaced by an empty one")
ACTOR = "integrator/chaos"
#: How long the installation may take to be whole again once nobody hits it.
SETTLE_SECONDS = 120.0


@dataclass
class Result:
    """What was done, and what was found afterwards."""

    seed: int
    kills: Counter[str] = field(default_factory=Counter)
    losses: Counter[str] = field(default_factory=Counter)
    sent: int = 0
    promised: int = 0
    promised_by_broker: int = 0
    unknown: int = 0
    settled_seconds: float = 0.0
    seconds: float = 0.0
    faults: list[str] = field(default_factory=list)
    #: Whether each planted lie was seen.
    controls: dict[str, bool] = field(default_factory=dict)

    @property
    def good(self) -> bool:
        return not self.faults and bool(self.controls) and all(self.controls.values())


class Chaos:
    """One installation under load, and its bad luck."""

    def __init__(self, directory: Path, seed: int, pause_seconds: tuple[float, float]) -> None:
        self._chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
        self._pause_seconds = pause_seconds
        self._supervisor = Supervisor(
            Settings(data_dir=directory, port=0, broker_actors=(ACTOR,), restarts_per_minute=1000, stop_seconds=5)
        )
        self._before = directory / "store-before"
        self.journal = Journal()
        self.result = Result(seed)

    @property
    def _settings(self) -> Settings:
        return self._supervisor.resolved

    def run(self, kills: int, losses: int, senders: int) -> Result:
        """From the first start to the last check."""
        begun = time.monotonic()
        try:
            self._supervisor.start()
            self._supervisor.wait_ready()
            self._found_network()
            self._suffer(self._blows(kills, losses), self._senders(senders))
            self._settle()
            self._judge()
        finally:
            self._supervisor.stop()
        self.result.seconds = round(time.monotonic() - begun, 1)
        return self.result

    def _blows(self, kills: int, losses: int) -> list[Callable[[], None]]:
        """In random order; everybody's turn comes, so that a small run meets as many as it can."""
        order = self._chance.sample(VICTIMS, len(VICTIMS))
        blows = [partial(self._kill, order[n % len(order)]) for n in range(kills)]
        blows += [partial(self._lose, loss) for loss in LOSSES for _ in range(losses)]
        self._chance.shuffle(blows)
        return list(blows)

    def _suffer(self, blows: list[Callable[[], None]], senders: list[HttpSender | BrokerSender]) -> None:
        for sender in senders:
            sender.start()
        for blow in blows:
            self._live(self._chance.uniform(*self._pause_seconds))
            blow()
        self._hear_promises_again()
        for sender in senders:
            sender.stopping.set()
        for sender in senders:
            self._live_until(lambda sender=sender: not sender.is_alive(), 60.0, f"{sender.name} to end")  # type: ignore[misc]
        self.result.sent, self.result.promised = len(self.journal.sent), len(self.journal.promised)
        self.result.promised_by_broker = len(self.journal.by_broker)
        self.result.unknown = self.journal.unknown

    def _hear_promises_again(self) -> None:
        """Wait until both doors work after the last blow."""
        enough = (len(self.journal.promised) + 100, len(self.journal.by_broker) + 10)
        self._live_until(
            lambda: len(self.journal.promised) >= enough[0] and len(self.journal.by_broker) >= enough[1],
            SETTLE_SECONDS,
            "promises through both doors",
        )

    def _settle(self) -> None:
        """Wait until nothing lags."""
        begun = time.monotonic()
        self._live_until(lambda: verdict.behind(self._settings) == 0, SETTLE_SECONDS, "lag 0")
        self._supervisor.wait_ready()
        self.result.settled_seconds = round(time.monotonic() - begun, 1)

    def _judge(self) -> None:
        settings, faults = self._settings, self.result.faults
        faults += self.journal.faults
        faults += verdict.missing(settings, self.journal.promised)
        faults += verdict.gaps(settings)
        faults += verdict.parked(settings)
        faults += verdict.stream_faults(settings, self.result.seed)
        faults += verdict.differences(settings)
        if not self.journal.by_broker or len(self.journal.promised) < len(self.result.kills):
            faults.append("there was no load to speak of")
        self.result.controls["a report promised before it was stored"] = self._early_promise_is_seen()
        self.result.controls["a read model with one changed row"] = self._changed_row_is_seen()

    # The controls: lies of the two kinds that matter, planted and looked for in the same way.

    def _early_promise_is_seen(self) -> bool:
        """An API that answers before it commits is killed in between: the report is sent, promised and lost."""
        self._end("api")
        item = as_item(make.sale_made(sale="sale-promised-too-early"))
        promised = dict(self.journal.promised) | {item["id"]: 1}
        with contextlib.suppress(httpx.HTTPError):
            httpx.post(f"{self._settings.base_url}/api/v1/events", content=orjson.dumps(item), timeout=2)
        return len(verdict.missing(self._settings, promised)) == 1

    def _changed_row_is_seen(self) -> bool:
        """A served table in which somebody corrected a figure by hand."""
        with psycopg.connect(self._settings.database_for("admin")) as connection:
            schema = connection.execute("SELECT schema FROM projection.serving WHERE model = 'income'").fetchone()
            assert schema is not None
            table = psycopg.sql.Identifier(schema[0], "income_lines")
            changed = connection.execute(
                psycopg.sql.SQL(
                    "UPDATE {0} SET gross_tyiyn = gross_tyiyn + 1 WHERE ctid = (SELECT ctid FROM {0} LIMIT 1)"
                ).format(table)
            ).rowcount
            assert changed == 1
        return any("income" in found for found in verdict.differences(self._settings))

    # The load.

    def _found_network(self) -> None:
        """The decisions that stand before the load, and the key of the actor who reports through the broker."""
        sugar = make.material_received(lot="lot-sugar-1", mass_g=10**9)
        appends = []
        for event in (*prologue(), sugar):
            item = as_item(event)
            appends.append(
                Append(
                    request_id=UUID(item["id"]),
                    request_hash=content_hash(item),
                    stream=event.stream(),
                    expected_version=None,
                    actor="center/admin",
                    occurred_at=datetime.fromisoformat(item["occurred_at"]),
                    events=(event,),
                )
            )
        writer = self._settings.database_for("writer")
        with Log(writer) as log, contextlib.closing(Store(self._settings.database_for("keeper"))) as store:
            log.append(appends)
            store.add_key(new_key(), Sender(ACTOR, "integrator", scopes=frozenset({"report", "name"})))

    def _senders(self, count: int) -> list[HttpSender | BrokerSender]:
        settings = self._settings
        key = settings.admin_key_file.read_text().strip()
        password = load_users(settings.data_dir / "secrets" / "broker-users.json").passwords[actor_user(ACTOR)]
        address = f"nats://{self._nats.address}"
        http = [HttpSender(f"h{n}", settings.base_url, key, self.journal, n) for n in range(count)]
        return [*http, BrokerSender("b0", address, ACTOR, password, self.journal, count)]

    # The bad luck.

    def _kill(self, name: str) -> None:
        """kill -9."""
        self._live_until(lambda: self._kept(name).alive, 60.0, f"{name} to live")
        self._end(name)
        self.result.kills[name] += 1

    def _end(self, name: str) -> None:
        kept = self._kept(name)
        if isinstance(kept, PythonProcess):
            assert kept.process is not None
            kept.process.send_signal(signal.SIGKILL)
            kept.process.wait()
        else:
            assert isinstance(kept, EmbeddedPostgres | EmbeddedNats)
            kept.kill()

    def _lose(self, loss: str) -> None:
        """The broker comes back without its disk, with an old one, or with a stream that is not ours."""
        self._live_until(lambda: self._nats.alive, 60.0, "the broker to live")
        store = self._nats.store
        if loss == "replaced by an empty one":
            self._live_until(self._replace_stream, 60.0, "a broker in which to replace the stream")
        else:
            self._end("nats")
            if loss == "truncated" and self._before.exists():
                shutil.rmtree(store)
                shutil.copytree(self._before, store)
            elif loss == "truncated":
                # What is copied now is behind at the next blow; this time the broker has only crashed.
                shutil.copytree(store, self._before)
                self._live(self._pause_seconds[1])
                self._lose(loss)
                return
            else:
                shutil.rmtree(store)
        self.result.losses[loss] += 1

    def _replace_stream(self) -> bool:
        """An empty stream of the same name and with the same limits; False when the broker does not answer."""

        async def replace() -> None:
            address = BrokerAddress.of_url(self._settings.nats_for("relay"))
            client = await nats.connect(address.server, **address.options, allow_reconnect=False, connect_timeout=2)
            try:
                with contextlib.suppress(nats.js.errors.NotFoundError):
                    await client.jetstream().delete_stream(EVENTS_STREAM)
                await client.jetstream().add_stream(events_stream())
            finally:
                await client.close()

        try:
            asyncio.run(replace())
        except (nats.errors.Error, OSError, TimeoutError):
            return False
        return True

    def _kept(self, name: str) -> Kept:
        return next(keeper.kept for keeper in self._supervisor._keepers if keeper.name == name)

    @property
    def _nats(self) -> EmbeddedNats:
        server = self._kept("nats")
        assert isinstance(server, EmbeddedNats)
        return server

    def _live(self, seconds: float) -> None:
        """Let time pass; what died is started again, as in any installation."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self._supervisor.look()
            time.sleep(0.02)

    def _live_until(self, condition: Callable[[], bool], seconds: float, what: str) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(f"waited {seconds:g} s for {what}; seed {self.result.seed}")
            self._live(0.05)


def main() -> None:
    """The command behind `make chaos`; exit status 1 when a promise was broken or a control was not seen."""
    parser = argparse.ArgumentParser(description="kill -9 under load")
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--losses", type=int, default=4, help="times each of: " + ", ".join(LOSSES))
    parser.add_argument("--senders", type=int, default=4)
    parser.add_argument("--pause", type=float, nargs=2, default=(0.3, 3.0), help="seconds between blows, from and to")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**9))
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ovop-chaos-") as directory:
        result = Chaos(Path(directory), given.seed, tuple(given.pause)).run(given.kills, given.losses, given.senders)
    told = asdict(replace(result, kills=Counter(), losses=Counter())) | {
        "kills": dict(result.kills),
        "losses": dict(result.losses),
        "good": result.good,
    }
    if given.json:
        sys.stdout.write(json.dumps(told, indent=2) + "\n")
    else:
        for name, value in told.items():
            sys.stdout.write(f"{name:<16} {value}\n")
    sys.exit(0 if result.good else 1)


if __name__ == "__main__":
    main()
