"""The center's rules: buyers, orders, answers."""

from events.catalogue.center import VillageQuota
from services.center import decider as rules
from services.center.decider import CENTER, AnswerConsultation, IntroduceBuyer, PlaceOrder
from tests import make
from tests.given import given

BUYER, ORDER = make.buyer_introduced(), make.order_placed(units=100, quotas=())
ASKED, ANSWERED = make.consultation_requested(), make.consultation_answered()


def test_a_buyer_is_introduced_once() -> None:
    given(CENTER).when(IntroduceBuyer(event=BUYER)).then(BUYER)
    given(CENTER, BUYER).when(IntroduceBuyer(event=BUYER)).then_refused(rules.BuyerAlreadyKnown)


def test_an_order_is_placed_once() -> None:
    given(CENTER).when(PlaceOrder(event=ORDER)).then(ORDER)
    given(CENTER, ORDER).when(PlaceOrder(event=ORDER)).then_refused(rules.OrderAlreadyPlaced)


def test_a_delivery_that_was_reported_before_its_order_does_not_stand_in_its_way() -> None:
    given(CENTER, make.order_delivered()).when(PlaceOrder(event=ORDER)).then(ORDER)


def test_quotas_add_up_to_no_more_than_was_ordered_and_name_a_village_once() -> None:
    tosor, barskoon = VillageQuota(village="tosor", units=60), VillageQuota(village="barskoon", units=41)
    whole = make.order_placed(units=101, quotas=(tosor, barskoon))
    given(CENTER).when(PlaceOrder(event=whole)).then(whole)
    for quotas in ((tosor, barskoon), (tosor, VillageQuota(village="tosor", units=1))):
        order = make.order_placed(units=100, quotas=quotas)
        given(CENTER).when(PlaceOrder(event=order)).then_refused(rules.QuotasExceedOrder)


def test_a_question_is_answered_once_and_only_if_it_was_asked() -> None:
    given(CENTER, ASKED).when(AnswerConsultation(event=ANSWERED)).then(ANSWERED)
    given(CENTER).when(AnswerConsultation(event=ANSWERED)).then_refused(rules.NobodyAsked)
    given(CENTER, ASKED, ANSWERED).when(AnswerConsultation(event=ANSWERED)).then_refused(rules.AlreadyAnswered)


def test_an_order_names_a_buyer_a_product_villages_and_a_sample_that_are_known() -> None:
    named = (f"buyer/{ORDER.buyer}", f"product/{ORDER.product}")
    assert PlaceOrder(event=ORDER).refers_to() == named
    quotas = (VillageQuota(village="tosor", units=1), VillageQuota(village="barskoon", units=1))
    whole = make.order_placed(quotas=quotas, sample="lot-sample-1")
    assert PlaceOrder(event=whole).refers_to() == (*named, "village/tosor", "village/barskoon", "lot/lot-sample-1")
