"""One builder per event, with the defaults of one small story; say only what a test is about.

    make.sale_made(lines=(make.sale_line(units=3),))

The story: Tosor's apricots of p-001 and sugar of Kant become 100 jars of jam (`batch-jam-1`), 40 of which go to the
shop in Karakol, where till `karakol-1` sells two.
"""

from datetime import date
from typing import Any

from events.catalogue import center, committee, exchange, logistics, network, outlets, production, settlement
from events.catalogue.base import Event
from events.catalogue.values import LotInput, Names, SaleLine, StockLine, Tender
from services.committee.assessment import HeldRole, Seat

#: Some SHA-256, some event's id, and the two members without whom nothing is recalled or revoked.
HASH = "5e" * 32
EVENT_ID = "018f0000-0000-7000-8000-000000000001"
MEMBERS = ("user/member-1", "user/member-2")
#: Regions and villages of theirs, for whatever tells of both: three, two and one of them.
HOMES = (("KG-Y", "a"), ("KG-Y", "b"), ("KG-Y", "c"), ("KG-N", "d"), ("KG-N", "e"), ("KG-O", "f"))


def _made[T](kind: type[T], changes: dict[str, Any], /, **defaults: Any) -> T:
    return kind(**(defaults | changes))


def names(english: str) -> Names:
    return Names(ky=english, ru=english, en=english)


def lot_input(**changes: Any) -> LotInput:
    return _made(LotInput, changes, lot="lot-apricots-1", mass_g=20_000)


def stock_line(**changes: Any) -> StockLine:
    return _made(StockLine, changes, batch="batch-jam-1", units=10)


def sale_line(**changes: Any) -> SaleLine:
    return _made(SaleLine, changes, product="apricot-jam-300", batch="batch-jam-1", units=2, unit_price_tyiyn=18_000)


def return_line(**changes: Any) -> outlets.ReturnLine:
    line = {"line": 0, "product": "apricot-jam-300", "batch": "batch-jam-1", "units": 1, "refund_tyiyn": 18_000}
    return _made(outlets.ReturnLine, changes, **line)


def cash(amount_tyiyn: int) -> Tender:
    return Tender(kind="cash", amount_tyiyn=amount_tyiyn)


def _certificate(changes: dict[str, Any]) -> dict[str, Any]:
    return {"maker": "workshop/tosor-jam", "product": "apricot-jam-300"} | changes


def _at_till(changes: dict[str, Any]) -> dict[str, Any]:
    return {"shift": "shift-1", "outlet": "karakol", "till": "karakol-1"} | changes


def network_founded(**changes: Any) -> network.NetworkFounded:
    return _made(network.NetworkFounded, changes, network="kg", clock="real", names=names("One Village One Product"))


def region_joined(**changes: Any) -> network.RegionJoined:
    return _made(
        network.RegionJoined,
        changes,
        region="KG-Y",
        names=names("Ysyk-Kol"),
        committee_names=names("Brand committee of Ysyk-Kol"),
    )


def village_registered(**changes: Any) -> network.VillageRegistered:
    return _made(
        network.VillageRegistered,
        changes,
        village="tosor",
        region="KG-Y",
        district="jeti-oguz",
        parent="tosor-aimak",
        names=names("Tosor"),
        latitude_microdegrees=42_170_000,
        longitude_microdegrees=77_430_000,
        position_is_exact=True,
    )


def village_reassigned(**changes: Any) -> network.VillageReassigned:
    return _made(
        network.VillageReassigned,
        changes,
        village="tosor",
        district="ton",
        parent="ton-aimak",
        effective_on=date(2014, 1, 1),
    )


def producer_registered(**changes: Any) -> network.ProducerRegistered:
    return _made(network.ProducerRegistered, changes, producer="p-001", village="tosor", joined_on=date(2012, 3, 1))


def producer_retired(**changes: Any) -> network.ProducerRetired:
    return _made(network.ProducerRetired, changes, producer="p-001", retired_on=date(2015, 12, 31))


def supplier_registered(**changes: Any) -> network.SupplierRegistered:
    return _made(network.SupplierRegistered, changes, supplier="kant-sugar", names=names("Kant sugar works"))


def workshop_opened(**changes: Any) -> network.WorkshopOpened:
    return _made(
        network.WorkshopOpened,
        changes,
        workshop="tosor-jam",
        village="tosor",
        names=names("Tosor jam workshop"),
        opened_on=date(2012, 4, 1),
    )


def workshop_closed(**changes: Any) -> network.WorkshopClosed:
    return _made(network.WorkshopClosed, changes, workshop="tosor-jam", closed_on=date(2016, 12, 31))


def outlet_opened(**changes: Any) -> network.OutletOpened:
    return _made(
        network.OutletOpened,
        changes,
        outlet="karakol",
        region="KG-Y",
        village=None,
        names=names("Karakol shop"),
        channel="retail",
        latitude_microdegrees=42_490_000,
        longitude_microdegrees=78_390_000,
        position_is_exact=True,
        connectivity="good",
        opened_on=date(2012, 5, 1),
    )


def outlet_closed(**changes: Any) -> network.OutletClosed:
    return _made(network.OutletClosed, changes, outlet="karakol", closed_on=date(2016, 12, 31))


def product_defined(**changes: Any) -> network.ProductDefined:
    return _made(
        network.ProductDefined,
        changes,
        product="apricot-jam-300",
        group="jam",
        names=names("Apricot jam"),
        unit="jar",
        net_mass_g=300,
        shelf_life_days=540,
        origin_basis="mass",
    )


def product_retired(**changes: Any) -> network.ProductRetired:
    return _made(network.ProductRetired, changes, product="apricot-jam-300", retired_on=date(2016, 12, 31))


def price_set(**changes: Any) -> network.PriceSet:
    return _made(
        network.PriceSet,
        changes,
        product="apricot-jam-300",
        channel="retail",
        unit_price_tyiyn=18_000,
        effective_from=date(2012, 5, 1),
    )


def till_enrolled(**changes: Any) -> network.TillEnrolled:
    return _made(network.TillEnrolled, changes, till="karakol-1", outlet="karakol", key_id="key-karakol-1")


def till_revoked(**changes: Any) -> network.TillRevoked:
    return _made(network.TillRevoked, changes, till="karakol-1", reason="lost")


def role_granted(**changes: Any) -> network.RoleGranted:
    return _made(network.RoleGranted, changes, actor="user/aigul", role="cashier", region=None, place="outlet/karakol")


def role_withdrawn(**changes: Any) -> network.RoleWithdrawn:
    return _made(
        network.RoleWithdrawn, changes, actor="user/aigul", role="cashier", region=None, place="outlet/karakol"
    )


def consent_given(**changes: Any) -> network.ConsentGiven:
    return _made(network.ConsentGiven, changes, producer="p-001", purpose="name_on_label", commitment=HASH)


def consent_withdrawn(**changes: Any) -> network.ConsentWithdrawn:
    return _made(network.ConsentWithdrawn, changes, producer="p-001", purpose="name_on_label", withdraws=EVENT_ID)


def lot_collected(**changes: Any) -> production.LotCollected:
    return _made(
        production.LotCollected,
        changes,
        lot="lot-apricots-1",
        producer="p-001",
        material="apricot",
        mass_g=20_000,
        delivered_to="workshop/tosor-jam",
    )


def lot_collected_v1(**changes: Any) -> production.LotCollectedV1:
    return _made(
        production.LotCollectedV1,
        changes,
        lot="lot-apricots-0",
        producer="p-001",
        material="apricot",
        mass_kg=20,
        workshop="tosor-jam",
    )


def material_received(**changes: Any) -> production.MaterialReceived:
    return _made(
        production.MaterialReceived,
        changes,
        lot="lot-sugar-1",
        supplier="kant-sugar",
        material="sugar",
        mass_g=50_000,
        delivered_to="workshop/tosor-jam",
    )


def lots_pooled(**changes: Any) -> production.LotsPooled:
    return _made(
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
    return _made(
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
    return _made(
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
    return _made(
        production.LabelsPrinted,
        changes,
        lot="batch-jam-1",
        code="4T7QX9BA",
        labels=100,
        printed_at="workshop/tosor-jam",
    )


def lot_tested(**changes: Any) -> production.LotTested:
    return _made(
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
    return _made(
        production.BatchDiscarded, changes, lot="batch-jam-1", place="workshop/tosor-jam", units=3, reason="broken"
    )


def lot_corrected(**changes: Any) -> production.LotCorrected:
    return _made(
        production.LotCorrected,
        changes,
        lot="lot-apricots-1",
        corrects=EVENT_ID,
        producer="p-002",
        mass_g=19_000,
        reason="misweighed",
    )


def batch_inputs_corrected(**changes: Any) -> production.BatchInputsCorrected:
    return _made(
        production.BatchInputsCorrected,
        changes,
        lot="batch-jam-1",
        inputs=(lot_input(mass_g=19_000),),
        corrects=EVENT_ID,
        mass_g=18_000,
        loss_mass_g=1_000,
        reason="misweighed",
    )


def product_submitted(**changes: Any) -> committee.ProductSubmitted:
    return _made(
        committee.ProductSubmitted,
        _certificate(changes),
        submission="submission-1",
        region="KG-Y",
        assessors=MEMBERS,
    )


def product_submitted_v1(**changes: Any) -> committee.ProductSubmittedV1:
    return _made(committee.ProductSubmittedV1, _certificate(changes), submission="submission-1", region="KG-Y")


def sample_received(**changes: Any) -> committee.SampleReceived:
    return _made(
        committee.SampleReceived, _certificate(changes), submission="submission-1", batch="batch-jam-1", units=2
    )


def assessment_scored(**changes: Any) -> committee.AssessmentScored:
    return _made(
        committee.AssessmentScored,
        _certificate(changes),
        submission="submission-1",
        member="user/member-1",
        seal=HASH,
        scores=scores(),
        salt="5a" * 16,
    )


def assessment_scored_v1(**changes: Any) -> committee.AssessmentScoredV1:
    return _made(
        committee.AssessmentScoredV1,
        _certificate(changes),
        submission="submission-1",
        member="user/member-1",
        scores=scores(),
    )


def scores(*points: int) -> committee.Scores:
    """Points of the five criteria, in their order."""
    names = ("local_raw_material", "quality", "uniqueness", "packaging", "supply")
    return committee.Scores(**dict(zip(names, points or (18, 17, 16, 15, 14), strict=True)))


def improvement_advised(**changes: Any) -> committee.ImprovementAdvised:
    return _made(committee.ImprovementAdvised, _certificate(changes), submission="submission-1", criterion="packaging")


def product_certified(**changes: Any) -> committee.ProductCertified:
    return _made(
        committee.ProductCertified,
        _certificate(changes),
        submission="submission-1",
        certificate="cert-1",
        members=MEMBERS,
        score_milli=80_000,
        valid_from=date(2012, 6, 1),
        valid_until=date(2014, 5, 31),
    )


def product_conditionally_accepted(**changes: Any) -> committee.ProductConditionallyAccepted:
    return _made(
        committee.ProductConditionallyAccepted,
        _certificate(changes),
        submission="submission-1",
        members=MEMBERS,
        score_milli=65_000,
        conditions=("better_lids",),
        fulfil_by=date(2012, 9, 1),
    )


def product_rejected(**changes: Any) -> committee.ProductRejected:
    return _made(
        committee.ProductRejected, _certificate(changes), submission="submission-1", members=MEMBERS, score_milli=40_000
    )


def certificate_suspended(**changes: Any) -> committee.CertificateSuspended:
    return _made(
        committee.CertificateSuspended,
        _certificate(changes),
        certificate="cert-1",
        reason="complaints",
        effective_from=date(2013, 1, 1),
    )


def certificate_reinstated(**changes: Any) -> committee.CertificateReinstated:
    return _made(
        committee.CertificateReinstated, _certificate(changes), certificate="cert-1", effective_from=date(2013, 3, 1)
    )


def certificate_revoked(**changes: Any) -> committee.CertificateRevoked:
    return _made(
        committee.CertificateRevoked,
        _certificate(changes),
        certificate="cert-1",
        reason="complaints",
        members=MEMBERS,
        effective_from=date(2013, 4, 1),
    )


def seats(*members: str, region: str | None = "KG-Y") -> tuple[Seat, ...]:
    """Members of a region's committee, as the rules are told of them."""
    role = HeldRole(role="committee_member", region=region)
    return tuple(Seat(member=member, roles=(role,)) for member in members)


def recall_started(**changes: Any) -> committee.RecallStarted:
    return _made(
        committee.RecallStarted,
        changes,
        recall="recall-1",
        roots=(committee.RecallRoot(kind="lot", id="lot-sugar-1"),),
        severity="risk",
        reason="glass_found",
        members=MEMBERS,
    )


def recall_extended(**changes: Any) -> committee.RecallExtended:
    return _made(
        committee.RecallExtended,
        changes,
        recall="recall-1",
        roots=(committee.RecallRoot(kind="supplier", id="kant-sugar"),),
        members=MEMBERS,
    )


def recall_ticked_off(**changes: Any) -> committee.RecallTickedOff:
    return _made(
        committee.RecallTickedOff, changes, recall="recall-1", outlet="karakol", batch="batch-jam-1", units_set_aside=12
    )


def recall_closed(**changes: Any) -> committee.RecallClosed:
    return _made(committee.RecallClosed, changes, recall="recall-1", members=MEMBERS, outcome="all_found")


def problem_reported(**changes: Any) -> committee.ProblemReported:
    return _made(
        committee.ProblemReported, changes, report="report-1", code="4T7QX9BA", outlet="karakol", problem="mould"
    )


def stock_shipped(**changes: Any) -> logistics.StockShipped:
    return _made(
        logistics.StockShipped,
        changes,
        consignment="consignment-1",
        origin="workshop/tosor-jam",
        destination="outlet/karakol",
        lines=(stock_line(units=40),),
    )


def shipment_cancelled(**changes: Any) -> logistics.ShipmentCancelled:
    return _made(logistics.ShipmentCancelled, changes, consignment="consignment-1", reason="road_closed")


def stock_received(**changes: Any) -> logistics.StockReceived:
    return _made(
        logistics.StockReceived,
        changes,
        consignment="consignment-1",
        place="outlet/karakol",
        lines=(stock_line(units=40),),
    )


def shipment_lost(**changes: Any) -> logistics.ShipmentLost:
    return _made(
        logistics.ShipmentLost, changes, consignment="consignment-1", lines=(stock_line(units=1),), reason="broken"
    )


def shift_opened(**changes: Any) -> outlets.ShiftOpened:
    return _made(
        outlets.ShiftOpened, _at_till(changes), till_counter=1, cashier="user/aigul", opening_cash_tyiyn=50_000
    )


def sale_made(**changes: Any) -> outlets.SaleMade:
    return _made(
        outlets.SaleMade,
        _at_till(changes),
        till_counter=2,
        sale="sale-1",
        cashier="user/aigul",
        lines=(sale_line(),),
        tenders=(cash(36_000),),
    )


def sale_voided(**changes: Any) -> outlets.SaleVoided:
    return _made(outlets.SaleVoided, _at_till(changes), till_counter=3, sale="sale-1", reason="keyed_twice")


def sale_line_corrected(**changes: Any) -> outlets.SaleLineCorrected:
    return _made(
        outlets.SaleLineCorrected,
        _at_till(changes),
        till_counter=3,
        sale="sale-1",
        line=0,
        product="apricot-jam-300",
        batch="batch-jam-1",
    )


def goods_returned(**changes: Any) -> outlets.GoodsReturned:
    return _made(
        outlets.GoodsReturned,
        _at_till(changes),
        till_counter=4,
        return_id="return-1",
        sale="sale-1",
        lines=(return_line(),),
        reason="changed_mind",
    )


def cash_moved(**changes: Any) -> outlets.CashMoved:
    return _made(
        outlets.CashMoved, _at_till(changes), till_counter=5, direction="out", amount_tyiyn=20_000, reason="bank"
    )


def shift_closed(**changes: Any) -> outlets.ShiftClosed:
    return _made(outlets.ShiftClosed, _at_till(changes), till_counter=6, counted_cash_tyiyn=66_000, z_number=1)


def opening_stock_counted(**changes: Any) -> outlets.OpeningStockCounted:
    return _made(
        outlets.OpeningStockCounted,
        changes,
        count="count-0",
        outlet="karakol",
        lines=(stock_line(batch="old-jam", units=7),),
    )


def stock_counted(**changes: Any) -> outlets.StockCounted:
    return _made(
        outlets.StockCounted,
        changes,
        count="count-1",
        place="outlet/karakol",
        lines=(outlets.CountLine(batch="batch-jam-1", units=38),),
    )


def stock_written_off(**changes: Any) -> outlets.StockWrittenOff:
    return _made(
        outlets.StockWrittenOff,
        changes,
        write_off="write-off-1",
        place="outlet/karakol",
        lines=(stock_line(units=1),),
        reason="broken",
        members=("user/cashier-1", "user/lead-1"),
    )


def stock_written_off_v1(**changes: Any) -> outlets.StockWrittenOffV1:
    return _made(
        outlets.StockWrittenOffV1,
        changes,
        write_off="write-off-1",
        place="outlet/karakol",
        lines=(stock_line(units=1),),
        reason="broken",
    )


def share_terms_agreed(**changes: Any) -> settlement.ShareTermsAgreed:
    return _made(
        settlement.ShareTermsAgreed,
        changes,
        channel="retail",
        product_group=None,
        effective_from=date(2012, 5, 1),
        makers_bp=6_000,
        workshop_bp=1_500,
        outlet_bp=1_500,
        brand_bp=500,
        fund_bp=500,
    )


def period_closed(**changes: Any) -> settlement.PeriodClosed:
    return _made(
        settlement.PeriodClosed,
        changes,
        region="KG-Y",
        month="2012-07",
        through_position=1_000,
        statement_digest=HASH,
        producers=2,
        earned_tyiyn=21_600,
        unknown_tyiyn=0,
    )


def restatement_made(**changes: Any) -> settlement.RestatementMade:
    return _made(
        settlement.RestatementMade,
        changes,
        region="KG-Y",
        month="2012-07",
        through_position=2_000,
        statement_digest=HASH,
        members=MEMBERS,
        reason="misweighed",
    )


def payout_made(**changes: Any) -> settlement.PayoutMade:
    return _made(
        settlement.PayoutMade,
        changes,
        producer="p-001",
        payout="payout-1",
        amount_tyiyn=10_000,
        statement_position=1_001,
        method="elqr",
    )


def payout_made_v1(**changes: Any) -> settlement.PayoutMadeV1:
    return _made(
        settlement.PayoutMadeV1,
        changes,
        producer="p-001",
        payout="payout-1",
        amount_tyiyn=10_000,
        statement_position=1_001,
        method="elqr",
    )


def payout_reversed(**changes: Any) -> settlement.PayoutReversed:
    return _made(
        settlement.PayoutReversed,
        changes,
        producer="p-001",
        payout="payout-1",
        amount_tyiyn=10_000,
        reason="wrong_account",
    )


def payout_reversed_v1(**changes: Any) -> settlement.PayoutReversedV1:
    return _made(
        settlement.PayoutReversedV1,
        changes,
        producer="p-001",
        payout="payout-1",
        amount_tyiyn=10_000,
        reason="wrong_account",
    )


def advance_given(**changes: Any) -> settlement.AdvanceGiven:
    return _made(
        settlement.AdvanceGiven, changes, producer="p-001", advance="advance-1", amount_tyiyn=5_000, method="cash"
    )


def advance_given_v1(**changes: Any) -> settlement.AdvanceGivenV1:
    return _made(
        settlement.AdvanceGivenV1, changes, producer="p-001", advance="advance-1", amount_tyiyn=5_000, method="cash"
    )


def payout_disputed(**changes: Any) -> settlement.PayoutDisputed:
    return _made(
        settlement.PayoutDisputed,
        changes,
        producer="p-001",
        dispute="dispute-1",
        disputed=EVENT_ID,
        month="2012-07",
        reason="too_little",
        opened_on=date(2012, 8, 20),
    )


def consultation_requested(**changes: Any) -> center.ConsultationRequested:
    return _made(
        center.ConsultationRequested,
        changes,
        consultation="consultation-1",
        maker="workshop/tosor-jam",
        topic="packaging",
    )


def consultation_answered(**changes: Any) -> center.ConsultationAnswered:
    return _made(center.ConsultationAnswered, changes, consultation="consultation-1", outcome="advised")


def training_held(**changes: Any) -> center.TrainingHeld:
    return _made(
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
    return _made(center.BuyerIntroduced, changes, buyer="buyer-1", channel="export", country="japan")


def order_placed(**changes: Any) -> center.OrderPlaced:
    return _made(
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
    return _made(
        center.OrderDelivered,
        changes,
        order="order-1",
        delivery="delivery-1",
        channel="export",
        place="center/bishkek",
        lines=(sale_line(units=100, unit_price_tyiyn=25_000),),
    )


def brand_material_issued(**changes: Any) -> center.BrandMaterialIssued:
    return _made(
        center.BrandMaterialIssued, changes, issue="issue-1", place="workshop/tosor-jam", material="labels", units=1_000
    )


def message_quarantined(**changes: Any) -> exchange.MessageQuarantined:
    return _made(
        exchange.MessageQuarantined,
        changes,
        quarantine="quarantine-1",
        sender="till/karakol-1",
        till="karakol-1",
        till_counter=7,
        claimed_id=EVENT_ID,
        problem="unknown_field",
        content_sha256=HASH,
        content_bytes=321,
    )


def quarantine_resolved(**changes: Any) -> exchange.QuarantineResolved:
    return _made(
        exchange.QuarantineResolved,
        changes,
        quarantine="quarantine-1",
        resolution="mapped",
        reason="old_tablet",
        resubmitted_as=EVENT_ID,
    )


def document_captured(**changes: Any) -> exchange.DocumentCaptured:
    return _made(
        exchange.DocumentCaptured,
        changes,
        document="document-1",
        kind="delivery_note",
        media_type="application/pdf",
        place="outlet/karakol",
        about="consignment/consignment-1",
        content_sha256=HASH,
        content_bytes=4_096,
    )


def audit_export_made(**changes: Any) -> exchange.AuditExportMade:
    return _made(
        exchange.AuditExportMade,
        changes,
        export="export-1",
        after_position=0,
        through_position=1_000,
        content_sha256=HASH,
    )


def audit_case_noted(**changes: Any) -> exchange.AuditCaseNoted:
    return _made(exchange.AuditCaseNoted, changes, case="case-1", about=EVENT_ID, note_commitment=HASH)


def signing_key_rotated(**changes: Any) -> exchange.SigningKeyRotated:
    return _made(
        exchange.SigningKeyRotated,
        changes,
        key_id="key-2",
        public_key=HASH,
        cosigned_by="key-1",
        cosignature=2 * HASH,
    )


def dispute_settled(**changes: Any) -> settlement.DisputeSettled:
    return _made(
        settlement.DisputeSettled,
        changes,
        producer="p-001",
        dispute="dispute-1",
        outcome="rejected",
        reason="statement_is_right",
    )


def one_of_each() -> dict[str, Event]:
    """Every event once, as the story tells it, old versions too: wire name to event."""
    told: list[Event] = [
        network_founded(),
        region_joined(),
        village_registered(),
        village_reassigned(),
        producer_registered(),
        producer_retired(),
        supplier_registered(),
        workshop_opened(),
        workshop_closed(),
        outlet_opened(),
        outlet_closed(),
        product_defined(),
        product_retired(),
        price_set(),
        till_enrolled(),
        till_revoked(),
        role_granted(),
        role_withdrawn(),
        consent_given(),
        consent_withdrawn(),
        lot_collected(),
        lot_collected_v1(),
        material_received(),
        lots_pooled(),
        batch_produced(),
        batch_packed(),
        labels_printed(),
        lot_tested(),
        batch_discarded(),
        lot_corrected(),
        batch_inputs_corrected(),
        product_submitted(),
        product_submitted_v1(),
        sample_received(),
        assessment_scored(),
        assessment_scored_v1(),
        improvement_advised(),
        product_certified(),
        product_conditionally_accepted(),
        product_rejected(),
        certificate_suspended(),
        certificate_reinstated(),
        certificate_revoked(),
        recall_started(),
        recall_extended(),
        recall_ticked_off(),
        recall_closed(),
        problem_reported(),
        stock_shipped(),
        shipment_cancelled(),
        stock_received(),
        shipment_lost(),
        shift_opened(),
        sale_made(),
        sale_voided(),
        sale_line_corrected(),
        goods_returned(),
        cash_moved(),
        shift_closed(),
        opening_stock_counted(),
        stock_counted(),
        stock_written_off(),
        stock_written_off_v1(),
        share_terms_agreed(),
        period_closed(),
        restatement_made(),
        payout_made(),
        payout_made_v1(),
        payout_reversed(),
        payout_reversed_v1(),
        advance_given(),
        advance_given_v1(),
        payout_disputed(),
        dispute_settled(),
        consultation_requested(),
        consultation_answered(),
        training_held(),
        buyer_introduced(),
        order_placed(),
        order_delivered(),
        brand_material_issued(),
        message_quarantined(),
        quarantine_resolved(),
        document_captured(),
        audit_export_made(),
        audit_case_noted(),
        signing_key_rotated(),
    ]
    return {event.wire_name: event for event in told}
