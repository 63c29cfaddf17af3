"""Commands that go against what was decided before, name what is not there, or are not what their address takes."""

from collections.abc import Iterator
from typing import Any, Final

import orjson
from events.catalogue.base import Event
from services.access.permissions import COMMANDS

from tests import make
from tests.corpus.case import LEFT_OUT, Case, Each, Kept, Refused, command, fields_of, id_of, malformed, question
from tests.door import NOW

LATER: Final = "2099-01-01"
TWO: Final = ["user/clerk-1", "user/clerk-2"]
SCORES: Final = dict.fromkeys(("local_raw_material", "quality", "uniqueness", "packaging", "supply"), 15)
JAM: Final = {"maker": "workshop/tosor-jam", "product": "apricot-jam-300"}
FELT: Final = {"maker": "producer/p-001", "product": "apricot-jam-300"}


def _refused(code: str, field: str | None = None, status: int = 409) -> Refused:
    return Refused(status, code, field)


UNKNOWN: Final = "unknown_reference"


def _known(thing: str) -> Refused:
    return _refused("already_known", thing)


def _never(thing: str) -> Refused:
    return _refused("never_entered", thing, 404)


def _ended(thing: str) -> Refused:
    return _refused("already_ended", thing)


def _of_every_command() -> Iterator[Case]:
    """A field that nobody knows, nothing at all, a list in its place, and what goes around it."""
    for path in COMMANDS:
        address = f"/api/v1/{path}"
        yield command(f"{path} with nothing in it", Refused(422, "malformed", each="missing_field"), path)
        yield command(f"{path} with a colour", Refused(422, "malformed"), path, colour="red")
        yield Case(f"{path} without an id", malformed("wrong_id", "id"), orjson.dumps({"occurred_at": NOW}), address)
        yield Case(f"{path} without a time", malformed("wrong_time", "occurred_at"), orjson.dumps({"id": id_of(path)}), address)


def _network() -> Iterator[Case]:
    def ask(name: str, outcome: Any, verb: str, event: Event | None = None, /, **changes: Any) -> Case:
        return command(name, outcome, f"network/{verb}", event, **changes)

    yield ask("a network founded twice", _known("network"), "found-network", make.network_founded())
    yield ask("another network founded here", _refused("another_network", "network"), "found-network", make.network_founded(network="kz"))
    yield ask("a network with a clock of its own", malformed("unknown_word", "clock"), "found-network", make.network_founded(), clock="atomic")
    yield ask("a region that joined before", _known("region"), "join-region", make.region_joined())
    yield ask("a region of another country", malformed("wrong_form", "region"), "join-region", make.region_joined(), region="UZ-FA")
    yield ask("a region without Kyrgyz", malformed("missing_field", "names.ky"), "join-region", make.region_joined(), names={"ru": "Нарын", "en": "Naryn"})
    yield ask("a region in four languages", malformed("unknown_field", "names.de"), "join-region", make.region_joined(), names=dict.fromkeys(("ky", "ru", "en", "de"), "Naryn"))
    yield ask("a village of no region", _refused(UNKNOWN, "region"), "register-village", make.village_registered(village="v-1", region="KG-B"))
    yield ask("a village that is known", _known("village"), "register-village", make.village_registered())
    yield ask("a village called unknown", _refused("name_reserved", "village"), "register-village", make.village_registered(village="unknown"))
    yield ask("a village beyond the pole", malformed("out_of_range", "latitude_microdegrees"), "register-village", make.village_registered(), latitude_microdegrees=90_000_001)
    yield ask("a village in degrees", malformed("wrong_type", "longitude_microdegrees"), "register-village", make.village_registered(), longitude_microdegrees=77.43)
    yield ask("a village that was never entered moves", _never("village"), "reassign-village", make.village_reassigned(village="v-never"))
    yield ask("a producer of no village", _refused(UNKNOWN, "village"), "register-producer", make.producer_registered(producer="p-2", village="v-never"))
    yield ask("a producer that is known", _known("producer"), "register-producer", make.producer_registered())
    yield ask("a producer called unknown", _refused("name_reserved", "producer"), "register-producer", make.producer_registered(producer="unknown"))
    yield ask("a producer with a name", malformed("unknown_field", "name"), "register-producer", make.producer_registered(producer="p-3"), name="Айгүл")
    yield ask("a producer with a phone", malformed("unknown_field", "phone"), "register-producer", make.producer_registered(producer="p-3"), phone="+996 555 123456")
    yield ask("a producer who leaves before joining", _refused("ends_before_it_began", "retired_on"), "retire-producer", make.producer_retired(), retired_on="2012-02-29")
    yield ask("a producer who never joined leaves", _never("producer"), "retire-producer", make.producer_retired(producer="p-never"))
    yield ask("a supplier", Kept(), "register-supplier", make.supplier_registered())
    yield ask("a supplier that is known", _known("supplier"), "register-supplier", make.supplier_registered())
    yield ask("a workshop in no village", _refused(UNKNOWN, "village"), "open-workshop", make.workshop_opened(workshop="w-2", village="v-never"))
    yield ask("a workshop that is open", _known("workshop"), "open-workshop", make.workshop_opened())
    yield ask("a workshop that never opened closes", _never("workshop"), "close-workshop", make.workshop_closed(workshop="w-never"))
    yield ask("a workshop closed before it opened", _refused("ends_before_it_began", "closed_on"), "close-workshop", make.workshop_closed(), closed_on="1999-01-01")
    yield ask("a shop of no region", _refused(UNKNOWN, "region"), "open-outlet", make.outlet_opened(outlet="o-2", region="KG-B"))
    yield ask("a shop in no village", _refused(UNKNOWN, "village"), "open-outlet", make.outlet_opened(outlet="o-2", village="v-never"))
    yield ask("a shop that sells on the moon", malformed("unknown_word", "channel"), "open-outlet", make.outlet_opened(outlet="o-2"), channel="moon")
    yield ask("a shop for a while", Kept(), "open-outlet", make.outlet_opened(outlet="o-short"))
    yield ask("a shop closed before it opened", _refused("ends_before_it_began", "closed_on"), "close-outlet", make.outlet_closed(outlet="o-short"), closed_on="1999-01-01")
    yield ask("a shop closed", Kept(), "close-outlet", make.outlet_closed(outlet="o-short"), closed_on=LATER)
    yield ask("a shop closed twice", _ended("outlet"), "close-outlet", make.outlet_closed(outlet="o-short"), closed_on=LATER)
    yield ask("a closed shop opened again", _ended("outlet"), "open-outlet", make.outlet_opened(outlet="o-short"))
    yield ask("a product that is known", _known("product"), "define-product", make.product_defined())
    yield ask("a product by the dozen", malformed("unknown_word", "unit"), "define-product", make.product_defined(product="x"), unit="dozen")
    yield ask("a product that ends", Kept(), "define-product", make.product_defined(product="x-ends"))
    yield ask("a product ended", Kept(), "retire-product", make.product_retired(product="x-ends"))
    yield ask("a product ended twice", _ended("product"), "retire-product", make.product_retired(product="x-ends"))
    yield ask("a price of nothing known", _refused(UNKNOWN, "product"), "set-price", make.price_set(product="x-never"))
    yield ask("a price", Kept(), "set-price", make.price_set(channel="export"), effective_from="2026-06-01")
    yield ask("a price before the last one", _refused("price_backdated", "effective_from"), "set-price", make.price_set(channel="export"), effective_from="2026-05-31")
    yield ask("a price on the same day", Kept(), "set-price", make.price_set(channel="export"), effective_from="2026-06-01", unit_price_tyiyn=1)
    till: dict[str, Any] = {"till": "t-odd", "outlet": "karakol"}
    yield ask("a till of no shop", _refused(UNKNOWN, "outlet"), "enroll-till", **till | {"outlet": "o-never"})
    yield ask("a till with a word nobody knows", malformed("unknown_word", "credential"), "enroll-till", **till, credential="fingerprint")
    yield ask("a till with a key of the sender's", malformed("unknown_field", "key_id"), "enroll-till", **till, key_id="mine")
    yield ask("a till", Kept(), "enroll-till", **till)
    yield ask("a till enrolled twice", _known("till"), "enroll-till", **till)
    yield ask("a till revoked", Kept(), "revoke-till", make.till_revoked(till="t-odd"))
    yield ask("a till revoked twice", _ended("till"), "revoke-till", make.till_revoked(till="t-odd"))
    yield ask("a revoked till enrolled again", _ended("till"), "enroll-till", **till)
    yield ask("a till that was never enrolled is revoked", _never("till"), "revoke-till", make.till_revoked(till="t-never"))
    role: dict[str, Any] = {"to": "user/odd", "role": "cashier", "place": "outlet/karakol"}
    yield ask("a role nobody knows", malformed("unknown_word", "role"), "grant-role", **role | {"role": "king"})
    yield ask("a role", Kept(), "grant-role", **role)
    yield ask("a role granted twice", _refused("role_already_held", "role"), "grant-role", **role)
    yield ask("a role withdrawn elsewhere", _refused("role_not_held", "role"), "withdraw-role", **role | {"place": "outlet/bishkek"})
    yield ask("a role withdrawn", Kept(), "withdraw-role", **role)
    yield ask("a role withdrawn twice", _refused("role_not_held", "role"), "withdraw-role", **role)
    yield ask("a consent of nobody known", _never("producer"), "give-consent", make.consent_given(producer="p-never"))
    yield ask("a consent never given is withdrawn", _refused("no_such_consent", "withdraws"), "withdraw-consent", make.consent_withdrawn(), purpose="film")
    yield ask("a consent", Kept(), "give-consent", make.consent_given())
    named = {"withdraws": id_of("a consent")}
    yield ask("a withdrawal that names another event", _refused("no_such_consent", "withdraws"), "withdraw-consent", make.consent_withdrawn())
    yield ask("a withdrawal for another purpose", _refused("consent_of_another_purpose", "withdraws"), "withdraw-consent", make.consent_withdrawn(), **named, purpose="film")
    yield ask("a withdrawal of another's consent", _refused("no_such_consent", "withdraws"), "withdraw-consent", make.consent_withdrawn(producer="p-002"), **named)
    yield ask("a consent is withdrawn", Kept(), "withdraw-consent", make.consent_withdrawn(), **named)
    yield ask("a consent is withdrawn twice", _refused("no_such_consent", "withdraws"), "withdraw-consent", make.consent_withdrawn(), **named)


def _committee() -> Iterator[Case]:
    def ask(name: str, outcome: Any, verb: str, event: Event | None = None, /, **changes: Any) -> Case:
        return command(name, outcome, f"committee/{verb}", event, **changes)

    two = list(make.MEMBERS)
    no_submission, no_certificate = _refused("no_such_submission", "submission", 404), _refused("no_such_certificate", "certificate", 404)
    yield ask("a product of no maker", _refused(UNKNOWN, "workshop"), "submit-product", make.product_submitted(), maker="workshop/w-never")
    yield ask("no product of a maker", _refused(UNKNOWN, "product"), "submit-product", make.product_submitted(), product="x-never")
    yield ask("a product to no committee", _refused(UNKNOWN, "region"), "submit-product", make.product_submitted(), region="KG-B")
    yield ask("a product for one assessor", _refused("two_members_needed", "assessors"), "submit-product", make.product_submitted(), assessors=["user/a"])
    yield ask("a product for the same assessor twice", _refused("two_members_needed", "assessors"), "submit-product", make.product_submitted(), assessors=["user/a", "user/a"])
    yield ask("a sample of no submission", no_submission, "receive-sample", make.sample_received())
    yield ask("advice about no submission", no_submission, "advise-improvement", make.improvement_advised())
    score: dict[str, Any] = JAM | {"submission": "s-1", "member": "user/member-1", "scores": SCORES}
    yield ask("scores of no submission", no_submission, "score-assessment", **score)
    yield ask("a submission", Kept(), "submit-product", make.product_submitted(submission="s-1"))
    yield ask("a second submission beside it", _refused("submission_open", "submission"), "submit-product", make.product_submitted(submission="s-2"))
    yield ask("scores of 21 points", _refused("score_out_of_range", "scores"), "score-assessment", **score | {"scores": SCORES | {"quality": 21}})
    yield ask("scores below nothing", malformed("out_of_range", "scores.quality"), "score-assessment", **score | {"scores": SCORES | {"quality": -1}})
    yield ask("scores of half points", malformed("wrong_type", "scores.quality"), "score-assessment", **score | {"scores": SCORES | {"quality": 14.5}})
    yield ask("scores of four criteria", malformed("missing_field", "scores.supply"), "score-assessment", **score | {"scores": {k: 15 for k in SCORES if k != "supply"}})
    yield ask("scores of a sixth criterion", malformed("unknown_field", "scores.beauty"), "score-assessment", **score | {"scores": SCORES | {"beauty": 20}})
    yield ask("scores by somebody who is on no committee", _refused("not_on_the_committee", "member"), "score-assessment", **score)
    verdict: dict[str, Any] = JAM | {"submission": "s-1"}
    certified: dict[str, Any] = verdict | {"certificate": "cert-1", "valid_from": "2026-01-01", "valid_until": "2027-12-31"}
    yield ask("certified without scores", _refused("assessments_missing"), "certify-product", **certified)
    yield ask("rejected without scores", _refused("assessments_missing"), "reject-product", **verdict)
    yield ask("accepted without scores", _refused("assessments_missing"), "accept-conditionally", **verdict, conditions=["label"], fulfil_by=LATER)
    yield ask("certified with scores of the sender's", malformed("unknown_field", "score_milli"), "certify-product", **certified, score_milli=100_000)
    yield ask("certified by names of the sender's", malformed("unknown_field", "members"), "certify-product", **certified, members=two)
    yield ask("suspended without a certificate", no_certificate, "suspend-certificate", make.certificate_suspended())
    yield ask("reinstated without a certificate", no_certificate, "reinstate-certificate", make.certificate_reinstated())
    yield ask("revoked without a certificate", no_certificate, "revoke-certificate", make.certificate_revoked())
    start = make.recall_started(recall="r-odd")
    yield ask("a recall by two who have no seat", _refused("not_their_recall", "members"), "start-recall", start, members=["user/asel", "user/bermet"])
    for member in two:
        seat = {"to": member, "role": "committee_member", "region": "KG-Y"}
        yield command(f"a seat for {member}", Kept(), "network/grant-role", **seat)
    yield ask("a recall by one", _refused("two_members_needed", "members"), "start-recall", start, members=["user/member-1"])
    yield ask("a recall by one who is named twice", _refused("two_members_needed", "members"), "start-recall", start, members=["user/member-1"] * 2)
    yield ask("a recall by nobody", _refused("two_members_needed", "members"), "start-recall", start, members=[])
    yield ask("a recall of nothing", _refused("roots_missing", "roots"), "start-recall", start, roots=[])
    yield ask("a recall of the same thing twice", _refused("roots_missing", "roots"), "start-recall", start, roots=[{"kind": "lot", "id": "l"}] * 2)
    yield ask("a recall of a kind of thing nobody knows", malformed("unknown_word", "roots.0.kind"), "start-recall", start, roots=[{"kind": "village", "id": "tosor"}])
    yield ask("a recall as bad as nobody knows", malformed("unknown_word", "severity"), "start-recall", start, severity="doom")
    yield ask("a recall extended that nobody started", _refused("recall_not_open", "recall"), "extend-recall", make.recall_extended(recall="r-odd"))
    yield ask("a recall closed that nobody started", _refused("recall_not_open", "recall"), "close-recall", make.recall_closed(recall="r-odd"))
    yield ask("a recall ticked off that nobody started", _refused("recall_not_open", "recall"), "tick-off-recall", make.recall_ticked_off(recall="r-odd"))
    yield ask("a recall of a lot nobody knows", Kept(), "start-recall", start, roots=[{"kind": "lot", "id": "l-unheard-of"}])
    yield ask("a recall started twice", _refused("recall_already_started", "recall"), "start-recall", start)
    yield ask("a recall extended by what is in it", _refused("roots_missing", "roots"), "extend-recall", make.recall_extended(recall="r-odd"), roots=[{"kind": "lot", "id": "l-unheard-of"}])
    yield ask("a recall ticked off by no shop", _refused(UNKNOWN, "outlet"), "tick-off-recall", make.recall_ticked_off(recall="r-odd"), outlet="o-never")
    yield ask("a recall ticked off", Kept(), "tick-off-recall", make.recall_ticked_off(recall="r-odd"))
    yield ask("a recall ticked off twice", _refused("already_ticked_off", "batch"), "tick-off-recall", make.recall_ticked_off(recall="r-odd"))
    yield ask("a recall closed by one", _refused("two_members_needed", "members"), "close-recall", make.recall_closed(recall="r-odd"), members=["user/member-1"])
    yield ask("a recall closed", Kept(), "close-recall", make.recall_closed(recall="r-odd"))
    yield ask("a recall closed twice", _refused("recall_not_open", "recall"), "close-recall", make.recall_closed(recall="r-odd"))
    yield ask("a closed recall started again", _refused("recall_already_started", "recall"), "start-recall", start)


def _settlement() -> Iterator[Case]:
    def ask(name: str, outcome: Any, verb: str, event: Event | None = None, /, **changes: Any) -> Case:
        case = command(name, outcome, f"settlement/{verb}", event, **changes)
        return Case(case.name, case.outcome, case.body, case.path, folded=True)

    terms = make.share_terms_agreed(channel="export")
    month: dict[str, Any] = {"region": "KG-Y", "month": "2013-07"}
    yield ask("terms that do not add up", malformed("terms_do_not_add_up", "data"), "agree-terms", terms, makers_bp=6_001)
    yield ask("terms with a share beyond the whole", malformed("out_of_range", "makers_bp"), "agree-terms", terms, makers_bp=10_001, fund_bp=0)
    yield ask("terms with a share below nothing", malformed("out_of_range", "fund_bp"), "agree-terms", terms, fund_bp=-1)
    yield ask("terms in per cent", malformed("wrong_type", "fund_bp"), "agree-terms", terms, fund_bp="5%")
    yield ask("a channel's first terms, long ago", Kept(), "agree-terms", terms)
    yield ask("terms that were agreed yesterday", _refused("terms_backdated", "effective_from"), "agree-terms", terms, effective_from="2026-01-01")
    yield ask("terms of a group, long ago", _refused("terms_backdated", "effective_from"), "agree-terms", terms, product_group="felt")
    yield ask("terms for later", Kept(), "agree-terms", terms, effective_from=LATER)
    yield ask("terms before those for later", _refused("terms_backdated", "effective_from"), "agree-terms", terms, effective_from="2098-12-31")
    yield ask("a month of no region", _refused(UNKNOWN, "region"), "close-period", **month | {"region": "KG-B"})
    yield ask("a month to come", _refused("month_not_ended", "month"), "close-period", **month | {"month": "2099-01"})
    yield ask("this month", _refused("month_not_ended", "month"), "close-period", **month | {"month": NOW[:7]})
    for wrong in ("2013-13", "2013-00", "2013-7", "2013-07-01", "1899-12", "2100-01", "июль 2013", ""):
        yield ask(f"the month {wrong!r}", malformed("wrong_form", "month"), "close-period", **month | {"month": wrong})
    yield ask("a month with a digest of the sender's", malformed("unknown_field", "statement_digest"), "close-period", **month, statement_digest=make.HASH)
    anew = month | {"members": TWO, "reason": "misweighed"}
    yield ask("an open month stated anew", _refused("period_not_closed", "month"), "make-restatement", **anew)
    yield ask("a month closed", Kept(), "close-period", **month)
    yield ask("a month closed twice", _refused("period_already_closed", "month"), "close-period", **month)
    yield ask("a month stated anew by one", _refused("two_members_needed", "members"), "make-restatement", **anew | {"members": ["user/clerk-1"]})
    yield ask("a month stated anew as it was", _refused("nothing_to_restate", "month"), "make-restatement", **anew)
    pay: dict[str, Any] = {"producer": "p-001", "payout": "pay-1", "amount_tyiyn": 1, "method": "cash"}
    yield ask("more paid than is owed", _refused("payout_exceeds_owed", "amount_tyiyn"), "make-payout", **pay)
    yield ask("nothing paid", malformed("out_of_range", "amount_tyiyn"), "make-payout", **pay | {"amount_tyiyn": 0})
    yield ask("less than nothing paid", malformed("out_of_range", "amount_tyiyn"), "make-payout", **pay | {"amount_tyiyn": -100})
    yield ask("paid in gold", malformed("unknown_word", "method"), "make-payout", **pay | {"method": "gold"})
    yield ask("paid as it was opened", malformed("unknown_word", "method"), "make-payout", **pay | {"method": "opening"})
    yield ask("paid to nobody known", _refused(UNKNOWN, "producer"), "make-payout", **pay | {"producer": "p-never"})
    yield ask("paid to the unknown makers", _refused("nobody_to_pay", "producer"), "make-payout", **pay | {"producer": "unknown"})
    yield ask("paid with what is earned by the sender's word", malformed("unknown_field", "earned_tyiyn"), "make-payout", **pay, earned_tyiyn=10**9)
    yield ask("a payout taken back that was never made", _refused("no_such_payout", "payout", 404), "reverse-payout", producer="p-001", payout="pay-never", reason="mistake")
    advance = make.advance_given(advance="a-odd")
    yield ask("an advance to the unknown makers", _refused("nobody_to_pay", "producer"), "give-advance", advance, producer="unknown")
    yield ask("an advance to nobody known", _refused(UNKNOWN, "producer"), "give-advance", advance, producer="p-never")
    much = 5_000_001
    yield ask("much by one", _refused("second_signature_missing", "members"), "give-advance", advance, amount_tyiyn=much)
    yield ask("much by one who is named twice", _refused("second_signature_missing", "members"), "give-advance", advance, amount_tyiyn=much, members=["user/a"] * 2)
    yield ask("just as much as one may", Kept(), "give-advance", advance, amount_tyiyn=much - 1)
    yield ask("an advance given twice", _refused("already_paid", "advance"), "give-advance", advance)
    yield ask("much by two", Kept(), "give-advance", make.advance_given(advance="a-two"), amount_tyiyn=much, members=TWO)
    yield ask("a dispute", Kept(), "dispute-payout", make.payout_disputed(dispute="d-odd"))
    yield ask("a dispute entered twice", _refused("already_paid", "dispute"), "dispute-payout", make.payout_disputed(dispute="d-odd"))
    yield ask("a dispute of nobody known", _refused(UNKNOWN, "producer"), "dispute-payout", make.payout_disputed(producer="p-never"))


def _center() -> Iterator[Case]:
    def ask(name: str, outcome: Any, verb: str, event: Event, /, **changes: Any) -> Case:
        return command(name, outcome, f"center/{verb}", event, **changes)

    order = make.order_placed(order="o-odd")
    yield ask("an order of no buyer", _refused(UNKNOWN, "buyer"), "place-order", order)
    yield ask("a buyer", Kept(), "introduce-buyer", make.buyer_introduced())
    yield ask("a buyer introduced twice", _refused("buyer_already_known", "buyer"), "introduce-buyer", make.buyer_introduced())
    yield ask("an order of no product", _refused(UNKNOWN, "product"), "place-order", order, product="x-never")
    yield ask("an order from no village", _refused(UNKNOWN, "village"), "place-order", order, quotas=[{"village": "v-never", "units": 1}])
    yield ask("an order of no units", malformed("out_of_range", "units"), "place-order", order, units=0)
    yield ask("quotas beyond the order", _refused("quotas_exceed_order", "quotas"), "place-order", order, quotas=[{"village": "tosor", "units": 501}])
    yield ask("a village with two quotas", _refused("quotas_exceed_order", "quotas"), "place-order", order, quotas=[{"village": "tosor", "units": 1}] * 2)
    yield ask("an order on a sample nobody knows", _refused(UNKNOWN, "lot"), "place-order", order, sample="l-never")
    yield ask("an order in a shop's channel", malformed("unknown_word", "channel"), "place-order", order, channel="retail")
    yield ask("an order", Kept(), "place-order", order)
    yield ask("an order placed twice", _refused("order_already_placed", "order"), "place-order", order)
    yield ask("an answer to nobody", _refused("nobody_asked", "consultation", 404), "answer-consultation", make.consultation_answered(consultation="c-never"))


def _around() -> Iterator[Case]:
    """Lists of commands, and who says them."""
    path = "network/register-supplier"
    good = [{"id": id_of(f"supplier {n}"), "occurred_at": NOW} | fields_of(make.supplier_registered(supplier=f"sup-{n}")) for n in (1, 2)]
    bad = good[0] | {"id": id_of("supplier bad"), "supplier": "SUP 3"}
    again = good[1] | {"id": id_of("supplier again")}
    listed = (good[0], bad, 42, None, good[1], again)
    wrong = Refused(422, "malformed")
    yield Case("commands of every kind at once", Each((Kept(), wrong, wrong, wrong, Kept(), Refused(409, "already_known"))),
               orjson.dumps(listed), f"/api/v1/{path}", sent=tuple(map(orjson.dumps, listed)))  # fmt: skip
    one = make.supplier_registered(supplier="sup-around")
    yield command("a command in nobody's name", malformed("wrong_actor", "actor"), path, one, actor="Somebody Else")
    yield command("a command with a time of recording", Refused(403, "clock_is_real", "recorded_at"), path, one, recorded_at=NOW)
    yield command("a command with a type beside it", malformed("unknown_field", "type"), path, one, type="network.supplier_registered.v1")
    yield command("a command with data beside it", malformed("unknown_field", "data"), path, one, data={})
    yield command("a command without its names", malformed("missing_field", "names"), path, one, names=LEFT_OUT)
    yield Case("a command that nobody knows", Refused(404, "not_found"), b"{}", "/api/v1/network/burn-down")
    yield Case("a context that nobody knows", Refused(404, "not_found"), b"{}", "/api/v1/weather/make-rain")
    for verb in ("map", "resubmit", "dismiss"):
        changes = {"changes": [{"at": "data.x", "to": 1}]} if verb == "map" else {}
        outcome = _refused("not_in_quarantine", "quarantine", 404)
        yield command(f"{verb} what is not in quarantine", outcome, f"quarantine/{verb}", quarantine="q-never", reason="mistake", **changes)
    yield command("a change to nothing", malformed("missing_field", "changes"), "quarantine/map", quarantine="q", reason="x")
    yield command("no change", malformed("wrong_length", "changes"), "quarantine/map", quarantine="q", reason="x", changes=[])
    yield command("a change of two kinds", malformed("wrong_change", "changes.0"), "quarantine/map", quarantine="q", reason="x", changes=[{"at": "a", "wherever": "b"}])
    yield question("a message that is not there", _refused("not_in_quarantine", "quarantine", 404), "quarantine/q-never")
    yield Case("a trial of a message that is not there", _refused("not_in_quarantine", "quarantine", 404), b'{"quarantine":"q-never"}', "/api/v1/quarantine/try")
    yield Case("a trial of nothing", malformed("missing_field", "quarantine"), b"{}", "/api/v1/quarantine/try")
    yield Case("a trial of a list", malformed("wrong_type", "data"), b"[]", "/api/v1/quarantine/try")


CASES: Final = (*_of_every_command(), *_network(), *_committee(), *_settlement(), *_center(), *_around())
