"""What a label says of the committee's word: as it was on the day of packing, and what became of it since."""

from datetime import UTC, date, datetime

import pytest

from projections.label import CertificateStep
from services.web.jar_view import certificate_on, verdict_on

PACKED = date(2015, 7, 1)


def step(kind: str, start: date | None = None, end: date | None = None, certificate: str = "cert-1") -> CertificateStep:
    moment = datetime(2015, 1, 1, tzinfo=UTC)
    return CertificateStep(kind, 1, "KG-Y", certificate, 80_000, 2, start, end, moment)


EARLIER = step("certified", date(2013, 1, 1), date(2014, 12, 31), "cert-0")
COVERING = step("certified", date(2015, 1, 1), date(2016, 12, 31), "cert-1")
LATER = step("certified", date(2016, 1, 1), date(2017, 12, 31), "cert-2")


@pytest.mark.parametrize(
    ("steps", "verdict", "certificate"),
    [
        ([], "not_certified", None),
        ([COVERING], "certified", "cert-1"),
        ([EARLIER, COVERING, LATER], "certified", "cert-1"),
        ([EARLIER], "expired", "cert-0"),
        ([step("suspended")], "not_certified", None),
        ([LATER], "not_certified", "cert-2"),
        ([COVERING, step("suspended")], "suspended", "cert-1"),
        ([COVERING, step("suspended"), step("reinstated")], "certified", "cert-1"),
        ([COVERING, step("revoked")], "revoked", "cert-1"),
        ([EARLIER, step("revoked"), COVERING], "certified", "cert-1"),
    ],
)
def test_the_verdict_follows_the_certificate_of_the_day_of_packing(
    steps: list[CertificateStep], verdict: str, certificate: str | None
) -> None:
    assert verdict_on(steps, PACKED) == verdict
    shown = certificate_on(steps, PACKED, {})
    assert (shown.certificate if shown else None) == certificate
