"""Events of terms, months and accounts."""

from datetime import date
from typing import Any

from events.catalogue import settlement
from tests.make.values import EVENT_ID, HASH, MEMBERS, made


def share_terms_agreed(**changes: Any) -> settlement.ShareTermsAgreed:
    return made(
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
    return made(
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
    return made(
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
    return made(
        settlement.PayoutMade,
        changes,
        producer="p-001",
        payout="payout-1",
        amount_tyiyn=10_000,
        statement_position=1_001,
        method="elqr",
    )


def payout_made_v1(**changes: Any) -> settlement.PayoutMadeV1:
    return made(
        settlement.PayoutMadeV1,
        changes,
        producer="p-001",
        payout="payout-1",
        amount_tyiyn=10_000,
        statement_position=1_001,
        method="elqr",
    )


def payout_reversed(**changes: Any) -> settlement.PayoutReversed:
    return made(
        settlement.PayoutReversed,
        changes,
        producer="p-001",
        payout="payout-1",
        amount_tyiyn=10_000,
        reason="wrong_account",
    )


def payout_reversed_v1(**changes: Any) -> settlement.PayoutReversedV1:
    return made(
        settlement.PayoutReversedV1,
        changes,
        producer="p-001",
        payout="payout-1",
        amount_tyiyn=10_000,
        reason="wrong_account",
    )


def advance_given(**changes: Any) -> settlement.AdvanceGiven:
    return made(
        settlement.AdvanceGiven, changes, producer="p-001", advance="advance-1", amount_tyiyn=5_000, method="cash"
    )


def advance_given_v1(**changes: Any) -> settlement.AdvanceGivenV1:
    return made(
        settlement.AdvanceGivenV1, changes, producer="p-001", advance="advance-1", amount_tyiyn=5_000, method="cash"
    )


def payout_disputed(**changes: Any) -> settlement.PayoutDisputed:
    return made(
        settlement.PayoutDisputed,
        changes,
        producer="p-001",
        dispute="dispute-1",
        disputed=EVENT_ID,
        month="2012-07",
        reason="too_little",
        opened_on=date(2012, 8, 20),
    )


def dispute_settled(**changes: Any) -> settlement.DisputeSettled:
    return made(
        settlement.DisputeSettled,
        changes,
        producer="p-001",
        dispute="dispute-1",
        outcome="rejected",
        reason="statement_is_right",
    )
