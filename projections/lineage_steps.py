"""Lots and steps of a long build as the JSON that they are: the rows of each, and the shares of what was made.

The rows written here are those that `LineageFold` writes of the same reports.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import attrgetter

from events.catalogue.production import LotsPooled, MaterialReceived
from projections.in_bulk import Plain
from projections.lineage import ALL_UNKNOWN, WHOLE_PPM, Shares, all_of, inputs_first, mixed, weights_of
from projections.statements import array_text

# ---------------------------------------------------------------------- lots that were collected or supplied


def shares_of(lot: Plain) -> Shares:
    """The shares of a lot that was collected or supplied."""
    return ALL_UNKNOWN if lot[2]["type"] == MaterialReceived.wire_name else all_of(lot[1]["producer"])


def lot_row(lot: Plain) -> str:
    """The row of a lot that was collected or supplied."""
    position, said, leaf = lot
    if leaf["type"] == MaterialReceived.wire_name:
        who, shares = f"material\tNone\t{said['supplier']}", _written(ALL_UNKNOWN)
    else:
        producer = said["producer"]
        who, shares = f"collected\t{producer}\tNone", f'{{"{producer}"}}\t{{{WHOLE_PPM}}}'
    return (
        f"{said['lot']}\tt\t{who}\tNone\tNone\t{said['material']}\t{said['delivered_to']}\t{said['mass_g']}"
        f"\t{said.get('pieces', 0)}\t{leaf['occurred_at']}\t{position}\t{position}\t{leaf['event_id']}\t{position}"
        f"\t{shares}\n"
    )


def row_of_unknown(lot: str) -> str:
    """The row of a lot that was taken by a step, and that nobody has reported."""
    return f"{lot}\tf{_NOBODY}\t0\t0{_NEVER}\t{{}}\t{{}}\n"


_NOBODY, _NEVER = "\tNone" * 7, "\tNone" * 5


def _written(shares: Shares) -> str:
    return f"{array_text(shares.producers)}\t{{{','.join(map(str, shares.ppm))}}}"


# ---------------------------------------------------------------------- steps


class Step:
    """A pooling or a production, with the shares of what it made as they are now."""

    __slots__ = (
        "_bearing",
        "_weights",
        "basis",
        "event",
        "inputs",
        "is_late",
        "is_odd",
        "kept",
        "outputs",
        "plain",
        "position",
        "shares",
        "since",
        "versions",
    )

    def __init__(self, plain: Plain, basis: str) -> None:
        self.position, said, leaf = plain
        self.plain = plain
        self.event = leaf["event_id"]
        self.basis = basis
        #: Lot, grams, pieces of what was taken, and whether it bears origin.
        self.inputs: list[tuple[str, int, int, bool]] = [
            (given["lot"], given.get("mass_g", 0), given.get("pieces", 0), given.get("bears_origin", True))
            for given in said["inputs"]
        ]
        #: Lot, material and grams of the by-products that are kept.
        self.kept: list[tuple[str, str, int]] = [
            (one["lot"], one["material"], one["mass_g"]) for one in said.get("by_products", ()) if "lot" in one
        ]
        self.outputs: list[str] = [said["lot"], *[lot for lot, _, _ in self.kept]]
        self.is_late = self.is_odd = False
        self.shares, self.since = ALL_UNKNOWN, 0
        self.versions: list[tuple[int, Shares]] = []
        self._bearing: list[str] = []
        self._weights: Sequence[int] = ()

    def made(self) -> Iterator[tuple[str, int, int]]:
        """Lot, grams and pieces of what was made."""
        said = self.plain[1]
        yield said["lot"], said["mass_g"], said.get("pieces", 0)
        for lot, _, mass_g in self.kept:
            yield lot, mass_g, 0

    def bearing(self) -> Sequence[str]:
        """The lots that its origin comes from."""
        parts = [given for given in self.inputs if given[3]]
        if parts:
            bearing, by_mass, by_pieces, _ = zip(*parts, strict=True)
            self._bearing, self._weights = list(bearing), weights_of(by_mass, by_pieces, self.basis)
        return self._bearing

    def share(self, position: int, shares: Mapping[str, Shares]) -> None:
        """Compute its shares by those of what it took, as they are at a position."""
        if self._bearing:
            self.shares = mixed(self._weights, [shares.get(lot, ALL_UNKNOWN) for lot in self._bearing])
        else:
            # Nothing of a village went in: what a single producer made is that producer's, anything else nobody's.
            _, producer, _ = self._makers()
            self.shares = ALL_UNKNOWN if producer == "None" else all_of(producer)
        self.since = position
        self.versions.append((position, self.shares))

    def _makers(self) -> tuple[str, str, str]:
        """Who made it, the producer who did alone, and where, as COPY reads them."""
        said = self.plain[1]
        if self.plain[2]["type"] == LotsPooled.wire_name:
            workshop = f"workshop/{said['workshop']}"
            return workshop, "None", workshop
        kind, _, identity = said["made_by"].partition("/")
        return said["made_by"], identity if kind == "producer" else "None", said["made_at"]

    # ------------------------------------------------------------------ its rows

    def lot_rows(self) -> Iterator[str]:
        position, said, leaf = self.plain
        maker, producer, place = self._makers()
        kind = "pooled" if leaf["type"] == LotsPooled.wire_name else "produced"
        what = f"{said.get('product')}\t{said.get('material')}"
        along = self.event if self.basis == "mass" else None
        alone = None if self.kept else along
        behind = f"{self.since}\t{_written(self.shares)}\n"
        when = f"{leaf['occurred_at']}\t{position}\t{position}"
        yield (
            f"{said['lot']}\tt\t{kind}\t{producer}\tNone\t{maker}\t{what}\t{place}\t{said['mass_g']}"
            f"\t{said.get('pieces', 0)}\t{when}\t{alone}\t{behind}"
        )
        for lot, material, mass_g in self.kept:
            yield (
                f"{lot}\tt\tby_product\t{producer}\tNone\t{maker}\tNone\t{material}\t{place}\t{mass_g}\t0"
                f"\t{when}\t{along}\t{behind}"
            )

    def making_rows(self) -> Iterator[str]:
        """Of lots whose own row does not say all of how they were made."""
        if self.basis == "mass" and not self.kept:
            return
        position, said, leaf = self.plain
        maker, producer, place = self._makers()
        kind = "pooled" if leaf["type"] == LotsPooled.wire_name else "produced"
        where = f"{place}\t{leaf['occurred_at']}\t{self.basis}"
        yield (
            f"{said['lot']}\t{self.event}\t{kind}\t{producer}\t{producer}\tNone\t{maker}\t{said.get('product')}"
            f"\t{said.get('material')}\t{where}\t{said['mass_g']}\t{said.get('pieces', 0)}\t{position}\t{position}"
            f"\t{array_text(self.outputs[1:])}\n"
        )
        if self.basis != "mass":
            for lot, material, mass_g in self.kept:
                yield (
                    f"{lot}\t{self.event}\tby_product\t{producer}\t{producer}\tNone\t{maker}\tNone\t{material}"
                    f"\t{where}\t{mass_g}\t0\t{position}\t{position}\t{{}}\n"
                )

    def edge_rows(self) -> Iterator[str]:
        for number, output in enumerate(self.outputs):
            is_main = "f" if number else "t"
            for lot, mass_g, pieces, bears_origin in self.inputs:
                bears = "t" if bears_origin else "f"
                yield f"{output}\t{lot}\t{self.event}\t{mass_g}\t{pieces}\t{bears}\t{is_main}\tf\n"

    def earlier_rows(self) -> Iterator[str]:
        """What the shares of what it made were before."""
        for since, shares in self.versions[:-1]:
            for lot in self.outputs:
                yield f"{lot}\t{since}\t{_written(shares)}\n"


class Blending:
    """Shares steps in the order of the log, and again what was made of a lot when that comes after it was taken."""

    def __init__(self, shares: Mapping[str, Shares], late: Iterable[tuple[int, str, Shares]]) -> None:
        """`shares` of the lots that are there before they are taken, and of the others when they come."""
        self._shares = dict(shares)
        self._late = sorted(late, reverse=True, key=lambda one: one[0])
        self._made_of: dict[str, list[Step]] = defaultdict(list)
        self._may_change = {lot for _, lot, _ in self._late}

    def share(self, steps: Sequence[Step]) -> None:
        """Share steps whose inputs are there, come late, or are made by others of them."""
        late, now, may_change = self._late, self._shares, self._may_change
        may_change.update([lot for step in steps if step.is_late for lot in step.outputs])
        for step in steps:
            while late and late[-1][0] < step.position:
                self._let_come(*late.pop())
            bearing = step.bearing()
            step.share(step.position, now)
            now.update(dict.fromkeys(step.outputs, step.shares))
            if step.is_late:
                self._share_below(step.outputs, step.position)
            changing = may_change.intersection(bearing)
            for lot in changing:
                self._made_of[lot].append(step)
            if changing:
                may_change.update(step.outputs)
        while late:
            self._let_come(*late.pop())

    def _let_come(self, position: int, lot: str, shares: Shares) -> None:
        self._shares[lot] = shares
        self._share_below([lot], position)

    def _share_below(self, lots: Sequence[str], position: int) -> None:
        """What was made of lots is shared anew, inputs first."""
        for step in self._below(lots):
            step.share(position, self._shares)
            self._shares.update(dict.fromkeys(step.outputs, step.shares))

    def _below(self, lots: Sequence[str]) -> Sequence[Step]:
        below: dict[str, Step] = {}
        waiting = list(lots)
        while waiting:
            for step in self._made_of.get(waiting.pop(), ()):
                if step.outputs[0] not in below:
                    below[step.outputs[0]] = step
                    waiting += step.outputs
        if not any(step.is_late for step in below.values()):  # each took only what was made before it
            return sorted(below.values(), key=attrgetter("position"))
        outputs_of = {
            name: [taker.outputs[0] for lot in step.outputs for taker in self._made_of.get(lot, ())]
            for name, step in below.items()
        }
        return [below[name] for name in inputs_first(below, outputs_of)]
