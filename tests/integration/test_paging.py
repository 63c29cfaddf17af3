"""Every list of the API is read to its end in pages, in one stable order, by what the page before answered."""

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any
from uuid import uuid4

import pytest

from events.exchange_pages import ROWS_PER_PAGE_MAX
from services.paging import cursor
from tests import make
from tests.door import NOW, Door, accepted, opened, report
from tests.integration.test_api import found
from tests.integration.test_polling import NOT_POLLED
from tests.servers import LogDatabase

COUNT = 5


def months_before(day: date) -> Iterator[str]:
    """The months that ended before a day, the newest first."""
    while True:
        day = day.replace(day=1) - timedelta(days=1)
        yield f"{day:%Y-%m}"


_INCOME = ("year", "month", "producer", "village", "region", "product", "outlet", "channel", "period", "suspense")
_OF_REGION = (
    "villages", "producers", "workshops", "outlets", "certificates", "stock", "consignments", "statements", "disputes",
)  # fmt: skip
#: Each list: its address, what it is asked, and the names of its rows, of its cursor and of where to go on.
LISTS: tuple[tuple[str, Mapping[str, str], str, str, str], ...] = (
    ("/api/v1/inventory", {"by": "batch"}, "stock", "behind", "next"),
    ("/api/v1/inventory", {"by": "product"}, "products", "behind", "next"),
    ("/api/v1/inventory", {"by": "transit"}, "in_transit", "behind", "next"),
    ("/api/v1/inventory", {"by": "flag"}, "flags", "behind", "next"),
    *(("/api/v1/income", {"by": by}, "income", "behind", "next") for by in _INCOME),
    ("/api/v1/committee/certificates", {}, "certificates", "behind", "next"),
    ("/api/v1/committee/to-do", {}, "to_do", "behind", "next"),
    ("/api/v1/settlement/disputes", {}, "disputes", "behind", "next"),
    ("/api/v1/logistics/differences", {}, "differences", "behind", "next"),
    ("/api/v1/outlets/karakol/shifts", {}, "shifts", "behind", "next"),
    ("/api/v1/outlets/karakol/shifts", {}, "differences", "behind_difference", "next_difference"),
    ("/api/v1/todo", {}, "tasks", "behind", "next"),
    ("/api/v1/personal/erasures", {}, "erasures", "behind", "next"),
    *((f"/api/v1/regions/KG-Y/{what}", {}, what, "behind", "next") for what in _OF_REGION),
    ("/api/v1/audit/exports", {}, "exports", "before", "next"),
    ("/api/v1/audit/cases", {}, "notes", "before", "next"),
    ("/api/v1/documents", {}, "documents", "before", "next"),
    ("/api/v1/events", {}, "events", "after", "next_after"),
    ("/api/v1/quarantine", {}, "messages", "before", "next"),
)
#: Those whose cursors are keys of rows and no positions.
KEYED = tuple(each for each in LISTS if each[3].startswith("behind"))
#: Answers about one thing: no lists.
ONE_THING = {
    "/api/v1/lots/{lot}",
    "/api/v1/lots/{lot}/trace",
    "/api/v1/lots/{lot}/forward",
    "/api/v1/committee/certificate",
    "/api/v1/center/orders/{order}",
    "/api/v1/network",
}
#: In each of them something is earned, and each is closed; the newest first.
MONTHS = tuple(islice(months_before(date.fromisoformat(NOW[:10])), COUNT))
#: Of these there are fewer here: what pages them is the same as what pages the others.
SHORT = {"year", "region", "channel"}


@pytest.fixture(scope="module")
def door(module_log_database: LogDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    with opened(module_log_database, tmp_path_factory.mktemp("paging")) as opened_door:
        fill(opened_door)
        yield opened_door


def fill(door: Door) -> None:
    """Some of everything that a list tells of."""
    found(door)
    for member in make.MEMBERS:
        accepted(door.command("network/grant-role", to=member, role="committee_member", region="KG-Y"))
    for n in range(COUNT):
        settle(door, n)
        trade(door, n)
        certify(door, n)
        earn(door, n)
    keep(door)
    door.fold()
    for month in reversed(MONTHS):
        accepted(door.command("settlement/close-period", region="KG-Y", month=month))
        door.fold()


def settle(door: Door, n: int) -> None:
    """A village with a workshop, a shop and a producer, who disputes a payout; a product that waits for its verdict."""
    accepted(door.ask("network/register-village", make.village_registered(village=f"village-{n}")))
    accepted(door.ask("network/open-workshop", make.workshop_opened(workshop=f"workshop-{n}")))
    accepted(door.ask("network/open-outlet", make.outlet_opened(outlet=f"outlet-{n}")))
    home = {"producer": f"p-10{n}", "village": f"village-{n}"}
    accepted(door.ask("network/register-producer", make.producer_registered(**home)))
    accepted(door.ask("network/define-product", make.product_defined(product=f"jam-{n}")))
    accepted(door.ask("settlement/dispute-payout", make.payout_disputed(producer=f"p-10{n}", dispute=f"d-{n}")))
    about = {"product": f"jam-{n}", "submission": f"s-{n}"}
    accepted(door.ask("committee/submit-product", make.product_submitted(**about)))


def trade(door: Door, n: int) -> None:
    """A batch is shipped, arrives short and is sold, more of it than there was, in a shift whose cash does not fit."""
    lines = (make.stock_line(batch=f"b-{n}", units=10),)
    sold = (make.sale_line(batch=f"b-{n}", product=f"jam-{n}", units=20),)
    unknown = (make.sale_line(batch=None, product=f"jam-{n}", units=1),)
    at_till = {"shift": f"shift-{n}", "outlet": "karakol"}
    moment = datetime.fromisoformat(NOW) + timedelta(minutes=n // 2)
    door.tell(
        report(make.batch_packed(lot=f"b-{n}", code=f"ABCDEF{n}1", product=f"jam-{n}", units=100)),
        report(make.stock_shipped(consignment=f"c-{n}", lines=lines), occurred_at=moment.isoformat()),
        report(make.stock_received(consignment=f"c-{n}", lines=(make.stock_line(batch=f"b-{n}", units=9),))),
        report(make.shift_opened(**at_till), occurred_at=moment.isoformat()),
        report(make.sale_made(**at_till, sale=f"sale-{n}", lines=sold)),
        report(make.sale_made(**at_till, sale=f"unknown-{n}", lines=unknown)),
        report(make.shift_closed(**at_till, counted_cash_tyiyn=n + 1)),
        {"id": f"not an id {n}"},
    )


def certify(door: Door, n: int) -> None:
    """A product that was decided on."""
    about = {"maker": "workshop/tosor-jam", "product": f"honey-{n}", "submission": f"h-{n}"}
    accepted(door.ask("network/define-product", make.product_defined(product=f"honey-{n}")))
    accepted(door.command("committee/submit-product", **about, region="KG-Y", assessors=make.MEMBERS))
    accepted(door.command("committee/receive-sample", **about, units=1))
    scores = make.scores(*5 * (15,)).model_dump()
    for member in make.MEMBERS:
        accepted(door.command("committee/score-assessment", **about, member=member, scores=scores))
    valid = {"valid_from": NOW[:10], "valid_until": (date.fromisoformat(NOW[:10]) + timedelta(days=730)).isoformat()}
    accepted(door.command("committee/certify-product", **about, certificate=f"certificate-{n}", **valid))


def earn(door: Door, n: int) -> None:
    """A batch of what two producers brought, sold in a shop and a month of its own."""
    batch, line = f"t-{n}", make.sale_line(batch=f"t-{n}", units=5)
    brought = {f"lot-{n}": f"p-10{n}", f"lot-{n}-of-the-next": f"p-10{(n + 1) % COUNT}"}
    inputs = tuple(make.lot_input(lot=lot) for lot in brought)
    events = (
        *(make.lot_collected(lot=lot, producer=producer) for lot, producer in brought.items()),
        make.batch_produced(lot=batch, inputs=inputs, mass_g=38_000, loss_mass_g=2_000),
        make.batch_packed(lot=batch, code=f"GHJKMN{n}1", units=60),
        make.sale_made(outlet=f"outlet-{n}", sale=f"earned-{n}", lines=(line,), tenders=(make.cash(90_000),)),
    )
    door.tell(*(report(event, occurred_at=f"{MONTHS[n]}-15T12:00:00+06:00") for event in events))


def keep(door: Door) -> None:
    """Papers, notes, copies of the log and erasures: those of a kind one right behind the other."""
    paper = {"kind": "delivery_note", "media_type": "text/plain", "place": "outlet/karakol", "content": "MTIgamFycw=="}
    for n in range(COUNT):
        accepted(door.command("documents/capture-document", document=f"paper-{n}", **paper))
    for n in range(COUNT):
        accepted(door.command("audit/note-case", case=f"case-{n}", note="Twelve jars were counted."))
    for n in range(COUNT):
        accepted(door.command("audit/make-export", export=f"export-{n}", through_position=n + 1))
    for n in range(COUNT):
        assert door.post("/api/v1/personal/erase", {"id": str(uuid4()), "subject": f"user/u-{n}"}).status_code == 200


def whole(door: Door, path: str, asked: Mapping[str, str], rows: str) -> list[Any]:
    """All rows, in one page."""
    response = door.get(path, **asked, limit=ROWS_PER_PAGE_MAX)
    assert response.status_code == 200, response.text
    assert {response.json().get(name) for name in ("next", "next_after", "next_difference")} == {None}
    listed: list[Any] = response.json()[rows]
    return listed


@pytest.mark.parametrize(("path", "asked", "rows", "behind", "following"), LISTS)
def test_the_pages_of_a_list_are_the_list(
    door: Door, path: str, asked: Mapping[str, str], rows: str, behind: str, following: str
) -> None:
    listed = whole(door, path, asked, rows)
    if not {asked.get("by"), rows} & SHORT:
        assert len(listed) >= COUNT, "there is something to turn over"
    for limit in (1, 2, len(listed) or 1):
        walked: list[Any] = []
        more: dict[str, Any] | None = {}
        while more is not None:
            page = door.get(path, **asked, limit=limit, **more).json()
            assert len(page[rows]) <= limit
            walked += page[rows]
            more = None if page[following] is None else {behind: page[following]}
        assert walked == listed


def test_every_list_is_among_those_that_are_paged(door: Door) -> None:
    paths = door.get("/openapi.json").json()["paths"]
    reads = {path for path, verbs in paths.items() if path.startswith("/api/v1/") and "get" in verbs}
    listed = {re.sub("KG-Y/.*", "{region}/{what}", path.replace("karakol", "{outlet}")) for path, *_ in LISTS}
    assert reads - ONE_THING - NOT_POLLED | NOT_POLLED & listed == listed
    for path in listed:
        named = {each.get("name"): each for each in paths[path]["get"]["parameters"]}
        assert named["limit"]["schema"], path
        assert "page before" in str(named.get("behind") or named.get("before")) or path.endswith("/events")


def test_rows_that_come_meanwhile_move_no_other_row(door: Door) -> None:
    first = door.get("/api/v1/inventory", by="flag", limit=3).json()
    door.tell({"id": "not an id either"}, report(make.sale_made(sale="meanwhile", lines=(make.sale_line(batch=None),))))
    door.fold()
    second = door.get("/api/v1/inventory", by="flag", limit=1_000, behind=first["next"]).json()
    listed = whole(door, "/api/v1/inventory", {"by": "flag"}, "flags")
    at = listed.index(first["flags"][-1])
    assert second["flags"] == listed[at + 1 :]


@pytest.mark.parametrize(("path", "asked", "rows", "behind", "following"), KEYED)
def test_a_cursor_that_was_never_given_out_is_refused_by_name(
    door: Door, path: str, asked: Mapping[str, str], rows: str, behind: str, following: str
) -> None:
    empty = not whole(door, path, asked, rows)
    forged = ("nonsense", "ü", "W10", cursor(("a",) * 7), cursor((True, "a")), cursor(("\0", "\0", "\0", "\0")), "e30")
    for wrong in forged:
        response = door.get(path, **asked, **{behind: wrong})
        if empty:
            assert response.status_code in (200, 422)
            continue
        assert response.status_code == 422, (path, asked, wrong, response.text)
        assert (response.json()["code"], response.json()["problems"][0]["field"]) == ("malformed", "behind")


def test_a_moment_in_a_cursor_is_read_before_the_database_sees_it(door: Door) -> None:
    for moment in ("yesterday", "infinity", "2016-13-01", ""):
        response = door.get("/api/v1/inventory", by="transit", behind=cursor((moment, "c-1", "b-1")))
        assert response.status_code == 422, moment
