"""Events of the center: advice, training, buyers and orders."""

from datetime import date
from typing import Any

from events.catalogue import center
from tests.make.values import made, sale_line


def consultation_requested(**changes: Any) -> center.ConsultationRequested:
    return made(
        center.ConsultationRequested,
        changes,
        consultation="consultation-1",
        maker="workshop/tosor-jam",
        topic="packaging",
    )


def consultation_answered(**changes: Any) -> center.ConsultationAnswered:
    return made(center.ConsultationAnswered, changes, consultation="consultation-1", outcome="advised")


def training_held(**changes: Any) -> center.TrainingHeld:
    return made(
        center.TrainingHeld,
        changes,
        training="training-1",
        topic="hygiene",
        region="KG-Y",
        village="tosor",
        held_on=date(2012, 4, 15),
        participants=("p-001", "p-002"),
    )


def buyer_introduced(**changes: Any) -> center.BuyerIntroduced:
    return made(center.BuyerIntroduced, changes, buyer="buyer-1", channel="export", country="japan")


def order_placed(**changes: Any) -> center.OrderPlaced:
    return made(
        center.OrderPlaced,
        changes,
        order="order-1",
        buyer="buyer-1",
        channel="export",
        product="apricot-jam-300",
        units=500,
        unit_price_tyiyn=25_000,
        quotas=(center.VillageQuota(village="tosor", units=500),),
        deliver_by=date(2013, 9, 1),
    )


def order_delivered(**changes: Any) -> center.OrderDelivered:
    return made(
        center.OrderDelivered,
        changes,
        order="order-1",
        delivery="delivery-1",
        channel="export",
        place="center/bishkek",
        lines=(sale_line(units=100, unit_price_tyiyn=25_000),),
    )


def brand_material_issued(**changes: Any) -> center.BrandMaterialIssued:
    return made(
        center.BrandMaterialIssued, changes, issue="issue-1", place="workshop/tosor-jam", material="labels", units=1_000
    )
