"""Who is signed in on a page, and the pages that are open to that person."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from fastapi import Request

from services.access.permissions import READ_DESK, TASKS
from services.access.sender import Sender
from services.front import Front

#: Where somebody may come back to after signing in: pages of our own, and nothing that leads elsewhere. A message has
#: an Id (events.catalogue.values), which no step upwards (`..`) is.
_OWN_PAGE: Final = re.compile(r"/(todo|quarantine(/[a-z0-9][a-z0-9._-]{0,63})?)", re.ASCII)
_OWN_QUERY: Final = re.compile(r"(state|before)=[a-z0-9]{1,20}(&(state|before)=[a-z0-9]{1,20})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Menu:
    """What the head of a page says of whoever reads it."""

    actor: str
    roles: tuple[str, ...]  #: names of roles; `administrator` for the one who may everything
    pages: tuple[str, ...]  #: addresses, in the order in which they are shown
    here: str  #: the address of this page


type MenuOf = Callable[[Request], Awaitable[Menu | None]]


def menus(front: Front) -> MenuOf:
    """How the pages find out who reads them; None is a stranger."""

    async def menu_of(request: Request) -> Menu | None:
        known = request.cookies.get(front.session_cookie) or request.headers.get("authorization")
        if known is None or request.method not in ("GET", "HEAD", "POST"):
            return None
        sender = await front.sender_if_told(request)
        return None if sender is None else menu(sender, request.url.path)

    return menu_of


def menu(sender: Sender, here: str) -> Menu:
    """The head of a page for this sender."""
    roles = ("administrator",) if sender.kind == "admin" else tuple(sorted({grant.role for grant in sender.grants}))
    opened = (("/todo", TASKS), ("/quarantine", READ_DESK))
    pages = tuple(address for address, permission in opened if permission.open_to(sender))
    return Menu(sender.actor, roles, ("/", *pages), here)


def own_page(asked: str | None) -> str:
    """Where to go after signing in: the page that was closed, if it is one of ours, and what was chosen on it."""
    page, _, query = (asked or "").partition("?")
    if not _OWN_PAGE.fullmatch(page):
        return "/"
    return f"{page}?{query}" if _OWN_QUERY.fullmatch(query) else page
