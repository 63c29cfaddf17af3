"""Tracing over 1,000,000 lots and 2,000,000 edges: back from a jar, forward from a harvest, and a jar's stored shares.

Five layers as in a real network: harvest lots are pooled, cooked into intermediates, blended into jars, and packed into
gift boxes; sugar and jars go into all of them. The rows are copied into the read models' own tables; the questions
are the very functions that the API asks, on a reader's connection and without HTTP.
"""

import random
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, date, datetime
from pathlib import Path

import psycopg

from projections import inventory_tables, traceability_tables
from projections.base import Connection, Db, create_other_indexes, create_tables, use_schema
from projections.lineage import ALL_UNKNOWN, Part, Shares, all_of, blend
from projections.statements import Row
from projections.traceability_queries import ancestry, villages_of
from projections.traceability_trace import trace
from projections.whereabouts import forward
from services.embedded import EmbeddedPostgres
from services.read_models import READ_MODELS
from tests.bench.measure import Bar, Report, row

BACKWARD_P99_MS_MAX, SHARES_P99_MS_MAX = 25.0, 2.0
PRODUCERS, VILLAGES, OUTLETS = 1_500, 150, 32
QUESTIONS = 1_000
SEED = 11
_MOMENT = datetime(2016, 7, 1, tzinfo=UTC)
_DAY = date(2016, 8, 1)

#: Layer, its size, and from which layer each of its lots takes how many.
LAYERS = (("harvest", 600_000, "", 0), ("pool", 200_000, "harvest", 4), ("pulp", 120_000, "pool", 4),
          ("jar", 60_000, "pulp", 6), ("box", 19_600, "jar", 12))  # fmt: skip
SUPPLIES = 400
#: Inputs of a lot lie this near to each other in time, as lots of one season and workshop do.
NEAR = 3_000


class Graph:
    """Lots, edges and shares, layer by layer."""

    def __init__(self, share: float) -> None:
        self._rng = random.Random(SEED)  # noqa: S311 - a graph that is the same each time
        self.sizes = {layer: max(int(size * share), 50) for layer, size, _, _ in LAYERS}
        self._shares: dict[str, list[Shares]] = {}
        self.lots = self.edges = 0

    def fill(self, db: Db) -> None:
        lineage = traceability_tables.LINEAGE
        db.copy_in(lineage.lots, [_lot_row(f"supply-{n}", "material", None, ALL_UNKNOWN) for n in range(SUPPLIES)])
        for layer, _, below, takes in LAYERS:
            lots, edges = [], []
            self._shares[layer] = []
            for number in range(self.sizes[layer]):
                lot = f"{layer}-{number}"
                taken = list(self._taken(below, takes, number / self.sizes[layer])) if below else []
                made_of = self._blend(below, taken) if below else all_of(f"p-{self._rng.randrange(PRODUCERS)}")
                self._shares[layer].append(made_of)
                lots.append(_lot_row(lot, "produced" if below else "collected", f"p-{number % PRODUCERS}", made_of))
                edges += [(lot, f"{below}-{one}", lot, 1_000 + one % 7, 0, True, True, False) for one in taken]
                if layer in ("jar", "box"):
                    supply = self._rng.randrange(SUPPLIES)
                    edges += [
                        (lot, f"supply-{n % SUPPLIES}", lot, 500, 0, False, True, False) for n in (supply, supply + 1)
                    ]
            db.copy_in(lineage.lots, lots)
            db.copy_in(lineage.edges, edges)
            self.lots, self.edges = self.lots + len(lots), self.edges + len(edges)
        db.copy_in(traceability_tables.PACKINGS, list(self._packings()))
        db.copy_in(inventory_tables.STOCK, list(self._stock()))

    def jars_and_boxes(self) -> list[str]:
        return [f"{layer}-{self._rng.randrange(self.sizes[layer])}" for layer in ("jar", "jar", "box")]

    def jar(self) -> str:
        return f"jar-{self._rng.randrange(self.sizes['jar'])}"

    def harvest(self) -> str:
        return f"harvest-{self._rng.randrange(self.sizes['harvest'])}"

    def _taken(self, below: str, takes: int, at: float) -> set[int]:
        size = self.sizes[below]
        middle, reach = int(at * size), min(NEAR, size // 2)
        low = min(max(middle - reach // 2, 0), size - reach)
        return set(self._rng.sample(range(low, low + reach), takes))

    def _blend(self, below: str, taken: Sequence[int]) -> Shares:
        return blend([Part(1_000 + one % 7, 0, self._shares[below][one]) for one in taken])

    def _packings(self) -> Iterator[Row]:
        for layer in ("jar", "box"):
            for number in range(self.sizes[layer]):
                lot = f"{layer}-{number}"
                yield (lot, lot, f"{number:08d}", "jam", "workshop/w-1", 100, 300, 0, _DAY, _MOMENT, 1)

    def _stock(self) -> Iterator[Row]:
        for layer in ("jar", "box"):
            for number in range(self.sizes[layer]):
                for outlet in range(3):
                    place = f"outlet/o-{(number * 7 + outlet) % OUTLETS}"
                    yield (place, f"{layer}-{number}", 0, 0, 30, 0, 0, 20, 1, 0, 0, 0, 11)


def _lot_row(lot: str, kind: str, producer: str | None, shares: Shares) -> Row:
    where = "workshop/w-1"
    maker = where if kind == "produced" else None
    return (lot, True, kind, producer if kind == "collected" else None, None, maker, "jam", None, where, 30_000, 0,
            _MOMENT, 1, 1, lot, 1, shares.producers, shares.ppm)  # fmt: skip


def measured(ask: Callable[[], object], times: int) -> list[float]:
    """Milliseconds of each question, after some to warm up."""
    for _ in range(50):
        ask()
    found = []
    for _ in range(times):
        begun = time.perf_counter()
        ask()
        found.append((time.perf_counter() - begun) * 1_000)
    return found


def p99(values: Sequence[float]) -> float:
    return statistics.quantiles(values, n=100)[98]


def run(directory: Path, times: int = 5, share: float = 1.0) -> Report:
    """Fill the tables once, then ask in rounds."""
    with ExitStack() as until:
        server = EmbeddedPostgres(directory / "postgres")
        until.callback(server.stop)
        server.start()
        connection = until.enter_context(psycopg.connect(server.url(), autocommit=True, options="-c jit=off"))
        graph = Graph(share)
        _create(connection)
        graph.fill(Db(connection))
        _settle(connection)
        db = Db(connection)
        found: dict[str, list[float]] = {"back": [], "forward": [], "shares": [], "whole": []}
        for _ in range(times):
            jars = iter([jar for _ in range(QUESTIONS) for jar in graph.jars_and_boxes()])
            found["back"] += measured(lambda: ancestry(db, next(jars)), QUESTIONS)  # noqa: B023 - asked at once
            found["whole"] += measured(lambda: trace(db, next(jars), on=_DAY), QUESTIONS // 2)  # noqa: B023
            found["shares"] += measured(lambda: villages_of(db, graph.jar()), QUESTIONS)
            found["forward"] += measured(lambda: forward(db, graph.harvest()), QUESTIONS)
    return _report(found, graph)


def _create(connection: Connection) -> None:
    for model in READ_MODELS:
        if model.name in ("traceability", "inventory"):
            create_tables(connection, model, f"bench_{model.name}")
            create_other_indexes(connection, model, f"bench_{model.name}")
    use_schema(connection, "bench_traceability", "bench_inventory")
    db = Db(connection)
    db.copy_in(
        traceability_tables.VILLAGES,
        [(f"v-{n}", "KG-Y", f"v {n}", f"v {n}", f"v {n}", 42_000_000, 77_000_000, True) for n in range(VILLAGES)],
    )
    db.copy_in(traceability_tables.PRODUCERS, [(f"p-{n}", f"v-{n % VILLAGES}", _DAY) for n in range(PRODUCERS)])


def _settle(connection: Connection) -> None:
    connection.execute("VACUUM ANALYZE")
    connection.execute("CHECKPOINT")


def _report(found: dict[str, list[float]], graph: Graph) -> Report:
    names = {
        "shares": "a jar's stored shares by village",
        "back": "back from a jar or a gift box, over every edge",
        "whole": "the whole trace of a jar or a gift box",
        "forward": "forward from a harvest lot, with stock",
    }
    rows = []
    for key, name in names.items():
        rows.append(row(f"{name}, p50", [statistics.median(found[key])], "ms"))
        rows.append(row(f"{name}, p99", [p99(found[key])], "ms"))
    return Report(
        f"tracing over {graph.lots:,} lots and {graph.edges:,} edges",
        rows,
        [
            Bar("stored shares, allowed p99 / p99", SHARES_P99_MS_MAX / p99(found["shares"]), 1.0),
            Bar("backward trace, allowed p99 / p99", BACKWARD_P99_MS_MAX / p99(found["back"]), 1.0),
        ],
    )
