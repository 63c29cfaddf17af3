"""Events of the making: lots gathered, pooled, produced, packed and tested."""

from datetime import date
from typing import Any

from events.catalogue import production
from tests.make.values import EVENT_ID, lot_input, made


def lot_collected(**changes: Any) -> production.LotCollected:
    return made(
        production.LotCollected,
        changes,
        lot="lot-apricots-1",
        producer="p-001",
        material="apricot",
        mass_g=20_000,
        delivered_to="workshop/tosor-jam",
    )


def lot_collected_v1(**changes: Any) -> production.LotCollectedV1:
    return made(
        production.LotCollectedV1,
        changes,
        lot="lot-apricots-0",
        producer="p-001",
        material="apricot",
        mass_kg=20,
        workshop="tosor-jam",
    )


def material_received(**changes: Any) -> production.MaterialReceived:
    return made(
        production.MaterialReceived,
        changes,
        lot="lot-sugar-1",
        supplier="kant-sugar",
        material="sugar",
        mass_g=50_000,
        delivered_to="workshop/tosor-jam",
    )


def lots_pooled(**changes: Any) -> production.LotsPooled:
    return made(
        production.LotsPooled,
        changes,
        lot="lot-pool-1",
        inputs=(lot_input(),),
        workshop="tosor-jam",
        material="apricot",
        mass_g=19_500,
        loss_mass_g=500,
    )


def batch_produced(**changes: Any) -> production.BatchProduced:
    return made(
        production.BatchProduced,
        changes,
        lot="batch-jam-1",
        inputs=(lot_input(), lot_input(lot="lot-sugar-1", mass_g=16_000, bears_origin=False)),
        product="apricot-jam-300",
        made_by="workshop/tosor-jam",
        made_at="workshop/tosor-jam",
        mass_g=30_000,
        loss_mass_g=6_000,
        finished=True,
    )


def batch_packed(**changes: Any) -> production.BatchPacked:
    return made(
        production.BatchPacked,
        changes,
        lot="batch-jam-1",
        code="4T7QX9BA",
        product="apricot-jam-300",
        packed_at="workshop/tosor-jam",
        units=100,
        unit_mass_g=300,
        best_before=date(2014, 1, 31),
    )


def labels_printed(**changes: Any) -> production.LabelsPrinted:
    return made(
        production.LabelsPrinted,
        changes,
        lot="batch-jam-1",
        code="4T7QX9BA",
        labels=100,
        printed_at="workshop/tosor-jam",
    )


def lot_tested(**changes: Any) -> production.LotTested:
    return made(
        production.LotTested,
        changes,
        lot="batch-jam-1",
        test="moisture",
        result="measured",
        value_milli=17_800,
        sample_units=1,
        tested_at="workshop/tosor-jam",
    )


def batch_discarded(**changes: Any) -> production.BatchDiscarded:
    return made(
        production.BatchDiscarded, changes, lot="batch-jam-1", place="workshop/tosor-jam", units=3, reason="broken"
    )


def lot_corrected(**changes: Any) -> production.LotCorrected:
    return made(
        production.LotCorrected,
        changes,
        lot="lot-apricots-1",
        corrects=EVENT_ID,
        producer="p-002",
        mass_g=19_000,
        reason="misweighed",
    )


def batch_inputs_corrected(**changes: Any) -> production.BatchInputsCorrected:
    return made(
        production.BatchInputsCorrected,
        changes,
        lot="batch-jam-1",
        inputs=(lot_input(mass_g=19_000),),
        corrects=EVENT_ID,
        mass_g=18_000,
        loss_mass_g=1_000,
        reason="misweighed",
    )
