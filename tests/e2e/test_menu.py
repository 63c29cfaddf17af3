"""Signing in, in a real browser: text is seen as typed, a closed page leads there and back, the menu is theirs."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # states no types
from playwright.sync_api import expect

from services.web.language import LANGUAGES, Language
from tests.e2e.conftest import Stack, Visit

type Visits = Callable[..., Visit]

pytestmark = pytest.mark.xdist_group("browser")
PASSWORD = "Кырк Бир чоро 41"
PEOPLE = {"center": {"role": "center"}, "clerk": {"role": "settlement_clerk", "region": "KG-Y"}, "guest": {}}


@pytest.fixture(scope="module")
def people(stack: Stack) -> Stack:
    """A person of the center, a clerk of a region, and somebody without a role; all with one password."""
    store = stack.door.front.credentials.store
    head = stack.door.front.handler.log.head()
    assert head.recorded_at is not None
    at = {"occurred_at": head.recorded_at.isoformat(), "recorded_at": head.recorded_at.isoformat()}
    for name, role in PEOPLE.items():
        store.add_person(f"user/{name}", name)
        code = store.add_code("password", f"user/{name}", 60)
        chosen: dict[str, Any] = {"code": code, "password": PASSWORD}
        assert stack.door.post("/api/v1/session/password", chosen).status_code == 200
        if role:
            granted = stack.door.command("network/grant-role", id=str(uuid4()), to=f"user/{name}", **role, **at)
            assert granted.status_code == 200, granted.text
    return stack


def sign_in(seen: Visit, name: str) -> None:
    seen.page.fill("#name", name)
    seen.page.fill("#password", PASSWORD)
    seen.page.click("form[action='/sign-in'] button")


def test_a_name_is_seen_as_it_is_typed(people: Stack, visit: Visits) -> None:
    seen = visit(people.address, width=360)
    seen.go("/sign-in")
    for field in ("#name", "#password"):
        assert seen.page.locator(field).evaluate("field => getComputedStyle(field).textTransform") == "none"
    seen.page.fill("#name", "Aigul")
    assert seen.page.input_value("#name") == "Aigul"


@pytest.mark.parametrize("path", ["/quarantine?state=mapped", "/todo"])
def test_a_closed_page_leads_to_the_sign_in_and_back(people: Stack, visit: Visits, path: str) -> None:
    seen = visit(people.address, width=360, scripts=False)
    assert seen.go(path) == 401
    seen.page.click("main a[href^='/sign-in']")
    sign_in(seen, "nobody")
    expect(seen.page.locator("[role=alert]")).to_be_visible()
    sign_in(seen, "center")
    seen.page.wait_for_url(people.address + path)
    expect(seen.page.locator(".menu .who")).to_contain_text("user/center")
    seen.complaints[:] = [text for text in seen.complaints if "401" not in text]


@pytest.mark.parametrize(
    ("name", "pages"), [("center", ["/", "/todo", "/quarantine"]), ("clerk", ["/", "/todo"]), ("guest", ["/"])]
)
def test_the_menu_names_who_is_signed_in_and_the_pages_that_are_open(
    people: Stack, visit: Visits, name: str, pages: list[str]
) -> None:
    seen = visit(people.address, scripts=False)
    seen.go("/sign-in")
    sign_in(seen, name)
    expect(seen.page.locator(".menu .who")).to_contain_text(f"user/{name}")
    assert [link.get_attribute("href") for link in seen.page.locator(".menu li a").all()] == pages
    for path in pages:
        assert seen.go(path) == 200
        expect(seen.page.locator(".menu [aria-current=page]")).to_have_attribute("href", path)
    seen.page.click(".menu .sign-out")
    assert seen.page.locator(".menu").count() == 0
    expect(seen.page.locator(".enter")).to_be_visible()


def test_a_clerk_of_a_region_sees_the_tasks_of_the_region_and_no_desk(people: Stack, visit: Visits) -> None:
    seen = visit(people.address, scripts=False)
    seen.go("/sign-in?to=/todo")
    sign_in(seen, "clerk")
    expect(seen.page.locator("#role-settlement_clerk + .tasks")).to_contain_text("A month is over and not closed")
    assert seen.go("/quarantine") == 403
    expect(seen.page.locator(".menu .who")).to_contain_text("user/clerk")
    seen.complaints[:] = [text for text in seen.complaints if "403" not in text]


@pytest.mark.parametrize("to", ["https://elsewhere.example/", "//elsewhere.example", "/api/v1/events", "/todo/../x"])
def test_nobody_is_led_elsewhere_after_signing_in(people: Stack, visit: Visits, to: str) -> None:
    seen = visit(people.address, scripts=False)
    seen.go(f"/sign-in?to={to}")
    sign_in(seen, "center")
    seen.page.wait_for_url(people.address + "/")


def test_a_jar_s_page_is_the_same_for_everybody(people: Stack, visit: Visits) -> None:
    seen = visit(people.address, scripts=False)
    seen.go("/sign-in")
    sign_in(seen, "center")
    seen.go("/l/unknown")
    assert seen.page.locator(".menu, .enter").count() == 0
    seen.complaints[:] = [text for text in seen.complaints if "404" not in text]


@pytest.mark.parametrize("language", LANGUAGES.values(), ids=list(LANGUAGES))
@pytest.mark.parametrize("width", [320, 1280])
def test_the_menu_fits_every_screen_and_everybody_can_use_it(
    people: Stack, visit: Visits, language: Language, width: int
) -> None:
    seen = visit(people.address, locale=language.tag, width=width)
    seen.go("/sign-in?to=/todo")
    sign_in(seen, "center")
    for path in ("/", "/todo", "/quarantine"):
        seen.go(path)
        assert not seen.scrolls_sideways(), (path, language.tag, width)
        found = Axe().run(seen.page)
        assert found.violations_count == 0, f"{path}\n{found.generate_report()}"
