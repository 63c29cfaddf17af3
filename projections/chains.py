"""Chains of tills that do not hold: a report that does not follow on the one before it, as the log has them.

A till that keeps a chain states in each report the hash of its report before, which is the hash by which the log knows
that request. So whether a chain holds is read from the log itself, whoever took the reports and whatever was
answered; a report is never refused for it, since what it tells happened all the same.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from events.catalogue.outlets import TillFact
from events.catalogue.registry import EVENTS, OLD_VERSIONS, written_class
from projections.base import Connection

_REPORTS: Final = sorted(name for name in {*EVENTS, *OLD_VERSIONS} if issubclass(written_class(name), TillFact))
_KEPT_ASIDE: Final = "exchange.message_quarantined.v1"

# Only what tills that keep a chain have said is taken apart. A counter whose report was not understood lies in
# quarantine, and the log knows that request by the same hash. Where the report before is missing there is a gap, which
# is told elsewhere.
_BROKEN: Final = """
WITH recent AS (
    SELECT e.position, e.request_hash, e.leaf, position('"prev_hash":"'::bytea IN e.leaf) > 0 AS is_chained
    FROM log.events e WHERE e.position > log.position_at(%(since)s) AND e.type = ANY(%(types)s)
), tills AS MATERIALIZED (
    SELECT DISTINCT convert_from(leaf, 'UTF8')::jsonb -> 'data' ->> 'till' AS till FROM recent WHERE is_chained
), reports AS MATERIALIZED (
    SELECT r.position, r.request_hash, data ->> 'till' AS till, data ->> 'outlet' AS outlet,
           (data ->> 'till_counter')::bigint AS counter, data ->> 'prev_hash' AS prev_hash
    FROM recent r, LATERAL (SELECT convert_from(r.leaf, 'UTF8')::jsonb -> 'data' AS data OFFSET 0) AS said
    WHERE EXISTS (SELECT FROM tills t WHERE position(('"till":"' || t.till || '"')::bytea IN r.leaf) > 0)
)
SELECT DISTINCT ON (n.position) n.till, n.outlet, n.counter, n.position
FROM reports n JOIN reports b ON b.till = n.till AND b.counter = n.counter - 1
WHERE n.outlet IS NOT NULL
  AND (n.prev_hash IS NOT NULL OR b.prev_hash IS NOT NULL)
  AND NOT EXISTS (SELECT FROM reports k WHERE k.till = n.till AND k.counter = n.counter - 1
                  AND encode(k.request_hash, 'hex') = n.prev_hash)
ORDER BY n.position
"""


@dataclass(frozen=True, slots=True)
class Broken:
    """A report that does not follow on its till's report before."""

    till: str
    outlet: str
    counter: int
    position: int


def broken_chains(connection: Connection, since: datetime) -> list[Broken]:
    """The reports recorded since a moment that do not follow on the one before, in the order of the log.

    A till that kept a chain and states no hash any more is among them: so a forged report would look.
    """
    rows = connection.execute(_BROKEN.encode(), {"since": since, "types": [*_REPORTS, _KEPT_ASIDE]}).fetchall()
    return [Broken(*row) for row in rows]
