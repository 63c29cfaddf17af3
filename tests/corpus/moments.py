"""Times that cannot be, that nobody can place, or that come long before and long after."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from tests import make
from tests.corpus.case import Case, Kept, Outcome, Quarantined, Refused, Told, command, fact, id_of, malformed, question

WRONG: Final = Quarantined("wrong_time", "occurred_at")
LATE, AHEAD = Kept(("late",)), Kept(("clock_ahead",))

#: What a till may say of when it happened, and what comes of it. The day of these tests lies after 2026.
CLAIMS: Final[dict[str, tuple[Any, Outcome]]] = {
    "no offset": ("2026-03-10T12:00:00", WRONG),
    "a day alone": ("2026-03-10", WRONG),
    "a time alone": ("12:00:00Z", WRONG),
    "nothing": ("", WRONG),
    "a null": (None, WRONG),
    "a number of seconds": (1_773_136_800, WRONG),
    "a number of milliseconds": (1_773_136_800_000, WRONG),
    "a text of seconds": ("1773136800", WRONG),
    "a fraction of seconds": (1_773_136_800.5, WRONG),
    "true": (True, WRONG),
    "a list": (["2026-03-10T12:00:00Z"], WRONG),
    "a word": ("yesterday", WRONG),
    "now as a word": ("now", WRONG),
    "a date of e-mail": ("Tue, 10 Mar 2026 12:00:00 +0600", WRONG),
    "a date with dots": ("10.03.2026 12:00", WRONG),
    "a date with slashes": ("03/10/2026 12:00 PM", WRONG),
    "a name of a zone": ("2026-03-10T12:00:00 Asia/Bishkek", WRONG),
    "a zone in brackets without an offset": ("2026-03-10T12:00:00[Asia/Bishkek]", WRONG),
    "a zone in brackets behind the offset": ("2026-03-10T12:00:00+06:00[Asia/Bishkek]", WRONG),
    "letters for a zone": ("2026-03-10T12:00:00 KGT", WRONG),
    "an offset of a day": ("2026-03-10T12:00:00+24:00", WRONG),
    "an offset of 99 hours": ("2026-03-10T12:00:00+99:00", WRONG),
    "an offset of 60 minutes": ("2026-03-10T12:00:00+05:60", WRONG),
    "two offsets": ("2026-03-10T12:00:00Z+06:00", WRONG),
    "a month 13": ("2026-13-10T12:00:00Z", WRONG),
    "a month 0": ("2026-00-10T12:00:00Z", WRONG),
    "a day 0": ("2026-03-00T12:00:00Z", WRONG),
    "31 April": ("2026-04-31T12:00:00Z", WRONG),
    "29 February of a common year": ("2025-02-29T12:00:00Z", WRONG),
    "29 February of 1900": ("1900-02-29T12:00:00Z", WRONG),
    "an hour 25": ("2026-03-10T25:00:00Z", WRONG),
    "a minute 60": ("2026-03-10T12:60:00Z", WRONG),
    "a leap second": ("2016-12-31T23:59:60Z", WRONG),
    "a second 61": ("2026-03-10T12:00:61Z", WRONG),
    "the year 0": ("0000-01-01T00:00:00Z", WRONG),
    "the year 10000": ("10000-01-01T00:00:00Z", WRONG),
    "the year -1": ("-0001-01-01T00:00:00Z", WRONG),
    "a year of two digits": ("26-03-10T12:00:00Z", WRONG),
    "before the first instant, by its offset": ("0001-01-01T00:00:00+06:00", WRONG),
    "after the last instant, by its offset": ("9999-12-31T23:59:59-06:00", WRONG),
    "a space before": (" 2026-03-10T12:00:00Z", WRONG),
    "a line feed behind": ("2026-03-10T12:00:00Z\n", WRONG),
    "a NUL behind": ("2026-03-10T12:00:00Z\x00", WRONG),
    "Arabic digits": ("٢٠٢٦-03-10T12:00:00Z", WRONG),
    "full-width digits": ("２０２６-03-10T12:00:00Z", WRONG),
    "a long minus": ("2026−03−10T12:00:00Z", WRONG),
    "a duration": ("P3Y6M4DT12H30M5S", WRONG),
    "an interval": ("2026-03-10T12:00:00Z/2026-03-11T12:00:00Z", WRONG),
    "small letters": ("2026-03-10t12:00:00z", LATE),
    "a space between day and hour": ("2026-03-10 12:00:00+06:00", LATE),
    "no seconds": ("2026-03-10T12:00+0600", LATE),
    "a week": ("2026-W11-2T12:00:00Z", WRONG),
    "a day of the year": ("2026-069T12:00:00Z", WRONG),
    "no separators": ("20260310T120000Z", WRONG),
    "a comma before the fraction": ("2026-03-10T12:00:00,5Z", WRONG),
    "an offset of seconds": ("2026-03-10T12:00:00+06:00:30", WRONG),
    "a thousand digits of a second": ("2026-03-10T12:00:00." + "1" * 1_000 + "Z", LATE),
    "nanoseconds": ("2026-03-10T12:00:00.123456789Z", LATE),
    "the offset of Bishkek": ("2026-03-10T12:00:00+06:00", LATE),
    "the summer time of 2005": ("2005-07-01T12:00:00+06:00", LATE),
    "an hour that was twice": ("2004-10-31T02:30:00+05:00", LATE),
    "the offset of the pacific": ("2026-03-10T12:00:00+14:00", LATE),
    "an offset of minutes": ("2026-03-10T12:00:00+05:45", LATE),
    "an offset of nothing, below": ("2026-03-10T12:00:00-00:00", LATE),
    "29 February of 2000": ("2000-02-29T12:00:00Z", LATE),
    "before 1970": ("1969-12-31T23:59:59Z", LATE),
    "before the calendar": ("1582-10-10T12:00:00Z", LATE),
    "the first instant": ("0001-01-01T00:00:00Z", LATE),
    "the epoch of 1970": ("1970-01-01T00:00:00Z", LATE),
    "a clock without a battery": ("2000-01-01T00:00:00+06:00", LATE),
    "the end of 32 bits": ("2038-01-19T03:14:08Z", AHEAD),
    "the year 2099": ("2099-01-01T00:00:00+06:00", AHEAD),
    "the last instant": ("9999-12-31T23:59:59.999999Z", AHEAD),
    "the last instant of Bishkek": ("9999-12-31T23:59:59+06:00", AHEAD),
}  # fmt: skip

#: What is no day, for the fields that say one.
NO_DAY: Final = {
    "a month 13": "2027-13-01", "30 February": "2027-02-30", "a day of another order": "01-02-2027", "dots": "01.02.2027",
    "an instant": "2027-02-01T12:00:00Z", "a number": 20_270_201, "a small number": 0, "seconds": "1773136800",
    "nothing": "", "a word": "soon", "the year 0": "0000-01-01", "the year 10000": "10000-01-01", "true": True, "a week": "2027-W05-1",
}  # fmt: skip


def _claims() -> Iterator[Case]:
    for name, (claim, outcome) in CLAIMS.items():
        yield fact(f"a sale at {name}", outcome, make.sale_made(sale=f"s-{id_of(name)}"), around={"occurred_at": claim})
    for name in ("no offset", "a leap second", "a number of seconds", "the year 0", "after the last instant, by its offset", "a NUL behind"):
        claim = CLAIMS[name][0]
        yield command(f"a supplier at {name}", malformed("wrong_time", "occurred_at"), "network/register-supplier", make.supplier_registered(), occurred_at=claim)
    for name in ("the first instant", "the last instant", "the last instant of Bishkek", "before 1970"):
        claim = CLAIMS[name][0]
        supplier = make.supplier_registered(supplier=f"sup-{id_of(name)}")
        yield command(f"a supplier at {name}", Kept(), "network/register-supplier", supplier, occurred_at=claim)
        terms = make.share_terms_agreed(channel="wholesale", effective_from=date(2099, 1, 1))
        yield command(f"terms at {name}", Kept(), "settlement/agree-terms", terms, occurred_at=claim)
        for kind, event in {
            "a lot": make.lot_collected(lot=f"l-{id_of(name)}"),
            "a batch": make.batch_produced(lot=f"b-{id_of(name)}"),
            "a shipment": make.stock_shipped(consignment=f"c-{id_of(name)}"),
            "a count": make.stock_counted(count=f"n-{id_of(name)}"),
            "a delivery": make.order_delivered(delivery=f"d-{id_of(name)}"),
            "a shift": make.shift_opened(shift=f"sh-{id_of(name)}"),
        }.items():
            yield fact(f"{kind} at {name}", Kept(), event, around={"occurred_at": claim})
    now = datetime.now(UTC)
    for name, ago, flags in (("a minute ahead", timedelta(minutes=1), ()), ("a day ahead", timedelta(days=1), ("clock_ahead",)), ("90 days ago", -timedelta(days=90), ("late",))):
        yield fact(f"a sale {name}", Kept(flags), make.sale_made(sale=f"s-{id_of(name)}"), around={"occurred_at": (now + ago).isoformat()})


def _days() -> Iterator[Case]:
    for name, day in NO_DAY.items():
        yield fact(f"a best-before day of {name}", Quarantined("wrong_time", "best_before"), make.batch_packed(), best_before=day)
        yield command(f"a price from {name}", malformed("wrong_time", "effective_from"), "network/set-price", make.price_set(), effective_from=day)
    for day in ("0001-01-01", "1899-12-31", "9999-12-31", "2028-02-29"):
        yield fact(f"best before {day}", Kept(), make.batch_packed(lot=f"b-{day}", code="77777777"), best_before=day)
        yield fact(f"a training on {day}", Kept(), make.training_held(training=f"t-{day}"), held_on=day)
    yield command("a price from the last day", Kept(), "network/set-price", make.price_set(channel="export"), effective_from="9999-12-31")


def _after_the_close() -> Iterator[Case]:
    """A closed month never moves; what comes later belongs to the open one."""
    month = {"region": "KG-Y", "month": "2016-03"}
    sale = {"occurred_at": "2016-03-10T12:00:00+06:00"}
    yield fact("a sale before the close", LATE, make.sale_made(sale="s-before-close"), around=sale)
    closed = command("the month closed", Kept(), "settlement/close-period", **month)
    yield Case(closed.name, closed.outcome, closed.body, closed.path, folded=True)
    yield fact("a sale after the close", LATE, make.sale_made(sale="s-after-close"), around=sale)
    yield fact("a void after the close", LATE, make.sale_voided(sale="s-before-close"), around=sale)
    again = command("the month closed after the sale", Refused(409, "period_already_closed", "month"), "settlement/close-period", **month)
    yield Case(again.name, again.outcome, again.body, again.path, folded=True)
    yield command("terms within the closed month", Refused(409, "terms_backdated", "effective_from"), "settlement/agree-terms", make.share_terms_agreed(), effective_from="2016-03-15")


def _questions() -> Iterator[Case]:
    for name in ("no offset", "a day alone", "a word", "a leap second", "the year 0", "a month 13", "after the last instant, by its offset", "a date with slashes"):
        yield question(f"the books as of {name}", malformed("wrong_time", "as_of"), f"income?as_of={_quoted(CLAIMS[name][0])}")
        yield question(f"the log from {name}", malformed("wrong_time", "from"), f"events?from={_quoted(CLAIMS[name][0])}")
    for name in ("the first instant", "the last instant", "before 1970"):
        yield question(f"the log from {name}", Told(200), f"events?from={_quoted(CLAIMS[name][0])}")
        yield question(f"the log to {name}", Told(200), f"events?to={_quoted(CLAIMS[name][0])}")
        yield question(f"a lot as of {name}", Refused(404, "no_such_lot", "lot"), f"lots/l-never?as_of={_quoted(CLAIMS[name][0])}")
    for day in ("2027-02-30", "soon", "0000-01-01", "1773136800"):
        yield question(f"certificates on {day}", malformed("wrong_time", "on"), f"committee/certificates?on={day}")
    for day in ("0001-01-01", "9999-12-31"):
        yield question(f"certificates on {day}", Told(200), f"committee/certificates?on={day}")
        yield question(f"what waits on {day}", Told(200), f"committee/to-do?on={day}")


def _quoted(claim: Any) -> str:
    return str(claim).replace("+", "%2B").replace(" ", "%20").replace("\x00", "%00")


CASES: Final = (*_claims(), *_days(), *_after_the_close(), *_questions())
