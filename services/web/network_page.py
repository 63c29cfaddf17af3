"""The page `/`: the whole network at a glance."""

from collections.abc import Sequence

from services.web.drawing import COUNTRY, LAKE_BASIN, Place, map_of
from services.web.language import Language, sorted_by_name
from services.web.menu import Menu
from services.web.rendering import render
from services.web.views import NetworkView


def network_page(
    view: NetworkView, language: Language, sample_code: str | None = None, menu: Menu | None = None
) -> bytes:
    """The page in one language; `sample_code` is a jar to try the look-up with."""
    places = _places(view, language)
    outlets = sorted_by_name(view.outlets, lambda outlet: language.name(outlet.names))
    return render(
        "network.html",
        language,
        view=view,
        is_simulated=view.is_simulated,
        year=view.year,
        largest_year_tyiyn=max((row.sales_tyiyn for row in view.years), default=0),
        has_open_year=any(not row.is_complete for row in view.years),
        outlets=sorted(outlets, key=lambda outlet: not outlet.is_open),
        lake_map=map_of(places, LAKE_BASIN, language.gettext("Map of villages and outlets around the lake")),
        country_map=map_of(places, COUNTRY, language.gettext("Map of all villages and outlets")),
        sample_code=sample_code,
        menu=menu,
    )


def _places(view: NetworkView, language: Language) -> Sequence[Place]:
    villages = [
        Place(row.point.longitude_microdegrees, row.point.latitude_microdegrees, language.name(row.names), "village")
        for row in view.villages
        if row.point is not None
    ]
    outlets = [
        Place(
            row.point.longitude_microdegrees,
            row.point.latitude_microdegrees,
            language.name(row.names),
            "quiet" if row.silent_for is not None or row.last_sale_at is None else "outlet",
        )
        for row in view.outlets
        if row.point is not None and row.is_open
    ]
    return villages + outlets
