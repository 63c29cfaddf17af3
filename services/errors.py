"""Every way to say no: named refusals, and the one map from a refusal to an HTTP status (RFC 9457 problem details)."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from events.catalogue.registry import FieldProblem

PROBLEM_JSON = "application/problem+json"


class Refused(Exception):
    """A rule of the network says no, and nothing was stored.

    A refusal is a small class: its docstring's first paragraph is the sentence people read, `advice` says what to do
    next, `field` names the field at fault when there is one. Its code is the class name in snake case.
    """

    advice: ClassVar[str] = ""

    def __init__(self, *, field: str | None = None, advice: str | None = None) -> None:
        super().__init__(self.message())
        self.field = field
        self.what_to_do = advice or self.advice

    @classmethod
    def code(cls) -> str:
        return re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()

    @classmethod
    def message(cls) -> str:
        paragraph = (cls.__doc__ or cls.__name__).strip().split("\n\n")[0]
        return " ".join(paragraph.split())


class NotAuthenticated(Refused):
    """This request carries no key that the network knows."""

    advice = "Sign in, or send the header 'Authorization: Bearer <key>'; a lost device is enrolled again."


class NotAllowed(Refused):
    """This key may not do that."""

    advice = "Ask the center for the right."


class NotFound(Refused):
    """There is nothing of this name."""

    advice = "Check the spelling; ids are lower case."


class Malformed(Refused):
    """The request is not what this address takes."""

    advice = "See /openapi.json for the fields and parameters of every address."

    def __init__(self, problems: Sequence[FieldProblem] = (), *, advice: str | None = None) -> None:
        super().__init__(field=problems[0].field if problems else None, advice=advice)
        self.problems = tuple(problems)


class NotJson(Refused):
    """The body is not JSON in UTF-8."""

    advice = "Send one JSON object, or a list of them."


class TooLarge(Refused):
    """The body is larger than this installation takes; the limit is two megabytes unless it was set."""

    advice = "Send fewer items at a time; nothing of this request was stored."


class HeadersTooLarge(Refused):
    """The address and headers of this request are longer together than this installation takes."""

    advice = "Send what you have to say in the body, fewer cookies, and a shorter question."


class TooManyItems(Refused):
    """The list holds more items than this installation takes at a time; that is 500 unless it was set."""

    advice = "Send fewer items at a time; nothing of this request was stored."


class TooManyRequests(Refused):
    """Too many requests came from here within a minute."""

    def __init__(self, seconds: int = 60) -> None:
        super().__init__(advice=f"Send it again after {seconds} seconds; reports go together, up to 500 in a request.")
        self.retry_after_seconds = seconds


class TookTooLong(Refused):
    """The database took longer for this than it may."""

    advice = "Ask for less: a shorter page, one place, one year; or ask again later."


class NotThereYet(Refused):
    """The read model has not reached that position yet."""

    advice = "Ask again in a moment."


class Busy(Refused):
    """Several writers kept deciding on the same thing; this one gave way five times."""

    advice = "Send the same request again, with the same id."


class Unavailable(Refused):
    """The log cannot be written at the moment."""

    advice = "Keep the request and send the same bytes again later; its id makes sure it counts once."


class MethodNotAllowed(Refused):
    """This address does not take that method."""

    advice = "See /openapi.json for what it takes."


class IdConflict(Refused):
    """This id was used before, for something else. Both are kept."""

    advice = "Draw a new id for a new report; send stored bytes again when you repeat one."


class Internal(Refused):
    """Something broke on our side; it was written down."""

    advice = "Send the same request again, with the same id."


#: The family of a refusal decides its status; any other rule is a conflict with what was decided before (409).
STATUS: Mapping[type[Refused], int] = {
    Malformed: 422,
    NotJson: 400,
    NotAuthenticated: 401,
    NotAllowed: 403,
    NotFound: 404,
    MethodNotAllowed: 405,
    TooLarge: 413,
    HeadersTooLarge: 431,
    TooManyItems: 413,
    TooManyRequests: 429,
    TookTooLong: 503,
    NotThereYet: 503,
    Busy: 503,
    Unavailable: 503,
    Internal: 500,
    Refused: 409,
}


def status_of(refusal: type[Refused]) -> int:
    """The HTTP status of a refusal: that of its nearest family."""
    return next(STATUS[family] for family in refusal.__mro__ if family in STATUS)


def problem(refusal: Refused) -> dict[str, Any]:
    """The refusal as RFC 9457 problem details, with our own members `code`, `field`, `what_to_do`, `problems`."""
    kind = type(refusal)
    details: dict[str, Any] = {
        "type": f"urn:ovop:problem:{kind.code()}",
        "title": kind.message(),
        "status": status_of(kind),
        "code": kind.code(),
    }
    if refusal.field is not None:
        details["field"] = refusal.field
    if refusal.what_to_do:
        details["what_to_do"] = refusal.what_to_do
    if isinstance(refusal, Malformed) and refusal.problems:
        details["problems"] = [
            {"field": found.field, "code": plain_code(found.code), "message": found.message}
            for found in refusal.problems
        ]
    return details


#: Beginnings of pydantic's error codes, and the plain word that our answers use for them.
_PLAIN: Mapping[str, str] = {
    "unknown_type": "unknown_type",
    "missing": "missing_field",
    "extra_forbidden": "unknown_field",
    "literal_error": "unknown_word",
    "string_pattern_mismatch": "wrong_form",
    "string_too": "wrong_length",
    "too_long": "wrong_length",
    "too_short": "wrong_length",
    "greater_than": "out_of_range",
    "less_than": "out_of_range",
    "date": "wrong_time",
    "time": "wrong_time",
    "json_": "not_json",
    "invalid_": "wrong_form",
}


def plain_code(code: str) -> str:
    """Our word for what a field's check found; a code that a rule of our own gave stays as it is."""
    plain = next((word for beginning, word in _PLAIN.items() if code.startswith(beginning)), None)
    return plain or ("wrong_type" if code.endswith(("_type", "_parsing", "from_float")) else code)
