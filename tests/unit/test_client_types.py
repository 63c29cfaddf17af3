"""The types of the client in Python are those of the server."""

import dataclasses
import types
from typing import Any, Literal, get_type_hints

import pytest
from pydantic import TypeAdapter

from projections import (
    income_queries,
    income_sales,
    inventory_queries,
    lineage_tables,
    overview,
    traceability_queries,
    traceability_trace,
    whereabouts,
)
from services import aggregates
from services.client import (
    books,
    money,
)
from services.client.answers import Said

NAMES: tuple[tuple[types.ModuleType, types.ModuleType, tuple[str, ...]], ...] = (
    (inventory_queries, books, ("Stock", "ProductStock", "InTransit", "Flag")),
    (income_sales, money, ("Sales", "ProductSales", "NetworkCounts")),
    (income_queries, money, ("ProducerIncome", "GroupIncome", "Period", "Suspense")),
    (income_queries, money, ("MonthEarned", "Payment", "ProducerCard")),
    (aggregates, money, ("SumsOfFive",)),
    (overview, money, ("OutletSeen", "VillageSeen")),
    (traceability_queries, books, ("VillagePart", "ProducerPart", "Batch", "Balance", "Movement", "Product")),
    (traceability_queries, books, ("Ancestry", "Point")),
    (traceability_trace, books, ("Trace", "Certificate", "Recall", "Where")),
    (whereabouts, books, ("AtPlace", "Underway")),
    (lineage_tables, books, ("Lot",)),
)


TYPES = [(getattr(theirs, name), getattr(ours, name)) for theirs, ours, names in NAMES for name in names]


@pytest.mark.parametrize(("theirs", "ours"), TYPES, ids=lambda kind: kind.__name__)
def test_a_read_has_the_same_fields_on_both_sides(theirs: type, ours: type[Said]) -> None:
    server = get_type_hints(theirs)
    if dataclasses.is_dataclass(theirs):
        server = {field.name: server[field.name] for field in dataclasses.fields(theirs)}
    client = get_type_hints(ours)
    read = {name: _shape_of(client[name], "validation") for name in ours.model_fields}
    assert read == {name: _shape_of(kind, "serialization") for name, kind in server.items()}


type Shape = str | tuple[str, "Shape"] | frozenset["Shape"]


def _shape_of(kind: Any, mode: Literal["validation", "serialization"]) -> Shape:
    """What JSON a field is, as far as both sides must agree; what is in an object is compared on its own."""
    schema = TypeAdapter(kind).json_schema(mode=mode)
    return _shape(schema, schema.get("$defs", {}))


def _shape(said: dict[str, Any], named: dict[str, Any]) -> Shape:
    if "$ref" in said:
        return _shape(named[said["$ref"].rpartition("/")[2]], named)
    if "anyOf" in said:
        return frozenset(_shape(one, named) for one in said["anyOf"])
    if "prefixItems" in said:  # a named tuple, which is answered as an object
        return "object"
    if said.get("type") == "array":
        return "array", _shape(said["items"], named)
    return str(said.get("format") or said.get("type") or type(said["const"]).__name__)
