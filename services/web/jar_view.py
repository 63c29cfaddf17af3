"""The view of one batch or lot, from the read models of one snapshot."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from events.catalogue.values import Names
from projections import label
from projections.base import Connection, Db
from projections.bishkek import day_of
from projections.label import CertificateStep, Goods, Happening, Share, Spot
from projections.traceability_trace import recalls_reaching
from projections.yearbook import RETAIL
from services.books import Standing
from services.web.network_view import freshness
from services.web.views import (
    CertificateView,
    JarView,
    JourneyStep,
    MapPoint,
    MoneyShares,
    Proof,
    RecallView,
    Stater,
    StepKind,
    Verdict,
    VillageShare,
    Where,
)

#: A recall that ended so was none. After any other end what it reached stays recalled: a jar may stand in a kitchen.
UNFOUNDED = frozenset({"unfounded", "false_alarm"})
STEPS: Sequence[StepKind] = ("collected", "made", "tested", "packed", "shipped", "arrived")
#: Whose word it is, by the kind of the actor or else of the place.
_STATERS: Mapping[str, Stater] = {
    "producer": "producer",
    "village": "producer",
    "workshop": "workshop",
    "till": "outlet",
    "outlet": "outlet",
    "committee": "committee",
    "center": "center",
    "supplier": "supplier",
}


def jar_view(connection: Connection, lot: str, standing: Standing, is_simulated: bool, now: datetime) -> JarView | None:
    """Everything a reader of the label may be told; None for a lot that nobody has ever named."""
    packed = label.packed(connection, lot)
    goods = label.goods(connection, lot, packed.product if packed else None)
    if goods is None:
        return None
    today = day_of(now)
    judged_on = day_of(packed.occurred_at) if packed else today
    steps = label.certificate_steps(connection, goods.maker or "", goods.product or "")
    recall = _recall(connection, lot)
    home = label.home_village(connection, goods.maker) if goods.maker else None
    shares = label.village_shares(connection, lot)
    happened = label.journey(connection, lot)
    spots = label.spots(connection, _places(goods, home, shares, happened))
    regions = label.regions(connection)
    return JarView(
        code=packed.code if packed else "",
        lot=lot,
        is_simulated=is_simulated,
        verdict="recalled" if recall is not None and not recall.is_drill else verdict_on(steps, judged_on),
        recall=recall,
        product_names=goods.names,
        product=goods.product or goods.material or lot,
        unit=goods.unit,
        net_mass_g=goods.net_mass_g,
        units_packed=packed.units if packed else 0,
        packed_at=packed.occurred_at if packed else None,
        best_before=packed.best_before if packed else None,
        is_past_best_before=packed is not None and packed.best_before is not None and packed.best_before < today,
        villages=[_village_share(share, spots, regions) for share in shares],
        origin_basis=goods.origin_basis,
        maker=_STATERS.get((goods.maker or "").partition("/")[0], "unknown"),
        maker_names=spots[goods.maker].names if goods.maker in spots else None,
        maker_village_names=spots[home].names if home in spots else None,
        certificate=certificate_on(steps, judged_on, regions),
        journey=_journey(connection, happened, spots),
        money=_money(connection, goods, today),
        proof=Proof(packed.position, packed.recorded_at, packed.leaf_hash) if packed else None,
        fresh=freshness(connection, standing, with_waiting=False),
    )


def _places(goods: Goods, home: str | None, shares: Sequence[Share], happened: Sequence[Happening]) -> set[str]:
    named = [goods.maker, home, *(happening.place for happening in happened)]
    return {place for place in named if place is not None} | {f"village/{share.village}" for share in shares}


def _village_share(share: Share, spots: Mapping[str, Spot], regions: Mapping[str, tuple[Names, Names]]) -> VillageShare:
    spot = spots.get(f"village/{share.village}")
    if spot is None:
        return VillageShare(share.village, None, None, share.producers, share.ppm)
    region = regions.get(spot.region)
    return VillageShare(share.village, spot.names, region[0] if region else None, share.producers, share.ppm)


def _recall(connection: Connection, lot: str) -> RecallView | None:
    """The newest recall that still counts; a real one before a drill, which counts only while it is open."""
    found = recalls_reaching(Db(connection), lot)
    outcomes = label.outcomes(connection, [recall.recall for recall in found])
    counting = [
        recall
        for recall in found
        if outcomes.get(recall.recall) not in UNFOUNDED and (recall.is_open or not recall.is_drill)
    ]
    if not counting:
        return None
    newest = max(counting, key=lambda recall: (not recall.is_drill, recall.started_at))
    return RecallView(newest.recall, newest.reason, newest.severity, newest.started_at, newest.is_drill)


def _chosen(steps: Sequence[CertificateStep], day: date) -> CertificateStep | None:
    """The certificate that covers a day, else the last one."""
    certified = [step for step in steps if step.kind == "certified"]
    covering = [step for step in certified if _covers(step, day)]
    return next(reversed(covering or certified), None)


def _covers(step: CertificateStep, day: date) -> bool:
    return (
        step.effective_from is not None
        and step.valid_until is not None
        and step.effective_from <= day <= step.valid_until
    )


def verdict_on(steps: Sequence[CertificateStep], day: date) -> Verdict:
    """What the committee's word on the maker's product was worth on the day of packing, and is worth since."""
    if not any(step.kind == "certified" for step in steps):
        return "not_certified"
    last = steps[-1].kind
    if last == "suspended":
        return "suspended"
    if last == "revoked":
        return "revoked"
    chosen = _chosen(steps, day)
    if chosen is not None and _covers(chosen, day):
        return "certified"
    is_past = chosen is not None and chosen.valid_until is not None and chosen.valid_until < day
    return "expired" if is_past else "not_certified"


def certificate_on(
    steps: Sequence[CertificateStep], day: date, regions: Mapping[str, tuple[Names, Names]]
) -> CertificateView | None:
    step = _chosen(steps, day)
    if step is None or step.effective_from is None or step.valid_until is None or step.certificate is None:
        return None
    return CertificateView(
        certificate=step.certificate,
        committee_names=regions[step.region][1] if step.region is not None and step.region in regions else None,
        score_milli=step.score_milli,
        members=step.members,
        valid_from=step.effective_from,
        valid_until=step.valid_until,
    )


def _money(connection: Connection, goods: Goods, day: date) -> MoneyShares | None:
    terms = label.terms(connection, RETAIL, goods.product_group, day)
    if terms is None:
        return None
    makers, workshop = terms.makers_bp, terms.workshop_bp
    if (goods.maker or "").startswith("producer/"):
        # What a single producer made needed no workshop, so its part is the maker's.
        makers, workshop = makers + workshop, 0
    return MoneyShares(makers, workshop, terms.outlet_bp, terms.brand_bp, terms.fund_bp, terms.effective_from)


def _journey(connection: Connection, happened: Sequence[Happening], spots: Mapping[str, Spot]) -> Sequence[JourneyStep]:
    by_kind = {kind: [one for one in happened if one.kind == kind] for kind in STEPS}
    firsts = [found[0].position for found in by_kind.values() if found]
    actors = label.actors(connection, firsts)
    return [_step(kind, by_kind[kind], actors, spots) for kind in STEPS]


def _step(
    kind: StepKind, found: Sequence[Happening], actors: Mapping[int, str], spots: Mapping[str, Spot]
) -> JourneyStep:
    if not found:
        return JourneyStep(kind, None, None, 0, [], "unknown", None)
    places = dict.fromkeys(happening.place for happening in found if happening.place)
    actor = actors.get(found[0].position, "")
    actor_kind = actor.partition("/")[0]
    place_kind = (found[0].place or "").partition("/")[0]
    named = spots.get(actor) or (spots.get(found[0].place or "") if place_kind == "workshop" else None)
    stater = _STATERS.get(actor_kind) or _STATERS.get(place_kind) or "unknown"
    return JourneyStep(
        kind=kind,
        first_at=found[0].occurred_at,
        last_at=found[-1].occurred_at,
        count=len(found),
        places=[_where(place, spots) for place in places],
        stated_by=stater,
        stated_by_names=named.names if named is not None and stater in ("workshop", "outlet") else None,
    )


def _where(place: str, spots: Mapping[str, Spot]) -> Where:
    kind = _STATERS.get(place.partition("/")[0], "unknown")
    spot = spots.get(place)
    if spot is None:
        return Where(None, None, kind)
    if spot.longitude_microdegrees is None or spot.latitude_microdegrees is None:
        return Where(spot.names, None, kind)
    return Where(spot.names, MapPoint(spot.longitude_microdegrees, spot.latitude_microdegrees, spot.is_exact), kind)
