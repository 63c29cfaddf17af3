"""The quarantine desk in a real browser: it fits, everybody can read it, and it works without a script."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # states no types
from playwright.sync_api import expect

from services.web.language import LANGUAGES, Language
from tests import make
from tests.e2e.conftest import Stack, Visit
from tests.small_network import BATCH, PRICE_TYIYN

type Visits = Callable[..., Visit]

pytestmark = pytest.mark.xdist_group("browser")


class Desk:
    """Messages in quarantine, and the key of somebody who may deal with them."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._till_counter = 100
        self.address = stack.address
        self.key = stack.door.admin_key

    def quarantine(self, **more: Any) -> str:
        """A sale of an old tablet, which names the product as nobody else does."""
        self._till_counter += 1
        head = self._stack.door.front.handler.log.head()
        assert head.recorded_at is not None
        at = (head.recorded_at + timedelta(minutes=1)).isoformat()
        line = make.sale_line(batch=BATCH, units=2, unit_price_tyiyn=PRICE_TYIYN)
        event = make.sale_made(sale=f"s-{uuid4()}", till_counter=self._till_counter, lines=(line,))
        data = event.model_dump(mode="json", exclude_none=True)
        data["lines"][0]["product"] = "JAM-APR"
        item = {"id": str(uuid4()), "type": event.wire_name, "occurred_at": at, "recorded_at": at, "data": data | more}
        [answer] = self._stack.door.tell(item)
        assert answer["status"] == "quarantined", answer
        return str(answer["receipt"]["event_id"])

    def state(self, message: str) -> str:
        return str(self._stack.door.get(f"/api/v1/quarantine/{message}").json()["state"])

    def command(self, verb: str, **fields: Any) -> None:
        head = self._stack.door.front.handler.log.head()
        assert head.recorded_at is not None
        at = head.recorded_at.isoformat()
        assert self._stack.door.command(f"quarantine/{verb}", recorded_at=at, **fields).status_code == 200


@pytest.fixture(scope="module")
def desk(stack: Stack) -> Desk:
    return Desk(stack)


@pytest.fixture(scope="module")
def paths(desk: Desk) -> list[str]:
    """The list in two states, an open message, one that was mapped, one that was dismissed."""
    waiting, mapped, dismissed = desk.quarantine(colour="кызыл" * 30), desk.quarantine(), desk.quarantine()
    changes = [{"wherever": "product", "is": "JAM-APR", "to": "apricot-jam-300"}]
    desk.command("map", quarantine=mapped, reason="renamed_product", changes=changes)
    desk.command("dismiss", quarantine=dismissed, reason="sent_twice")
    messages = [f"/quarantine/{message}" for message in (waiting, mapped, dismissed)]
    return ["/quarantine", "/quarantine?state=dismissed", *messages]


@pytest.mark.parametrize("language", LANGUAGES.values(), ids=list(LANGUAGES))
@pytest.mark.parametrize("width", [320, 360, 1280])
def test_the_desk_fits_every_screen_in_every_language(
    desk: Desk, paths: list[str], visit: Visits, language: Language, width: int
) -> None:
    seen = visit(desk.address, locale=language.tag, width=width, key=desk.key)
    for path in paths:
        assert seen.go(path) == 200
        assert seen.page.locator("html").get_attribute("lang") == language.tag
        assert not seen.scrolls_sideways(), (path, language.tag, width)
        assert seen.page.locator("h1").count() == 1


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_read_the_desk(desk: Desk, paths: list[str], visit: Visits, width: int, scheme: str) -> None:
    seen = visit(desk.address, locale="ky-KG", width=width, key=desk.key)
    seen.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    for path in paths:
        seen.go(path)
        found = Axe().run(seen.page)
        assert found.violations_count == 0, f"{path}\n{found.generate_report()}"


def test_a_message_is_tried_and_mapped_without_a_script(desk: Desk, visit: Visits) -> None:
    message = desk.quarantine(colour="red")
    seen = visit(desk.address, width=360, scripts=False, key=desk.key)
    seen.go("/quarantine")
    seen.page.click(f"a[href='/quarantine/{message}']")
    seen.page.fill("input[name=at0]", "data.lines.0.product")
    seen.page.select_option("select[name=how0]", "everywhere")
    seen.page.fill("input[name=value0]", "apricot-jam-300")

    seen.page.click("button[value=try]")

    expect(seen.page.locator(".told.bad")).to_contain_text("It cannot be understood like this either.")
    expect(seen.page.locator(".told.bad")).to_contain_text("colour")
    assert desk.state(message) == "open"
    assert seen.page.input_value("input[name=value0]") == "apricot-jam-300"
    seen.page.fill("input[name=at1]", "data.colour")
    seen.page.select_option("select[name=how1]", "remove")
    seen.page.click("button[value=try]")
    expect(seen.page.locator(".told.good")).to_contain_text("It can be understood like this.")
    seen.page.click("button[value=map]")
    expect(seen.page.locator(".facts")).to_contain_text("Mapped")
    expect(seen.page.locator(".done")).to_contain_text('product: "JAM-APR" became "apricot-jam-300" wherever it stood')
    expect(seen.page.locator(".done")).to_contain_text("data.colour was taken out")
    expect(seen.page.locator("pre")).to_contain_text("JAM-APR")
    assert desk.state(message) == "mapped"
    assert seen.page.locator("main form").count() == 0


def test_what_is_still_wrong_is_said_above_the_form(desk: Desk, visit: Visits) -> None:
    message = desk.quarantine()
    seen = visit(desk.address, locale="ru-KG", width=360, scripts=False, key=desk.key)
    seen.go(f"/quarantine/{message}")
    seen.page.click("button[value=resubmit]")
    expect(seen.page.locator("[role=alert]")).to_contain_text("И в таком виде это непонятно.")
    found = seen.page.locator("[role=alert]").bounding_box()
    assert found is not None
    assert found["y"] < 400
    seen.page.click("button[value=map]")
    expect(seen.page.locator("[role=alert]")).to_contain_text("В форме чего-то не хватает, или что-то неверно.")
    assert desk.state(message) == "open"
    seen.complaints[:] = [text for text in seen.complaints if "422" not in text]


def test_a_dismissed_message_stays_readable_without_a_script(desk: Desk, visit: Visits) -> None:
    message = desk.quarantine()
    seen = visit(desk.address, scripts=False, key=desk.key)
    seen.go(f"/quarantine/{message}")
    seen.page.locator("section[aria-labelledby=dismiss-heading] select").select_option("not_a_report")
    seen.page.click("button[value=dismiss]")
    expect(seen.page.locator(".done")).to_contain_text("Dismissed: it is no report")
    expect(seen.page.locator("pre")).to_contain_text("JAM-APR")
    assert desk.state(message) == "dismissed"


def test_the_list_says_what_is_to_do_for_each_role(desk: Desk, visit: Visits) -> None:
    desk.quarantine()
    seen = visit(desk.address, key=desk.key)
    seen.go("/quarantine")
    center = seen.page.locator("#role-center + .tasks .urgent")
    expect(center).to_contain_text("Reports could not be understood: map them, or dismiss them with a reason.")
    expect(seen.page.locator("#role-settlement_clerk + .tasks")).to_contain_text("A month is over and not closed")


def test_a_strangers_page_says_that_the_desk_is_closed(desk: Desk, paths: list[str], visit: Visits) -> None:
    seen = visit(desk.address, locale="ky-KG", width=360)
    for path in paths:
        assert seen.go(path) == 401
        expect(seen.page.locator("h1")).to_have_text("Сизге ачык эмес")
        assert "JAM-APR" not in seen.page.content()
    assert Axe().run(seen.page).violations_count == 0
    seen.complaints[:] = [text for text in seen.complaints if "401" not in text]


def test_a_message_that_is_not_there_is_told_on_a_page_too(desk: Desk, visit: Visits) -> None:
    seen = visit(desk.address, locale="ky-KG", width=360, key=desk.key)
    assert seen.go("/quarantine/nothing") == 404
    expect(seen.page.locator("h1")).to_have_text("Мындай билдирүү жок")
    assert Axe().run(seen.page).violations_count == 0
    seen.complaints[:] = [text for text in seen.complaints if "404" not in text]
