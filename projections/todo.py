"""What waits for somebody, over the read models together: judgements by kind and place, and what came with time.

Time is given by whoever asks: a certificate that ran out or a shipment that is overdue is a question, never a fold.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from projections.base import Connection
from projections.bishkek import day_of, month_of
from projections.inventory_queries import STATE_FLAGS

#: A judgement that an event raised is shown for so long after it was recorded; one of a state, until that is mended.
SHOWN_DAYS: Final = 30
#: A certificate that ends within so many days should be renewed.
CERTIFICATE_DAYS: Final = 45
#: Goods whose best-before day is so near should be sold first.
BEST_BEFORE_DAYS: Final = 14
#: A consignment that is under way for longer is asked about.
UNDER_WAY_DAYS: Final = 14
#: A month that ended so many days ago should be closed.
CLOSING_DAYS: Final = 10
#: So many of the things concerned are named.
SUBJECTS_MAX: Final = 5


@dataclass(frozen=True, slots=True)
class Waiting:
    """Things of one kind at one place (empty: nowhere in particular), with the newest of them named."""

    kind: str
    place: str
    count: int
    subjects: list[str]
    position: int  #: of the newest event among them; 0 where none raised it


# The inventory and the income flag the same repeated receipts; the inventory's are shown.
_FLAGS: Final = f"""
SELECT flag, place, count(*), (array_agg(subject ORDER BY position DESC, subject))[1:{SUBJECTS_MAX}], max(position)
FROM (
    SELECT flag, subject, position, place FROM inventory_flags WHERE position > log.position_at(%(since)s)
    UNION ALL
    SELECT flag, subject, position, '' FROM trace_flags WHERE position > log.position_at(%(since)s)
    UNION ALL
    SELECT flag, subject, position, place FROM income_flags
    WHERE position > log.position_at(%(since)s)
        AND flag NOT IN ('sale_repeated', 'delivery_repeated', 'return_repeated') -- which the inventory tells
    UNION ALL
    SELECT flag, subject, position, place FROM ({STATE_FLAGS}) AS state
) AS raised GROUP BY flag, place ORDER BY flag, place
"""  # noqa: S608 - our own text, here and below

_CERTIFICATES: Final = f"""
SELECT CASE WHEN valid_until < %(today)s THEN 'certificate_expired' ELSE 'certificate_expires' END AS kind, maker,
       count(*), (array_agg(product ORDER BY valid_until, product))[1:{SUBJECTS_MAX}], max(position)
FROM (
    SELECT DISTINCT ON (maker, product) maker, product, position, kind, valid_until FROM trace_certificate_steps
    WHERE kind IN ('certified', 'revoked') ORDER BY maker, product, position DESC
) AS last
WHERE kind = 'certified' AND valid_until <= %(certificates_until)s AND (valid_until >= %(today)s OR EXISTS (
    SELECT FROM inventory_stock s JOIN inventory_lots l ON l.lot = s.batch
    WHERE s.on_hand > 0 AND l.maker = last.maker AND coalesce(l.product, l.item) = last.product))
GROUP BY 1, 2 ORDER BY 1, 2
"""  # noqa: S608

_OVERDUE: Final = f"""
SELECT 'shipment_overdue', coalesce(destination, ''), count(*),
       (array_agg(consignment ORDER BY shipped_at, consignment))[1:{SUBJECTS_MAX}], 0
FROM inventory_consignments c WHERE shipped_at < %(under_way_since)s
  AND EXISTS (SELECT FROM inventory_transit t WHERE t.consignment = c.consignment AND t.in_transit > 0)
GROUP BY 2 ORDER BY 2
"""  # noqa: S608

_BEST_BEFORE: Final = f"""
SELECT CASE WHEN l.best_before < %(today)s THEN 'best_before_passed' ELSE 'best_before_near' END, s.place, count(*),
       (array_agg(s.batch ORDER BY l.best_before, s.batch))[1:{SUBJECTS_MAX}], 0
FROM inventory_stock s JOIN inventory_lots l ON l.lot = s.batch
WHERE s.on_hand > 0 AND l.best_before <= %(best_before_until)s GROUP BY 1, 2 ORDER BY 1, 2
"""  # noqa: S608

_CLOSINGS: Final = f"""
SELECT 'period_open', region, count(*), (array_agg(period ORDER BY period))[1:{SUBJECTS_MAX}], 0 FROM (
    SELECT DISTINCT region, period FROM income_pools p WHERE region <> '' AND period < %(month)s AND NOT EXISTS (
        SELECT FROM income_periods c WHERE c.region = p.region AND c.period = p.period)
) AS months GROUP BY 2 ORDER BY 2
"""  # noqa: S608

_DISPUTES: Final = """
SELECT 'payout_disputed', coalesce(m.region, ''), count(*), (array_agg(d.producer || '/' || d.dispute
       ORDER BY d.position DESC))[1:%(subjects)s], max(d.position)
FROM income_disputes d LEFT JOIN income_makers m ON m.maker = 'producer/' || d.producer
WHERE NOT EXISTS (SELECT FROM income_payments p
                  WHERE p.producer = d.producer AND p.kind = 'reversal' AND p.position > d.position)
  AND NOT EXISTS (SELECT FROM income_restatements r
                  WHERE r.region = m.region AND r.period = d.month AND r.position > d.position)
  AND NOT EXISTS (SELECT FROM log.events e
                  WHERE e.stream = 'account/' || d.producer AND e.type = 'settlement.dispute_settled.v1'
                    AND convert_from(e.leaf, 'UTF8')::jsonb -> 'data' ->> 'dispute' = d.dispute)
GROUP BY 2 ORDER BY 2
"""


def waiting(connection: Connection, now: datetime) -> list[Waiting]:
    """Everything that waits for somebody at this moment of the network's clock."""
    today: date = day_of(now)
    params: dict[str, Any] = {
        "since": now - timedelta(days=SHOWN_DAYS),
        "today": today,
        "certificates_until": today + timedelta(days=CERTIFICATE_DAYS),
        "under_way_since": now - timedelta(days=UNDER_WAY_DAYS),
        "best_before_until": today + timedelta(days=BEST_BEFORE_DAYS),
        "subjects": SUBJECTS_MAX,
        "month": month_of(today - timedelta(days=CLOSING_DAYS)),
    }
    return [
        Waiting(*row)
        for statement in (_FLAGS, _CERTIFICATES, _OVERDUE, _BEST_BEFORE, _CLOSINGS, _DISPUTES)
        for row in connection.execute(statement.encode(), params).fetchall()
    ]
