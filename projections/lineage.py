"""The arithmetic of origin: shares, blends, fair rounding, and the order in which a lineage is computed.

Pure and integer only. Nothing here knows of tables or of the log; the read models and the auditor's checks stand on it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from heapq import heapify, heappop, heappush
from typing import Literal, NamedTuple

#: A whole, in parts per million.
WHOLE_PPM = 1_000_000
#: The reserved producer (and village) of what nobody knows the origin of. It is a member like any other.
UNKNOWN = "unknown"

#: What the origin of a product is weighed by (hours are not recorded per producer, so such products go by mass).
type Basis = Literal["mass", "pieces", "hours"]


@dataclass(frozen=True, slots=True)
class Shares:
    """Which part of a lot comes from which producer: sorted by id bytes, each part positive, one million in all."""

    producers: tuple[str, ...]
    ppm: tuple[int, ...]

    def __post_init__(self) -> None:
        if sum(self.ppm) != WHOLE_PPM or len(self.ppm) != len(self.producers):
            raise ValueError(f"shares must add up to {WHOLE_PPM} ppm: {self}")

    def as_dict(self) -> dict[str, int]:
        return dict(zip(self.producers, self.ppm, strict=True))


@lru_cache(maxsize=4_096)
def all_of(producer: str) -> Shares:
    """The shares of a lot that one producer gave alone."""
    return Shares((producer,), (WHOLE_PPM,))


ALL_UNKNOWN = all_of(UNKNOWN)


class Part(NamedTuple):
    """What went into a lot from one side: grams, pieces, and where that came from."""

    mass_g: int
    pieces: int
    shares: Shares


def largest_remainder(total: int, weights: Sequence[int], ids: Sequence[str]) -> list[int]:
    """Split `total` in proportion to the weights into integers that add up to it exactly.

    Each part is rounded down, then the largest remainders get one more; ties go by the bytes of the id. A negative
    total is split as its absolute value and negated, so that taking back what was given leaves nothing. Weights are at
    least 0. Raises ValueError when they add up to 0.
    """
    if total < 0:
        return [-part for part in largest_remainder(-total, weights, ids)]
    whole = sum(weights)
    if whole <= 0 or min(weights) < 0:
        raise ValueError("weights must be at least 0 and add up to more")
    exact = [total * weight for weight in weights]
    parts = [part // whole for part in exact]
    missing = total - sum(parts)
    if missing:
        remainders = [part % whole for part in exact]
        least = sorted(remainders)[-missing]
        last = []
        for at, remainder in enumerate(remainders):
            if remainder > least:
                parts[at] += 1
                missing -= 1
            elif remainder == least:
                last.append(at)
        if missing < len(last):
            last.sort(key=ids.__getitem__)  # text sorts by its code points, and so as its bytes in UTF-8 do
        for at in last[:missing]:
            parts[at] += 1
    return parts


def blend(parts: Sequence[Part], basis: Basis = "mass") -> Shares:
    """The shares of what these parts became together, each weighted by what was consumed of it.

    Only origin-bearing parts are given. They are weighed by pieces where the product's basis is pieces, else by mass;
    if a part does not state that measure, by the other one; if neither is stated by all, by whichever each states. No
    weight at all is unknown origin.
    """
    by_mass, by_pieces, shares = zip(*parts, strict=True)
    return mixed(weights_of(by_mass, by_pieces, basis), shares)


def weights_of(by_mass: Sequence[int], by_pieces: Sequence[int], basis: str) -> Sequence[int]:
    """By what each of the parts of a blend is weighed."""
    for measure in (by_pieces, by_mass) if basis == "pieces" else (by_mass, by_pieces):
        if all(measure):
            return measure
    return [mass_g or pieces for mass_g, pieces in zip(by_mass, by_pieces, strict=True)]


def mixed(weights: Sequence[int], shares: Sequence[Shares]) -> Shares:
    """The shares of a blend whose parts weigh so much: `blend` once it is known by what they are weighed."""
    if len(shares) == 1:
        # One origin, however much of it: the common case of a product made of one lot.
        return shares[0] if weights[0] else ALL_UNKNOWN
    sums: dict[str, int] = {}
    before = sums.get
    for weight, of in zip(weights, shares, strict=True):
        if not weight:
            continue
        producers, ppm = of.producers, of.ppm
        if len(ppm) == 1:  # what went in was of one producer alone, as most is that is pooled
            sums[producers[0]] = before(producers[0], 0) + weight * WHOLE_PPM
        else:
            for producer, part in zip(producers, ppm, strict=True):
                sums[producer] = before(producer, 0) + weight * part
    if len(sums) < 2:
        return all_of(*sums) if sums else ALL_UNKNOWN
    names = sorted(sums)
    rounded = largest_remainder(WHOLE_PPM, [sums[name] for name in names], names)
    if not all(rounded):
        names = [name for name, part in zip(names, rounded, strict=True) if part]
        rounded = [part for part in rounded if part]
    return Shares(tuple(names), tuple(rounded))


def downstream(roots: Iterable[str], outputs_of: Mapping[str, Iterable[str]]) -> set[str]:
    """Everything that can be reached from the roots, the roots themselves left out unless they are reached again."""
    reached: set[str] = set()
    waiting = list(roots)
    while waiting:
        for output in outputs_of.get(waiting.pop(), ()):
            if output not in reached:
                reached.add(output)
                waiting.append(output)
    return reached


def closes_cycle(output: str, inputs: Iterable[str], outputs_of: Mapping[str, Iterable[str]]) -> set[str]:
    """Those of the inputs that come, themselves, from the output: edges from them would make a lot its own ancestor."""
    inputs = set(inputs)
    return inputs & (downstream([output], outputs_of) | {output})


def inputs_first(lots: Iterable[str], outputs_of: Mapping[str, Iterable[str]]) -> list[str]:
    """The lots in an order in which each comes after those of its inputs that are among them. Ties by id.

    Raises ValueError when they go round in a cycle.
    """
    among = set(lots)
    leads_to = {lot: among.intersection(outputs_of.get(lot, ())) for lot in among}
    waits_for = dict.fromkeys(among, 0)
    for outputs in leads_to.values():
        for output in outputs:
            waits_for[output] += 1
    ready = [lot for lot, inputs in waits_for.items() if not inputs]
    heapify(ready)
    order: list[str] = []
    while ready:
        lot = heappop(ready)
        order.append(lot)
        for output in leads_to[lot]:
            waits_for[output] -= 1
            if not waits_for[output]:
                heappush(ready, output)
    if len(order) != len(among):
        raise ValueError("a lineage goes round in a cycle")
    return order
