"""The page behind the code on a jar: what it is, where it comes from, and how to check that."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from events.catalogue.values import Names
from projections.bishkek import day_of
from services.web import words
from services.web.drawing import Place, bar, frame_around, map_of_journey
from services.web.language import Language, shares_in_permille
from services.web.rendering import render
from services.web.views import JarView, JourneyStep, MapPoint, Where

#: Colours of the chart of villages; what comes after shares the last one.
SHARE_TONES = 5
#: More places than this are counted, not named, in one line of the timeline.
PLACES_NAMED_MAX = 6


@dataclass(frozen=True)
class _Verdict:
    tone: str  #: `good`, `warn`, `stop` or `plain`
    headline: str
    sentences: Sequence[str] = ()


@dataclass(frozen=True)
class _ShownShare:
    names: Names | None
    region_names: Names | None
    producers: int
    percent: str


@dataclass(frozen=True)
class _ShownPart:
    title: str
    percent: str


@dataclass(frozen=True)
class _ShownStep:
    title: str
    when: str | None
    places: str
    stated_by: str
    reports: str
    numbers: Sequence[int]


def trace_page(view: JarView, language: Language) -> bytes:
    """The page of one jar in one language: whole without JavaScript, small, and the same for everybody."""
    stops = _stops(view.journey)
    permille = shares_in_permille(share.ppm for share in view.villages)
    return render(
        "trace.html",
        language,
        view=view,
        is_simulated=view.is_simulated,
        product=language.name(view.product_names) if view.product_names else view.product,
        unit=words.unit(language, view.unit),
        verdict=_verdict(view, language),
        shares=[
            _ShownShare(share.names, share.region_names, share.producers, language.tenths(part))
            for share, part in zip(view.villages, permille, strict=True)
        ],
        share_bar=_thick_bar([(f"tone{min(at, SHARE_TONES)}", share.ppm) for at, share in enumerate(view.villages)]),
        basis_sentence=words.origin_basis(language, view.origin_basis),
        score=_score(view, language),
        journey_map=_journey_map(view.journey, stops, language),
        steps=[_shown_step(step, stops, language) for step in view.journey],
        money=_money(view, language),
        money_bar=_money_bar(view),
    )


def unknown_code_page(typed: str, is_mistyped: bool, language: Language, is_simulated: bool) -> bytes:
    """The page for a code that no batch has; neutral, because most of these are typing errors."""
    advice = (
        language.gettext("Its check symbol does not fit, so it was probably typed or printed wrongly.")
        if is_mistyped
        else language.gettext("Compare it with the label, sign by sign. If it is right, ask in the outlet.")
    )
    return render("unknown.html", language, typed=typed, advice=advice, is_simulated=is_simulated)


def _verdict(view: JarView, language: Language) -> _Verdict:
    verdict = _verdict_of_certificate(view, language)
    if view.recall is not None and not view.recall.is_drill:
        verdict = _Verdict(
            "stop",
            language.gettext("Recalled — do not use"),
            [
                words.severity(language, view.recall.severity),
                language.gettext("Bring it back to any outlet of the network: you get your money back."),
                language.gettext("Recalled on") + ": " + language.day(view.recall.started_at),
            ],
        )
    elif view.recall is not None:
        drill = language.gettext("An exercise is under way: this jar plays a recalled one. It is in no way affected.")
        verdict = _Verdict(verdict.tone, verdict.headline, [*verdict.sentences, drill])
    return verdict


def _verdict_of_certificate(view: JarView, language: Language) -> _Verdict:
    if view.verdict == "certified":
        return _Verdict("good", language.gettext("Genuine, certified"))
    if view.verdict == "suspended":
        return _Verdict(
            "warn",
            language.gettext("Certificate suspended"),
            [language.gettext("The committee is looking into this product of this maker.")],
        )
    if view.verdict == "revoked":
        return _Verdict("warn", language.gettext("Certificate revoked"))
    if view.verdict == "expired":
        return _Verdict("warn", language.gettext("The certificate had expired when this was packed"))
    return _Verdict("plain", language.gettext("In our records, without a certificate"))


def _score(view: JarView, language: Language) -> str:
    if view.certificate is None:
        return ""
    whole, thousandths = divmod(view.certificate.score_milli, 1000)
    mark = language.locale.number_symbols["latn"]["decimal"]
    return f"{whole}{mark}{thousandths // 100}" if thousandths else str(whole)


def _thick_bar(parts: Sequence[tuple[str, int]]) -> Markup:
    return bar(parts, sum(amount for _, amount in parts), css_class="bar thick")


def _money(view: JarView, language: Language) -> Sequence[_ShownPart]:
    if view.money is None:
        return []
    parts = (
        (language.gettext("Makers"), view.money.makers_bp),
        (language.gettext("Workshop"), view.money.workshop_bp),
        (language.gettext("Outlet"), view.money.outlet_bp),
        (language.gettext("Brand and quality"), view.money.brand_bp),
        (language.gettext("Common fund"), view.money.fund_bp),
    )
    permille = shares_in_permille(basis_points for _, basis_points in parts)
    return [_ShownPart(title, language.tenths(part)) for (title, _), part in zip(parts, permille, strict=True)]


def _money_bar(view: JarView) -> Markup:
    if view.money is None:
        return Markup("")
    money = view.money
    parts = (money.makers_bp, money.workshop_bp, money.outlet_bp, money.brand_bp, money.fund_bp)
    return _thick_bar([(f"tone{at}", part) for at, part in enumerate(parts)])


def _stops(journey: Sequence[JourneyStep]) -> Mapping[MapPoint, tuple[int, Where]]:
    """Each point of the journey once, numbered in the order in which the jar, or what it is made of, came there."""
    stops: dict[MapPoint, tuple[int, Where]] = {}
    for step in journey:
        for place in step.places:
            if place.point is not None and place.point not in stops:
                stops[place.point] = (len(stops) + 1, place)
    return stops


def _journey_map(
    journey: Sequence[JourneyStep], stops: Mapping[MapPoint, tuple[int, Where]], language: Language
) -> Markup:
    if not stops:
        return Markup("")
    places = {
        point: Place(
            point.longitude_microdegrees, point.latitude_microdegrees, _name_of(place, language), "stop", number
        )
        for point, (number, place) in stops.items()
    }
    links = [(places[start], places[end]) for start, end in _links(journey)]
    title = language.gettext("Map of the journey; the list below says the same")
    return map_of_journey(list(places.values()), links, frame_around(list(places.values())), title)


def _links(journey: Sequence[JourneyStep]) -> Sequence[tuple[MapPoint, MapPoint]]:
    """From every place of one kind of step to the first place of the next kind, and from there to every outlet."""
    links: list[tuple[MapPoint, MapPoint]] = []
    here: list[MapPoint] = []
    for step in journey:
        points = list(dict.fromkeys(place.point for place in step.places if place.point is not None))
        if not points:
            continue
        if step.kind == "arrived":
            links += [(here[-1], point) for point in points if here]
        else:
            links += [(point, points[0]) for point in here]
        here = points
    return list(dict.fromkeys(link for link in links if link[0] != link[1]))


def _shown_step(step: JourneyStep, stops: Mapping[MapPoint, tuple[int, Where]], language: Language) -> _ShownStep:
    named = list(dict.fromkeys(_name_of(place, language) for place in step.places))
    places = " · ".join(named[:PLACES_NAMED_MAX])
    if len(named) > PLACES_NAMED_MAX:
        places += " +" + language.number(len(named) - PLACES_NAMED_MAX)
    reports = ""
    if step.count > 1:
        reports = language.ngettext("%(count)s report", "%(count)s reports", step.count) % {
            "count": language.number(step.count)
        }
    numbers = {stops[place.point][0] for place in step.places if place.point is not None}
    return _ShownStep(
        title=words.step(language, step.kind),
        when=_when(step, language),
        places=places,
        stated_by=language.name(step.stated_by_names)
        if step.stated_by_names
        else words.stater(language, step.stated_by),
        reports=reports,
        numbers=sorted(numbers)[:PLACES_NAMED_MAX],
    )


def _name_of(place: Where, language: Language) -> str:
    return language.name(place.names) if place.names else words.stater(language, place.kind)


def _when(step: JourneyStep, language: Language) -> str | None:
    if step.first_at is None:
        return None
    first = language.day(step.first_at)
    last_at = step.last_at or step.first_at
    if day_of(last_at) == day_of(step.first_at):
        return first
    return f"{first} – {language.day(last_at)}"
