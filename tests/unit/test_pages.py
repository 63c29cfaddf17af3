"""The pages, made from plain views: whole, escaped, small, the same facts in every language."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from events.catalogue.values import Names
from projections.label import Happening, Spot
from services.web.drawing import COUNTRY, LAKE_BASIN, Place, bar, frame_around, map_of, map_of_journey
from services.web.jar_view import _step
from services.web.language import LANGUAGES, Language
from services.web.network_page import network_page
from services.web.rendering import STATIC
from services.web.trace_page import trace_page, unknown_code_page
from services.web.views import Freshness, JourneyStep, MoneyShares, RecallView
from tests import view_samples as sample

#: Of the trace page with its style sheet, and no picture: what a phone on a bad line has to load.
TRACE_BYTES_MAX = 30_000

every_language = pytest.mark.parametrize("language", LANGUAGES.values(), ids=list(LANGUAGES))


class _Checked(HTMLParser):
    """Notes what must not be in a page, and whether every tag is closed in order."""

    VOID = frozenset({"meta", "link", "input", "br", "img", "hr"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.faults: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name == "style" or name.startswith("on"):
                self.faults.append(f"{tag} {name}")
            if name in ("src", "href", "action") and re.match(r"(?i)https?:|//|javascript:|data:", value or ""):
                self.faults.append(f"{tag} {name}={value}")
            if name == "id":
                self.ids.append(value or "")

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> closes nothing")


def checked(page: bytes) -> str:
    text = page.decode()
    parser = _Checked()
    parser.feed(text)
    parser.close()
    assert parser.faults == []
    assert parser.open == []
    assert len(parser.ids) == len(set(parser.ids))
    return text


@every_language
def test_the_network_page_says_what_the_network_sold(language: Language) -> None:
    text = checked(network_page(sample.network(), language, "7K3M9QX2"))
    assert f'<html lang="{language.tag}">' in text
    assert language.money(3_748_000_000) in text
    assert all(language.amount(year * 1_000_000) in text for year in (190, 400, 730, 1153, 1275))
    assert language.number(241_873) in text
    assert text.count("<tr id=") == 9


@every_language
def test_an_empty_network_is_a_page_too(language: Language) -> None:
    view = sample.network(years=[], outlets=[], villages=[], sales_tyiyn=0, fresh=Freshness(0, None, 0, None))
    checked(network_page(view, language))


@every_language
def test_demo_data_is_said_to_be_demo_data_on_every_page(language: Language) -> None:
    warning = language.gettext("Demo data")
    for simulated in (True, False):
        view, jar = sample.network(is_simulated=simulated), sample.jar(is_simulated=simulated)
        assert (warning in network_page(view, language).decode()) is simulated
        assert (warning in trace_page(jar, language).decode()) is simulated
        assert (warning in unknown_code_page("7K3M9QX3", False, language, simulated).decode()) is simulated


def test_a_page_that_is_behind_says_how_far() -> None:
    view = sample.network(fresh=replace(sample.FRESH, lag_events=17, waiting_reports=3))
    text = network_page(view, LANGUAGES["en"]).decode()
    assert "behind: 17" in text
    assert "reports not here yet: 3" in text


@every_language
def test_the_trace_page_says_where_a_jar_comes_from(language: Language) -> None:
    text = checked(trace_page(sample.jar(), language))
    assert language.gettext("Genuine, certified") in text
    assert language.tenths(412) in text
    assert language.gettext("origin not known") in text
    assert "17.07.2016" in text
    assert bytes(range(32)).hex() in text
    assert "<script" not in text


def test_shares_of_villages_add_up_to_a_hundred_per_cent() -> None:
    shown = re.findall(r'<td class="amount">(\d+)\.(\d)%', trace_page(sample.jar(), LANGUAGES["en"]).decode())
    of_villages = shown[: len(sample.shares())]
    assert sum(int(whole) * 10 + int(tenth) for whole, tenth in of_villages) == 1000


@every_language
def test_what_is_not_recorded_is_said_not_to_be(language: Language) -> None:
    bare = sample.jar(
        verdict="not_certified",
        villages=[],
        certificate=None,
        journey=[JourneyStep("tested", None, None, 0, [], "unknown", None)],
        money=None,
        proof=None,
        packed_at=None,
        best_before=None,
        maker_names=None,
        maker_village_names=None,
        product_names=None,
    )
    text = checked(trace_page(bare, language))
    assert text.count(language.gettext("not recorded")) >= 4


@every_language
def test_a_recall_comes_first_on_the_page_and_says_what_to_do(language: Language) -> None:
    recall = RecallView("r-1", "glass", "danger", sample.NOW, is_drill=False)
    text = checked(trace_page(sample.jar(recall=recall), language))
    assert text.index('class="verdict stop" role="alert"') < text.index("<h1>")
    assert language.gettext("Recalled — do not use") in text
    assert language.gettext("Genuine, certified") not in text


@every_language
def test_a_drill_frightens_nobody(language: Language) -> None:
    recall = RecallView("r-1", "glass", "danger", sample.NOW, is_drill=True)
    text = checked(trace_page(sample.jar(recall=recall), language))
    assert "verdict stop" not in text
    assert "31.12.2016" not in text.split("<h1>", maxsplit=1)[0]


@pytest.mark.parametrize(
    ("verdict", "headline"),
    [
        ("suspended", "Certificate suspended"),
        ("revoked", "Certificate revoked"),
        ("expired", "The certificate had expired when this was packed"),
        ("not_certified", "In our records, without a certificate"),
    ],
)
def test_no_jar_is_called_certified_when_it_is_not(verdict: str, headline: str) -> None:
    text = trace_page(sample.jar(verdict=verdict), LANGUAGES["en"]).decode()
    assert headline in text
    assert "Genuine" not in text


@every_language
def test_the_trace_page_fits_a_bad_line(language: Language) -> None:
    style = (STATIC / "pages.css").stat().st_size
    assert len(trace_page(sample.jar(), language)) + style < TRACE_BYTES_MAX


@every_language
def test_an_unknown_code_gets_a_neutral_page(language: Language) -> None:
    text = checked(unknown_code_page("7K3M9QX3", True, language, is_simulated=False))
    assert "verdict plain" in text
    assert language.gettext("We do not know this code") in text


def test_names_are_escaped_wherever_they_stand() -> None:
    evil = Names(ky='<script>"&', ru='<script>"&', en='<script>"&')
    network, jar = sample.network(), sample.jar()
    network = replace(
        network,
        names=evil,
        outlets=[replace(row, names=evil, region_names=evil) for row in network.outlets],
        villages=[replace(row, names=evil) for row in network.villages],
    )
    places = [replace(step, places=[replace(at, names=evil) for at in step.places]) for step in jar.journey]
    jar = replace(jar, product_names=evil, maker_names=evil, journey=places, lot='<script>"&', code='<script>"')
    for page in (
        network_page(network, LANGUAGES["en"]),
        trace_page(jar, LANGUAGES["en"]),
        unknown_code_page('<script>"', False, LANGUAGES["en"], False),
    ):
        text = checked(page)
        assert "<script>" not in text
        assert "&lt;script&gt;" in text


def test_the_word_of_the_committee_is_not_given_the_name_of_the_workshop_where_it_tested() -> None:
    place = "workshop/tosor-jam"
    tested = Happening("tested", place, datetime(2014, 7, 10, tzinfo=UTC), 7)
    spots = {place: Spot(place, Names(ky="Тосор", ru="Тосор", en="Tosor"), "KG-Y")}
    by_committee = _step("tested", [tested], {7: "committee/kg-y"}, spots)
    assert (by_committee.stated_by, by_committee.stated_by_names) == ("committee", None)
    by_workshop = _step("tested", [tested], {7: place}, spots)
    assert (by_workshop.stated_by, by_workshop.stated_by_names) == ("workshop", spots[place].names)


def test_money_shares_are_drawn_and_written() -> None:
    text = trace_page(
        sample.jar(money=MoneyShares(6000, 0, 2500, 1000, 500, date(2013, 1, 1))), LANGUAGES["en"]
    ).decode()
    assert [f">{part}<" in text for part in ("60.0%", "0.0%", "25.0%", "10.0%", "5.0%")] == [True] * 5
    assert "01.01.2013" in text


def test_a_mark_of_many_stops_is_whole_at_the_edge_of_its_map() -> None:
    """Stops close to each other in the east, and one far in the west that puts them at the map's edge."""
    east = [Place(78_390_000 + 5_000 * number, 42_490_000, f"stop {number}", "stop", number) for number in range(4, 8)]
    for far in (Place(74_470_000, 43_060_000, "Bishkek", "stop", 9), Place(82_000_000, 43_060_000, "far", "stop", 9)):
        stops = [*east, Place(78_395_000, 42_480_000, "first", "stop", 1), far]
        frame = frame_around(stops)
        drawn = ElementTree.fromstring(str(map_of_journey(stops, [], frame, "T")))  # noqa: S314 - our own drawing
        rects = [each for each in drawn.iter() if each.tag.endswith("rect")]
        assert max(float(rect.attrib["width"]) for rect in rects) > 60
        for rect in rects:
            left, width = float(rect.attrib["x"]), float(rect.attrib["width"])
            assert 0 <= left <= left + width <= frame.width


def test_a_name_near_the_edge_of_a_map_is_written_towards_its_middle() -> None:
    """In the type of a plain desktop a letter of this name is 7.4 units wide."""
    name = "Источники Ак-Суу"
    edge = LAKE_BASIN.width - 9 - 7.2 * len(name)
    degrees = LAKE_BASIN.west + edge / LAKE_BASIN.width * (LAKE_BASIN.east - LAKE_BASIN.west)
    spring = Place(round(degrees * 1_000_000), 42_500_000, name, "outlet")
    assert 'text-anchor="end"' in map_of([spring], LAKE_BASIN, "T")


def test_the_parts_of_a_som_add_up_on_the_page() -> None:
    text = trace_page(
        sample.jar(money=MoneyShares(6225, 675, 1755, 1145, 200, date(2013, 1, 1))), LANGUAGES["en"]
    ).decode()
    money = text[text.index('id="money-heading"') :]
    shown = [float(percent) for percent in re.findall(r"([\d.]+)%</td>", money[: money.index("</table>")])]
    assert len(shown) == 5
    assert round(sum(shown), 1) == 100.0


def test_drawings_are_well_formed_and_stay_inside_their_frames() -> None:
    places = [Place(77_440_000, 42_165_000, "Тосор", "village"), Place(74_590_000, 42_870_000, "A & B", "outlet")]
    for frame in (COUNTRY, LAKE_BASIN, frame_around(places)):
        drawn = ElementTree.fromstring(str(map_of(places, frame, "T <&>")))  # noqa: S314 - our own drawing
        assert drawn.get("viewBox") == f"0 0 {frame.width} {frame.height}"
        for circle in drawn.iter("circle"):
            assert 0 <= float(circle.get("cx", "-1")) <= frame.width
    assert len(ElementTree.fromstring(str(bar([("a", 1), ("b", 0), ("c", 3)], 4)))) == 2  # noqa: S314
    assert len(ElementTree.fromstring(str(bar([("a", 1), ("b", -1)], 0)))) == 0  # noqa: S314 - a part of nothing


def test_a_frame_around_one_place_still_shows_its_surroundings() -> None:
    frame = frame_around([Place(77_440_000, 42_165_000, "Тосор", "stop", 1)])
    assert frame.east - frame.west >= 0.4
    assert 0 < frame.height <= frame.width * 1.3
