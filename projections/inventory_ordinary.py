"""Which events left in the log meet something that makes their order count, or may be judged.

Everything else commutes: its effects are sums, greatest values and rows of its own, the same whatever else the batch
holds. The rules err on the careful side; what they name is read and folded one by one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from events.catalogue import committee, logistics, network, outlets, production
from events.catalogue.base import Event, Recorded
from projections import inventory_tables as t
from projections.base import Db
from projections.inventory_certificates import certificate_row
from projections.inventory_left import rows
from projections.inventory_left_counters import Counters
from projections.inventory_recalls import Reach, names_in

#: Since then the clocks of Bishkek have stood at six hours from UTC, whatever tables of time zones say of earlier days.
_DAYS_SINCE: Final = "'2006-01-01'"
_DAYS_UNTIL: Final = "'2100-01-01'"


@dataclass(slots=True)
class Around:
    """What the events of a batch that were read say of those that were left."""

    prices: list[Recorded[network.PriceSet]] = field(default_factory=list)
    opened: list[Recorded[network.OutletOpened]] = field(default_factory=list)
    sales: set[str] = field(default_factory=set)  #: voided, corrected or returned
    lots: set[str] = field(default_factory=set)  #: told of in any way
    consignments: set[str] = field(default_factory=set)  #: cancelled
    reports: list[outlets.TillFact] = field(default_factory=list)
    goods: list[tuple[str, str | None, str | None]] = field(default_factory=list)  #: lot, its maker, what it is
    edges: list[Recorded[Any]] = field(default_factory=list)  #: recalls, and what may carry them on
    certificates: list[Recorded[Any]] = field(default_factory=list)

    def note(self, recorded: Recorded[Any]) -> None:
        event = recorded.event
        match event:
            case outlets.TillFact():
                self.reports.append(event)
                if isinstance(event, outlets.SaleVoided | outlets.SaleLineCorrected | outlets.GoodsReturned):
                    self.sales.add(event.sale or "")
            case production.LotFact():
                self.lots.add(event.lot)
                self._note_goods(recorded)
            case committee.SampleReceived(batch=str() as batch):
                self.lots.add(batch)
            case logistics.ShipmentCancelled():
                self.consignments.add(event.consignment)
            case network.PriceSet():
                self.prices.append(recorded)
            case network.OutletOpened():
                self.opened.append(recorded)
            case committee.CertificateDecision():
                self.certificates.append(recorded)
            case committee.RecallStarted() | committee.RecallExtended():
                self.edges.append(recorded)
            case _:
                pass

    def _note_goods(self, recorded: Recorded[Any]) -> None:
        event = recorded.event
        match event:
            case production.LotCollected():
                self.goods.append((event.lot, f"producer/{event.producer}", event.material))
            case production.LotCorrected(producer=str() as producer):
                self.goods.append((event.lot, f"producer/{producer}", None))
            case production.MaterialReceived():
                self.goods.append((event.lot, f"supplier/{event.supplier}", event.material))
            case production.LotsPooled():
                self.goods.append((event.lot, f"workshop/{event.workshop}", event.material))
            case production.BatchProduced():
                self.goods.append((event.lot, event.made_by, event.product))
            case production.BatchPacked():
                self.goods.append((event.lot, None, event.product))
            case _:
                pass
        if isinstance(event, production.StepFact | production.MaterialReceived):
            self.edges.append(recorded)


def around(batch: Iterable[Recorded[Event]]) -> Around:
    """What a batch says of the events left in it."""
    found = Around()
    for recorded in batch:
        found.note(recorded)
    return found


#: What is wrong with a receipt by itself, or was said of it already.
_ODD_RECEIPTS: Final = f"""
    SELECT r.position FROM left_reports r
    WHERE r.is_sale AND (
        r.sum_may_differ
        OR r.occurred_at < {_DAYS_SINCE} OR r.occurred_at >= {_DAYS_UNTIL}
        OR r.outlet = ANY(%(outlets)s::text[])
        OR r.sale = ANY(%(sales)s::text[])
        OR EXISTS (SELECT FROM inventory_sale_changes c WHERE c.sale = r.sale)
    )
    UNION ALL
    SELECT l.position FROM left_lines l WHERE l.batch IS NULL OR l.price_differs
"""  # noqa: S608 - only constants go in

#: All that is reported of a shift is of one till, it is opened once and closed once, and no receipt is later than its
#: closing. A closing that comes before such a receipt finds it when it is folded itself.
_ODD_IN_SHIFTS: Final = """
    WITH told AS (
        SELECT shift, min(outlet) AS outlet, min(till) AS till, max(outlet) AS other_outlet, max(till) AS other_till,
            count(*) FILTER (WHERE is_opening) AS openings, count(*) FILTER (WHERE is_closing) AS closings,
            max(occurred_at) FILTER (WHERE is_sale) AS last_sale_at
        FROM (
            SELECT shift, outlet, till, is_opening, is_closing, is_sale, occurred_at FROM left_reports
            UNION ALL
            SELECT shift, outlet, till, false, false, false, NULL
            FROM unnest(%(shifts)s::text[], %(shift_outlets)s::text[], %(tills)s::text[]) AS read (shift, outlet, till)
        ) AS report
        GROUP BY shift
    ), odd AS (
        SELECT told.shift,
            told.outlet <> told.other_outlet OR told.till <> told.other_till
                OR told.outlet <> known.outlet OR told.till <> known.till AS is_mixed,
            openings > 1 OR known.opened_at IS NOT NULL AS is_opened,
            closings > 1 OR known.closed_at IS NOT NULL AS is_closed,
            greatest(told.last_sale_at, known.last_sale_at) AS last_sale_at, known.closed_at
        FROM told LEFT JOIN LATERAL (
            SELECT * FROM inventory_shifts s WHERE s.shift = told.shift OFFSET 0
        ) AS known ON true
    )
    SELECT r.position FROM left_reports r JOIN odd ON odd.shift = r.shift
    WHERE is_mixed
        OR CASE WHEN r.is_opening THEN is_opened
            WHEN r.is_closing THEN is_closed OR odd.last_sale_at > r.occurred_at
            ELSE r.occurred_at > odd.closed_at END
"""

#: Lots of which something was told before they came, and consignments that came back.
_ODD_GOODS: Final = """
    SELECT l.position FROM left_lots l
    WHERE l.lot = ANY(%(lots)s::text[]) OR EXISTS (SELECT FROM inventory_lot_waiting w WHERE w.lot = l.lot)
    UNION ALL
    SELECT c.position FROM left_consignments c
    WHERE c.consignment = ANY(%(consignments)s::text[])
    UNION ALL
    SELECT c.position FROM left_consignments c JOIN LATERAL (
        SELECT is_cancelled FROM inventory_consignments k WHERE k.consignment = c.consignment OFFSET 0
    ) AS known ON known.is_cancelled
"""

#: Two receipts of one id, of which the first one counts, are judged together.
_SAME_SALES: Final = """
    SELECT position FROM left_reports
    WHERE sale IN (SELECT sale FROM left_reports JOIN unnest(%(odd)s::bigint[]) AS odd ON odd = position)
"""

#: Receipts on a day on which a certificate does not count, by what the log says of it now; or on which one counts that
#: was decided after them. And the lots of such makers, so that what is not there yet does not seem to be.
_UNCERTIFIED: Final = """
    WITH certificate AS (
        SELECT maker, product, counts, position, effective_from,
            coalesce(lead(effective_from) OVER (PARTITION BY maker, product ORDER BY effective_from, position),
                'infinity') AS until
        FROM (
            SELECT maker, product, position, effective_from, counts FROM inventory_certificates
            UNION ALL
            SELECT * FROM unnest(%(makers)s::text[], %(products)s::text[], %(at)s::bigint[], %(since)s::date[],
                %(counts)s::boolean[])
        ) AS decision
    ), in_doubt AS (
        SELECT certificate.* FROM certificate,
            (SELECT min(on_day) AS first_day, max(on_day) AS last_day, min(position) AS first FROM left_lines) AS laid
        WHERE effective_from <= last_day AND until > first_day AND (NOT counts OR certificate.position > laid.first)
    ), told AS (
        SELECT lot, maker, item FROM left_lots
        UNION ALL
        SELECT * FROM unnest(%(lots)s::text[], %(made_by)s::text[], %(items)s::text[])
        UNION ALL
        SELECT known.* FROM (SELECT DISTINCT batch FROM left_lines WHERE sold > 0) AS sold CROSS JOIN LATERAL (
            SELECT lot, maker, coalesce(product, item) FROM inventory_lots g WHERE g.lot = sold.batch OFFSET 0
        ) AS known
    ), doubtful AS (
        SELECT made.lot, in_doubt.* FROM told AS made JOIN in_doubt USING (maker)
            JOIN told AS named ON named.lot = made.lot AND named.item = in_doubt.product
    )
    SELECT l.position FROM doubtful JOIN left_lines l ON l.batch = doubtful.lot AND l.sold > 0
    WHERE l.on_day >= doubtful.effective_from AND l.on_day < doubtful.until
        AND (NOT doubtful.counts OR doubtful.position > l.position)
    UNION ALL
    SELECT l.position FROM left_lots l JOIN doubtful USING (lot)
"""

_RECALLED: Final = "SELECT position FROM left_lines WHERE sold > 0 AND batch = ANY(%(batches)s::text[])"


def not_ordinary(db: Db, found: Around, counters: Counters) -> set[int]:
    """The positions of the events laid out that are to be read after all."""
    params = {
        "outlets": _opened_again(db, [shop.event.outlet for shop in found.opened]),
        "sales": list(found.sales),
        "lots": list(found.lots),
        "consignments": list(found.consignments),
        "shifts": [report.shift for report in found.reports],
        "shift_outlets": [report.outlet for report in found.reports],
        "tills": [report.till for report in found.reports],
    }
    odd: set[int] = set()
    for statement in (_ODD_RECEIPTS, _ODD_IN_SHIFTS, _ODD_GOODS):
        odd.update(position for (position,) in rows(db, statement, params))
    odd |= _judged(db, found)
    odd |= counters.odd(db, found.reports)
    if odd:
        odd.update(position for (position,) in rows(db, _SAME_SALES, {"odd": list(odd)}))
    return odd


def _opened_again(db: Db, opened: list[str]) -> list[str]:
    """Shops of which there is more than one opening, of which the last one counts."""
    return [outlet for outlet in opened if opened.count(outlet) > 1] + list(db.by_key(t.OUTLETS, opened))


def _judged(db: Db, found: Around) -> set[int]:
    """Receipts on which certificates or recalls may have something to say."""
    odd: set[int] = set()
    known = {(maker, product) for maker, product in db.rows("SELECT maker, product FROM inventory_certificates")}
    decided = [row for decision in found.certificates if (row := certificate_row(decision, known)) is not None]
    if known:
        makers, products, at, since, counts = zip(*decided, strict=True) if decided else ((),) * 5
        lots, made_by, items = zip(*found.goods, strict=True) if found.goods else ((),) * 3
        columns = (makers, products, at, since, counts, lots, made_by, items)
        names = ("makers", "products", "at", "since", "counts", "lots", "made_by", "items")
        params = {name: list(column) for name, column in zip(names, columns, strict=True)}
        odd.update(position for (position,) in rows(db, _UNCERTIFIED, params))
    reached = _reached(db, found.edges)
    if reached:
        odd.update(position for (position,) in rows(db, _RECALLED, {"batches": list(reached)}))
    return odd


def _reached(db: Db, edges: Sequence[Recorded[Any]]) -> set[str]:
    """Lots that a recall reaches at the end of this batch, or more: as if every edge told of counted."""
    if not (
        any(isinstance(recorded.event, committee.RecallDecision) for recorded in edges)
        or db.rows("SELECT FROM inventory_recalls LIMIT 1")
    ):
        return set()
    reach = Reach(db, needed=True)
    steps = [recorded.event.lot for recorded in edges if isinstance(recorded.event, production.StepFact)]
    for lot, *_, inputs, by_products in db.where_in(t.LOT_WAITING, "lot", steps):
        reach.step_made(lot, names_in(inputs), names_in(by_products))
    for recorded in edges:
        reach.follow(recorded)
    return {lot for lot, recalls in reach.marks.items() if recalls}
