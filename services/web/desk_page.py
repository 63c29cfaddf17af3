"""The pages `/quarantine` and `/quarantine/{id}`: what waits, one message, and the forms to deal with it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final, Literal

import orjson

from events.quarantine_pages import Page, State
from services.quarantine.desk import Kept
from services.quarantine.mapping import Change
from services.todo import Task
from services.web import desk_words
from services.web.language import Language
from services.web.menu import Menu
from services.web.rendering import render

#: Changes that the form takes at a time.
ROWS: Final = 3
#: Places that the form offers to choose from.
PLACES_MAX: Final = 100
STATES: Final[Sequence[State]] = ("open", "mapped", "resubmitted", "dismissed")


@dataclass(frozen=True)
class Told:
    """What is said above the forms after something was tried: a sentence, whether it is good news, what it concerns."""

    sentence: str
    is_good: bool
    details: Sequence[str] = ()
    item: str | None = None


def desk_page(
    language: Language,
    found: Page,
    counts: Mapping[str, int],
    state: State,
    tasks: Sequence[Task],
    *,
    is_simulated: bool,
    before: int | None,
    menu: Menu | None = None,
) -> bytes:
    """The list of messages in one state, and the to-do list by role."""
    return render(
        "desk.html",
        language,
        found=found,
        counts=counts,
        state=state,
        states=STATES,
        by_role=_by_role(tasks),
        words=desk_words,
        is_simulated=is_simulated,
        before=before,
        menu=menu,
    )


def todo_page(language: Language, tasks: Sequence[Task], *, is_simulated: bool, menu: Menu | None = None) -> bytes:
    """What waits for whoever reads it, by role."""
    return render("todo.html", language, by_role=_by_role(tasks), is_simulated=is_simulated, menu=menu)


def _by_role(tasks: Sequence[Task]) -> list[tuple[str, list[Task]]]:
    """Roles with something urgent come first."""
    by_role = [
        (role, list(of_role)) for role, of_role in groupby(sorted(tasks, key=lambda t: t.role), lambda t: t.role)
    ]
    return sorted(by_role, key=lambda pair: not any(task.is_urgent for task in pair[1]))


def message_page(
    language: Language,
    kept: Kept,
    *,
    is_simulated: bool,
    told: Told | None = None,
    form: Mapping[str, str] | None = None,
    menu: Menu | None = None,
) -> bytes:
    """One message with all that was done about it, and what can be done still."""
    item = _parsed(kept.content)
    return render(
        "message.html",
        language,
        kept=kept,
        note=kept.note.event,
        text=_shown(kept.content, item),
        places=[place for place, _ in zip(_places(item), range(PLACES_MAX), strict=False)],
        steps=[(step, [_said(language, change) for change in step.mapping or ()]) for step in kept.steps],
        can_be_mapped=isinstance(item, dict) and not kept.is_sent_again,
        words=desk_words,
        rows=range(ROWS),
        told=told,
        form=form or {},
        is_simulated=is_simulated,
        menu=menu,
    )


def closed_page(
    language: Language,
    why: Literal["unknown", "not_allowed", "not_there"],
    is_simulated: bool,
    *,
    back: str = "/",
    menu: Menu | None = None,
) -> bytes:
    """For somebody whom we do not know, who may not look at it, or who asks for what is not there.

    `back`: where whoever signs in now wanted to go.
    """
    return render("closed.html", language, why=why, is_simulated=is_simulated, back=back, menu=menu)


def changes_of(form: Mapping[str, str], item: Any) -> list[dict[str, Any]]:
    """The changes that a filled form asks for; rows without a place are empty ones."""
    changes: list[dict[str, Any]] = []
    for row in range(ROWS):
        place, value = form.get(f"at{row}", "").strip(), form.get(f"value{row}", "").strip()
        if not place:
            continue
        match form.get(f"how{row}"):
            case "rename":
                changes.append({"at": place, "rename": value})
            case "remove":
                changes.append({"at": place, "remove": True})
            case "everywhere":
                name = place.rpartition(".")[2]
                changes.append({"wherever": name, "is": _found(item, place), "to": _value(value)})
            case _:
                changes.append({"at": place, "to": _value(value)})
    return changes


def pretty(item: Any) -> str:
    return json.dumps(item, ensure_ascii=False, indent=2)


def _parsed(content: bytes | None) -> Any:
    try:
        return None if content is None else orjson.loads(content)
    except orjson.JSONDecodeError:
        return None


def _shown(content: bytes | None, item: Any) -> str | None:
    if content is None:
        return None
    if item is not None:
        return pretty(item)
    return content.decode(errors="backslashreplace")


def _places(value: Any, above: str = "") -> Iterator[str]:
    """The places of all single values, as a change names them."""
    inner: Iterator[tuple[Any, Any]] = iter(())
    if isinstance(value, dict):
        inner = iter(value.items())
    elif isinstance(value, list):
        inner = iter(enumerate(value))
    elif above and above != "id":
        yield above
    for key, part in inner:
        yield from _places(part, f"{above}.{key}" if above else str(key))


def _found(item: Any, place: str) -> Any:
    for part in place.split("."):
        if isinstance(item, dict):
            item = item.get(part)
        elif isinstance(item, list) and part.isdecimal() and int(part) < len(item):
            item = item[int(part)]
        else:
            return None
    return item


def _value(text: str) -> Any:
    """A number, true, false or a quoted text as JSON has them; anything else is the text as it stands."""
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
    return text if isinstance(found, float) else found


def _said(language: Language, change: Mapping[str, Any]) -> str:
    """A change that was made, in the reader's language."""
    made = Change.model_validate(change)
    to = orjson.dumps(made.to).decode()
    if made.wherever is not None:
        was = orjson.dumps(made.is_).decode()
        return language.gettext("%(field)s: %(was)s became %(now)s wherever it stood") % {
            "field": made.wherever,
            "was": was,
            "now": to,
        }
    if made.rename is not None:
        return language.gettext("%(field)s is called %(name)s") % {"field": made.at, "name": made.rename}
    if made.remove:
        return language.gettext("%(field)s was taken out") % {"field": made.at}
    return language.gettext("%(field)s became %(now)s") % {"field": made.at, "now": to}
