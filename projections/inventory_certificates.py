"""Certificates that were ever taken away, from which day on they do not count, and from which they count again."""

from typing import Any

from events.catalogue import committee
from events.catalogue.base import Recorded
from projections.statements import Row


def certificate_row(recorded: Recorded[Any], known: set[tuple[str, str]]) -> Row | None:
    """A row of `inventory_certificates` for a decision, if it makes one: a new certificate restores what was revoked.

    `known` are the makers and products with rows, to which those of this one are added.
    """
    event = recorded.event
    certified = isinstance(event, committee.ProductCertified)
    taken = committee.CertificateSuspended | committee.CertificateReinstated | committee.CertificateRevoked
    if not certified and not isinstance(event, taken):
        return None
    key = (event.maker, event.product)
    if certified and key not in known:
        return None
    known.add(key)
    since = event.valid_from if certified else event.effective_from
    return (*key, recorded.position, since, certified or isinstance(event, committee.CertificateReinstated))
