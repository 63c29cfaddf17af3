"""Charts and maps as inline SVG made on the server: no script, no tile server, nothing from another host.

Colours come from the style sheet by class, never from `style` attributes, which the content security policy forbids.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from markupsafe import Markup, escape

_OUTLINES = Path(__file__).parent / "static" / "kyrgyzstan.json"
_MICRODEGREES = 1_000_000
#: A map narrower than this would show a single village as the whole world.
_SPAN_DEGREES_MIN = 0.5


@dataclass(frozen=True)
class Place:
    """A point on a map, with what it is called in the language of the page."""

    longitude_microdegrees: int
    latitude_microdegrees: int
    label: str
    mark: str  #: class of the mark: `village`, `outlet`, `quiet` or `stop`
    number: int = 0  #: what is written inside the mark of a stop


@dataclass(frozen=True)
class Frame:
    """The part of the world that a map shows, in degrees, and the width it is drawn at, in units of the drawing."""

    west: float
    south: float
    east: float
    north: float
    width: int = 720

    @property
    def _per_degree(self) -> float:
        return self.width / ((self.east - self.west) * self._narrowing)

    @property
    def _narrowing(self) -> float:
        """A degree of longitude is shorter than one of latitude by the cosine of the latitude."""
        return math.cos(math.radians((self.south + self.north) / 2))

    @property
    def height(self) -> int:
        return round((self.north - self.south) * self._per_degree)

    def point(self, longitude: float, latitude: float) -> tuple[float, float]:
        x = (longitude - self.west) * self._narrowing * self._per_degree
        y = (self.north - latitude) * self._per_degree
        return round(x, 1), round(y, 1)


COUNTRY = Frame(west=69.1, south=39.1, east=80.4, north=43.4)
LAKE_BASIN = Frame(west=75.9, south=41.85, east=79.1, north=43.05)
#: About how wide a letter of a label is, in units of the drawing, in a wide type; to keep labels apart and inside.
_LETTER_WIDTH = 7.6
_LABEL_HEIGHT = 16.0
#: Stops closer than this share one mark.
_STOPS_APART = 26.0
#: Between a mark with several numbers and the edge of the map.
_STOP_MARGIN = 2.0


def frame_around(places: Sequence[Place], width: int = 360) -> Frame:
    """The smallest frame, not flatter than 2:1 and not taller than 5:4, that holds the places with a margin."""
    longitudes = [place.longitude_microdegrees / _MICRODEGREES for place in places]
    latitudes = [place.latitude_microdegrees / _MICRODEGREES for place in places]
    middle_longitude = (min(longitudes) + max(longitudes)) / 2
    middle_latitude = (min(latitudes) + max(latitudes)) / 2
    narrowing = math.cos(math.radians(middle_latitude))
    wide = max((max(longitudes) - min(longitudes)) * narrowing * 1.25, _SPAN_DEGREES_MIN)
    tall = max((max(latitudes) - min(latitudes)) * 1.35, _SPAN_DEGREES_MIN / 2)
    wide, tall = max(wide, tall * 1.25), max(tall, wide / 2)
    half_wide, half_tall = wide / narrowing / 2, tall / 2
    return Frame(
        west=middle_longitude - half_wide,
        south=middle_latitude - half_tall,
        east=middle_longitude + half_wide,
        north=middle_latitude + half_tall,
        width=width,
    )


@cache
def _outlines() -> dict[str, list[tuple[float, float]]]:
    stored = json.loads(_OUTLINES.read_text("utf-8"))
    return {kind: [(x / 1000, y / 1000) for x, y in stored[kind]] for kind in ("country", "lake")}


def _ring(frame: Frame, kind: str) -> Markup:
    points = [frame.point(longitude, latitude) for longitude, latitude in _outlines()[kind]]
    inside = any(-40 <= x <= frame.width + 40 and -40 <= y <= frame.height + 40 for x, y in points)
    if kind == "lake" and not inside:
        return Markup("")
    path = "M" + "L".join(f"{x:.0f} {y:.0f}" for x, y in points) + "Z"
    return Markup('<path class="{}" d="{}"/>').format(kind, path)


def map_of(places: Sequence[Place], frame: Frame, title: str) -> Markup:
    """A map of the country with the lake, villages and outlets; the list beside it says the same in words."""
    labels = _labels(places, frame)
    marks = Markup("").join(_mark(frame, place) for place in places)
    return _map(frame, title, marks + labels)


def map_of_journey(stops: Sequence[Place], links: Sequence[tuple[Place, Place]], frame: Frame, title: str) -> Markup:
    """A map of numbered stops with lines between them; stops that would hide each other share one mark."""
    lines = Markup("").join(_line(frame, start, end) for start, end in links)
    groups: list[tuple[tuple[float, float], list[Place]]] = []
    for stop in stops:
        at = _point_of(frame, stop)
        near = next((members for centre, members in groups if math.dist(centre, at) < _STOPS_APART), None)
        if near is None:
            groups.append((at, [stop]))
        else:
            near.append(stop)
    return _map(frame, title, lines + Markup("").join(_stop(frame, at, members) for at, members in groups))


def _map(frame: Frame, title: str, drawn: Markup) -> Markup:
    return Markup(
        '<svg class="map" viewBox="0 0 {width} {height}" role="img" aria-label="{title}">{country}{lake}{drawn}</svg>'
    ).format(
        width=frame.width,
        height=frame.height,
        title=title,
        country=_ring(frame, "country"),
        lake=_ring(frame, "lake"),
        drawn=drawn,
    )


def _point_of(frame: Frame, place: Place) -> tuple[float, float]:
    return frame.point(place.longitude_microdegrees / _MICRODEGREES, place.latitude_microdegrees / _MICRODEGREES)


def _line(frame: Frame, start: Place, end: Place) -> Markup:
    (x1, y1), (x2, y2) = _point_of(frame, start), _point_of(frame, end)
    return Markup('<line class="journey" x1="{}" y1="{}" x2="{}" y2="{}"/>').format(x1, y1, x2, y2)


def _stop(frame: Frame, at: tuple[float, float], members: Sequence[Place]) -> Markup:
    """One mark for the stops at a point: `2`, `1–4` when they follow each other, else `1, 3`.

    It is moved inwards where it would be cut at the edge of the map.
    """
    numbers = sorted(member.number for member in members)
    follow = numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    text = f"{numbers[0]}\u2013{numbers[-1]}" if follow and len(numbers) > 1 else ", ".join(map(str, numbers))
    width = 20 + 6 * (len(text) - 1)
    half = width / 2 + _STOP_MARGIN
    middle = round(min(max(at[0], half), frame.width - half), 1)
    return Markup(
        '<g class="stop"><title>{title}</title><rect x="{x}" y="{y}" width="{width}" height="20" rx="10"/>'
        '<text x="{middle}" y="{centre}" dy=".36em">{text}</text></g>'
    ).format(
        title=", ".join(member.label for member in members),
        x=round(middle - width / 2, 1),
        y=round(at[1] - 10, 1),
        width=width,
        middle=middle,
        centre=at[1],
        text=text,
    )


def _is_inside(frame: Frame, x: float, y: float) -> bool:
    return 0 <= x <= frame.width and 0 <= y <= frame.height


def _mark(frame: Frame, place: Place) -> Markup:
    x, y = _point_of(frame, place)
    if not _is_inside(frame, x, y):
        return Markup("")
    if place.mark == "village":
        shape = Markup('<circle cx="{}" cy="{}" r="4"/>').format(x, y)
    else:
        shape = Markup('<rect x="{}" y="{}" width="11" height="11" rx="2"/>').format(
            round(x - 5.5, 1), round(y - 5.5, 1)
        )
    return Markup('<g class="{}"><title>{}</title>{}</g>').format(place.mark, place.label, shape)


def _labels(places: Sequence[Place], frame: Frame) -> Markup:
    """The names that fit: written right or left of their marks, none over another name or over a mark."""
    taken = [(x - 6, y - 6, x + 6, y + 6) for x, y in (_point_of(frame, place) for place in places)]
    drawn: list[Markup] = []
    written: set[str] = set()
    for place in sorted(places, key=lambda place: place.mark == "village"):
        if place.label in written:
            continue
        x, y = _point_of(frame, place)
        width = len(place.label) * _LETTER_WIDTH
        for anchor, left in (("start", x + 9), ("end", x - 9 - width)):
            box = (left, y - _LABEL_HEIGHT / 2, left + width, y + _LABEL_HEIGHT / 2)
            is_visible = _is_inside(frame, box[0], box[1]) and _is_inside(frame, box[2], box[3])
            if is_visible and not any(_overlap(box, other) for other in taken):
                taken.append(box)
                written.add(place.label)
                at = round(x + 9 if anchor == "start" else x - 9, 1)
                drawn.append(
                    Markup('<text class="label" x="{}" y="{}" dy=".35em" text-anchor="{}">{}</text>').format(
                        at, y, anchor, place.label
                    )
                )
                break
    return Markup("").join(drawn)


type _Box = tuple[float, float, float, float]


def _overlap(one: _Box, other: _Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def bar(parts: Sequence[tuple[str, int]], whole: int, css_class: str = "bar") -> Markup:
    """One horizontal bar: parts of a whole as (class, amount), drawn one after another. Hidden from screen readers.

    The number it shows stands beside it in the same table row.
    """
    drawn: list[str] = []
    start = 0
    for part_class, amount in parts:
        if whole <= 0 or amount <= 0:
            continue
        x, width = start * 10_000 // whole / 100, max(amount * 10_000 // whole / 100, 0.4)
        drawn.append(f'<rect class="{escape(part_class)}" x="{x:g}%" width="{width:g}%" height="100%"/>')
        start += amount
    rectangles = Markup("".join(drawn))  # noqa: S704 - numbers and escaped classes only
    return Markup('<svg class="{}" aria-hidden="true">{}</svg>').format(css_class, rectangles)
