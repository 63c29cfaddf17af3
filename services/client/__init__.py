"""A typed client of the API, for tills, offices and other systems; the demonstration itself sends with it.

It knows the catalogue's events and HTTP, and nothing of what is behind the door.
"""

from services.client.answers import Answer, News, Problem, Receipt
from services.client.client import Client
from services.client.devices import Chain, DeviceKey, enrol
from services.client.line import NoAnswer, OvopError, Patience, Refused
from services.client.sending import BYTES_MAX, ITEMS_MAX, Asking, Report, uuid7

__all__ = [
    "BYTES_MAX",
    "ITEMS_MAX",
    "Answer",
    "Asking",
    "Chain",
    "Client",
    "DeviceKey",
    "News",
    "NoAnswer",
    "OvopError",
    "Patience",
    "Problem",
    "Receipt",
    "Refused",
    "Report",
    "enrol",
    "uuid7",
]
