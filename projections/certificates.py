"""How all certificates stand on a day, and what waits for a committee: what comes with time is asked, never folded."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal

from projections.base import Db
from projections.bishkek import day_of
from projections.traceability_trace import Standing, certificate_on

#: A certificate that ends within so many days is to be renewed.
RENEW_DAYS: Final = 60

Waiting = Literal["to_decide", "conditions", "to_renew", "expired", "suspended"]


@dataclass(frozen=True, slots=True)
class CertificateOn:
    """What one maker's certificate for a product is worth on a day."""

    maker: str
    product: str
    certificate: str | None
    region: str | None
    standing: Standing
    valid_from: date | None
    valid_until: date | None


@dataclass(frozen=True, slots=True)
class ToDo:
    """Something that waits for a committee; `about` is a submission or a certificate, `day` since or until when."""

    waiting: Waiting
    maker: str
    product: str
    region: str | None
    about: str
    day: date


def certificates_on(db: Db, on: date, region: str | None = None) -> list[CertificateOn]:
    """Every certificate ever given, as it stands on a day, by maker and product."""
    pairs = db.rows(
        "SELECT DISTINCT maker, product FROM trace_certificate_steps WHERE kind = 'certified' ORDER BY maker, product"
    )
    found = []
    for maker, product in pairs:
        stands = certificate_on(db, maker, product, on)
        if region is None or stands.region == region:
            found.append(
                CertificateOn(
                    maker=maker,
                    product=product,
                    certificate=stands.certificate,
                    region=stands.region,
                    standing=stands.standing,
                    valid_from=stands.valid_from,
                    valid_until=stands.valid_until,
                )
            )
    return found


def to_do(db: Db, on: date, region: str | None = None) -> list[ToDo]:
    """What waits for a region's committee on a day, or for all of them: by what it is, then by day."""
    found = _last_steps(db, region)
    open_now = {(each.maker, each.product) for each in found}
    for stands in certificates_on(db, on, region):
        waiting = _waiting(stands, on)
        renews = (stands.maker, stands.product) in open_now
        if waiting is not None and not (renews and waiting in ("to_renew", "expired")):
            day = stands.valid_from if waiting == "suspended" else stands.valid_until
            about = stands.certificate
            if day is not None and about is not None:
                found.append(ToDo(waiting, stands.maker, stands.product, stands.region, about, day))
    return sorted(found, key=lambda each: (each.waiting, each.day, each.maker, each.product))


def _last_steps(db: Db, region: str | None) -> list[ToDo]:
    """Submissions that nobody has decided, and products accepted on conditions that did not come again."""
    rows = db.rows(
        "SELECT DISTINCT ON (s.maker, s.product) s.maker, s.product, s.kind, s.submission, s.occurred_at, b.region"
        " FROM trace_certificate_steps s LEFT JOIN trace_certificate_steps b"
        " ON b.maker = s.maker AND b.product = s.product AND b.submission = s.submission AND b.kind = 'submitted'"
        " WHERE s.kind IN ('submitted', 'certified', 'accepted_conditionally', 'rejected')"
        " ORDER BY s.maker, s.product, s.position DESC"
    )
    kinds: dict[str, Waiting] = {"submitted": "to_decide", "accepted_conditionally": "conditions"}
    return [
        ToDo(kinds[kind], maker, product, of_region, submission, day_of(since))
        for maker, product, kind, submission, since, of_region in rows
        if kind in kinds and (region is None or of_region == region)
    ]


def _waiting(stands: CertificateOn, on: date) -> Waiting | None:
    if stands.standing == "expired":
        return "expired"
    if stands.standing == "suspended":
        return "suspended"
    ends = stands.valid_until
    return "to_renew" if stands.standing == "certified" and ends and ends - on <= timedelta(RENEW_DAYS) else None
