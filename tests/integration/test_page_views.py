"""What the pages show is what the log says, through the read models."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.web.routes import SECURITY_HEADERS
from tests import make, small_network
from tests.door import Door, opened, report
from tests.servers import LogDatabase
from tests.small_network import BATCH, CODE, PRICE_TYIYN


@pytest.fixture(scope="module")
def small(module_log_database: LogDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    with opened(module_log_database, tmp_path_factory.mktemp("small")) as door:
        small_network.fill(door.front.handler.log)
        door.fold()
        yield door


def page(door: Door, path: str, language: str = "en") -> str:
    response = door.client.get(path, headers={"Accept-Language": language})
    assert response.status_code == 200, response.text
    return response.text


def test_the_network_page_adds_up_the_sales_of_the_shops(small: Door) -> None:
    text = page(small, "/")
    of_2014 = (2 + 3 + 4) * PRICE_TYIYN // 100
    of_2015 = 2 * PRICE_TYIYN // 100
    assert "The small network" in text
    assert "Demo data" in text
    assert f'data-total="sales">{of_2014 + of_2015:,}\u00a0som' in text
    assert f'data-total="sales_this_year">{of_2015:,}\u00a0som' in text
    assert "up to 02.02.2015" in text
    assert f">{of_2014:,}<" in text
    assert text.count("<tr id=") == 2
    assert "no sale yet" in text


def test_one_clock_that_runs_ahead_moves_neither_the_year_at_the_top_nor_the_last_sale(
    log_database: LogDatabase, tmp_path: Path
) -> None:
    with opened(log_database, tmp_path) as door:
        recorder = small_network.fill(door.front.handler.log)
        now = datetime(2015, 2, 28, 6, tzinfo=UTC)
        recorder.sell("sale-of-2099", 1, datetime(2099, 1, 1, 6, tzinfo=UTC), now)
        door.fold()
        text = page(door, "/")
        assert "Sales in 2015" in text
        assert '<th scope="row">2099' in text
        assert f'data-total="sales_this_year">{2 * PRICE_TYIYN // 100:,}\u00a0som' in text
        assert "02.02.2015\u00a012:00" in text
        assert "01.01.2099" not in text
        [karakol] = [row for row in door.get("/api/v1/network").json()["outlets"] if row["outlet"] == "karakol"]
        assert karakol["last_sale_at"].startswith("2015-02-02T06:00")


def test_the_page_of_a_jar_says_its_villages_in_order(small: Door) -> None:
    text = page(small, f"/l/{CODE}")
    at = [text.index(f"{village}") for village in ("Tosor <small>", "Barskoon <small>", "Ozgorush <small>")]
    assert at == sorted(at)
    for share in ("50.0%", "30.0%", "15.0%", "5.0%"):
        assert f">{share}<" in text
    assert "Genuine, certified" in text
    assert "Tosor jam workshop" in text
    assert "cert-1" in text
    assert "Committee of Ysyk-Köl" in text
    assert "31.01.2016" in text
    assert ">60.0%<" in text


def test_a_jar_is_found_by_whatever_a_scanner_makes_of_its_code(small: Door) -> None:
    whole = page(small, f"/L/{CODE}")
    assert page(small, f"/l/{CODE.lower()}") == whole
    found = small.client.get("/l", params={"code": f" {CODE[:4]}-{CODE[4:]} "}, follow_redirects=False)
    assert found.status_code == 303
    assert found.headers["location"] == f"/l/{CODE}"


def test_an_unknown_code_is_not_found_and_says_so_kindly(small: Door) -> None:
    for code, said in (("4T7QX9BJ", "check symbol"), ("00000000", "Compare it with the label"), ("jam", "Compare")):
        response = small.client.get(f"/l/{code}", headers={"Accept-Language": "en"})
        assert response.status_code == 404
        assert response.headers["content-type"].startswith("text/html")
        assert "We do not know this code" in response.text
        assert said in response.text


@pytest.mark.parametrize(
    ("path", "status"), [("/nonsense", 404), ("/l/", 404), (f"/l/{CODE}/", 404), ("/l", 422), ("/01/1/10/2", 404)]
)
def test_a_person_at_a_wrong_address_gets_a_page_and_a_program_a_problem(small: Door, path: str, status: int) -> None:
    browser = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Accept-Language": "ru"}
    shown = small.client.get(path, headers=browser)
    assert shown.status_code == status
    assert shown.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in shown.headers["content-security-policy"]
    for part in ("Такой страницы нет", "Демонстрационные данные", 'id="code"'):
        assert part in shown.text
    for headers, where in (({"Accept": "*/*"}, path), (browser, "/api/v1/nonsense"), (browser, "/static/nonsense")):
        told = small.client.get(where, headers=headers)
        assert told.headers["content-type"] == "application/problem+json", (headers, where)


def test_a_person_is_told_when_a_page_cannot_be_shown_now(log_database: LogDatabase, tmp_path: Path) -> None:
    with opened(log_database, tmp_path, address_requests_per_minute=1) as door:
        headers = {"Accept": "text/html", "Accept-Language": "en", "Authorization": ""}
        door.client.get("/", headers=headers)
        shown = door.client.get("/", headers=headers)
        assert shown.status_code == 429
        assert "This page cannot be shown now" in shown.text
        assert int(shown.headers["retry-after"]) > 0


def test_the_language_is_chosen_by_the_browser_then_by_the_reader_and_remembered(small: Door) -> None:
    assert 'lang="ru-KG"' in page(small, f"/l/{CODE}", "ru")
    chosen = small.client.get(f"/l/{CODE}", params={"lang": "ky"}, headers={"Accept-Language": "ru"})
    assert '<html lang="ky-KG"' in chosen.text
    remembered = small.client.get(f"/l/{CODE}", headers={"Accept-Language": "ru"})
    assert '<html lang="ky-KG"' in remembered.text
    small.client.cookies.clear()


def test_pages_may_be_kept_for_a_minute_and_are_not_sent_twice(small: Door) -> None:
    first = small.client.get(f"/l/{CODE}")
    assert first.headers["cache-control"] == "max-age=60"
    for held in (first.headers["etag"], f'W/{first.headers["etag"]}, "another"', "*"):
        again = small.client.get(f"/l/{CODE}", headers={"If-None-Match": held})
        assert (again.status_code, again.content) == (304, b"")
    assert small.client.get("/", headers={"Authorization": ""}).headers["cache-control"] == "no-cache"
    # Who is signed in sees a page of one's own, which nobody between may keep.
    assert small.client.get("/").headers["cache-control"] == "private, no-cache"


def test_pages_let_nothing_foreign_in(small: Door) -> None:
    for path in ("/", f"/l/{CODE}", "/l/00000000"):
        headers = small.client.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
    assert "script-src 'none'" in small.client.get(f"/l/{CODE}").headers["content-security-policy"]


def test_static_files_are_kept_for_a_year_under_the_name_of_their_content(small: Door) -> None:
    text = page(small, "/")
    for name in ("pages.css", "live.js", "mark.svg"):
        address = text.split(f"/static/{name}", 1)[1].split('"', 1)[0]
        response = small.client.get(f"/static/{name}{address}")
        assert response.status_code == 200
        assert "immutable" in response.headers["cache-control"]
        assert response.headers["x-content-type-options"] == "nosniff"
    assert small.client.get("/static/..%2Froutes.py").status_code == 404
    assert small.client.get("/static/routes.py").status_code == 404


def test_whatever_is_answered_under_static_is_safe_for_a_browser(small: Door) -> None:
    etag = small.client.get("/static/pages.css").headers["etag"]
    for status, method, path, headers in (
        (200, "GET", "pages.css", {}),
        (304, "GET", "pages.css", {"If-None-Match": etag}),
        (404, "GET", "routes.py", {}),
        (404, "GET", "..%2Froutes.py", {}),
        (404, "GET", "a/b", {}),
        (404, "GET", "", {}),
        (405, "POST", "pages.css", {}),
    ):
        response = small.client.request(method, f"/static/{path}", headers=headers)
        assert response.status_code == status, path
        for name, value in SECURITY_HEADERS.items():
            assert response.headers.get_list(name) == [value], (path, name)
    assert "x-frame-options" not in small.client.get("/static").headers


def test_what_nobody_can_read_as_a_code_breaks_nothing(small: Door) -> None:
    for odd in ("%00", "<script>alert(1)</script>", "x" * 300, "☃", "%2e%2e", "%ff%fe"):
        response = small.client.get(f"/l/{odd}")
        assert response.status_code in (404, 422), odd
        assert "<script>alert" not in response.text


def test_a_recall_of_the_sugar_reaches_the_page_of_the_jar(log_database: LogDatabase, tmp_path: Path) -> None:
    with opened(log_database, tmp_path) as door:
        recorder = small_network.fill(door.front.handler.log)
        root = make.recall_started().roots[0].model_copy(update={"kind": "material", "id": "lot-sugar-1"})
        recorder.record(make.recall_started(roots=(root,), severity="risk"), small_network.FOUNDED.replace(year=2015))
        door.fold()
        text = page(door, f"/l/{CODE}")
        assert 'class="verdict stop" role="alert"' in text
        assert "Recalled — do not use" in text
        assert "Genuine" not in text


def test_a_suspended_certificate_is_said_to_be_suspended(log_database: LogDatabase, tmp_path: Path) -> None:
    with opened(log_database, tmp_path) as door:
        recorder = small_network.fill(door.front.handler.log)
        recorder.record(make.certificate_suspended(), small_network.FOUNDED.replace(year=2015))
        door.fold()
        assert "Certificate suspended" in page(door, f"/l/{CODE}")
        recorder.record(make.certificate_reinstated(), small_network.FOUNDED.replace(year=2015, month=4))
        door.fold()
        assert "Genuine, certified" in page(door, f"/l/{CODE}")


def test_an_empty_installation_has_a_page_too(log_database: LogDatabase, tmp_path: Path) -> None:
    with opened(log_database, tmp_path) as door:
        assert "No outlet has been opened yet" in page(door, "/")
        assert door.client.get(f"/l/{CODE}").status_code == 404


def test_a_lot_that_nobody_packed_has_a_view_of_its_own(small: Door) -> None:
    from services.web.source import ServedPages

    source = ServedPages(small.front.books)
    pool = source.jar_or_lot("lot-pool-1")
    assert pool is not None
    assert pool.proof is None
    assert [share.ppm for share in pool.villages] == [500_000, 300_000, 150_000, 50_000]
    jar = source.jar_or_lot(BATCH)
    assert jar is not None
    assert jar.code == CODE
    assert source.jar_or_lot("no-such-lot") is None
    assert source.jar_or_lot(" lot-pool-1\n") == pool


def test_a_clock_at_the_end_of_the_calendar_breaks_no_page(log_database: LogDatabase, tmp_path: Path) -> None:
    last = "9999-12-31T23:59:59.999999Z"
    with opened(log_database, tmp_path) as door:
        small_network.fill(door.front.handler.log)
        told = (make.batch_packed(lot="b-late", code="4T7QX9BK"), make.sale_made(sale="s-late"))
        door.tell(*(report(event, occurred_at=last, recorded_at="2015-03-01T12:00:00Z") for event in told))
        door.fold()
        assert "31.12.9999" in page(door, "/l/4T7QX9BK")
        page(door, "/")
