"""What to do about each kind of thing that waits, and the names of those who do it, in the reader's language."""

from services.web.language import Language


def what_to_do(language: Language, kind: str) -> str:
    """One sentence: what was found, and what to do about it."""
    return {
        "quarantine_open": language.gettext(
            "Reports could not be understood: map them, or dismiss them with a reason."
        ),
        "recalled_on_hand": language.gettext("Recalled goods are on hand: take them off the shelf and tick them off."),
        "recalled_batch": language.gettext("Recalled goods were sold: put up the notice and tell the committee."),
        "suspended_certificate": language.gettext("Goods with a suspended certificate were sold: stop selling them."),
        "oversold": language.gettext("More was sold than was on hand: count this batch."),
        "oversold_batch": language.gettext(
            "More was sold of a batch than was ever packed: check its labels and receipts."
        ),
        "unknown_batch": language.gettext(
            "A batch was sold that nobody packed: correct the receipt, or report the packing."
        ),
        "no_batch": language.gettext("Units were sold without a batch: name it, or their makers are not paid."),
        "counter_gap": language.gettext(
            "Receipts of a till are missing: bring the till on line until it has sent them all."
        ),
        "counter_repeated": language.gettext(
            "A till used a number twice: look whether the device was copied or set back."
        ),
        "chain_broken": language.gettext(
            "A till’s reports do not follow on each other: compare what lies on the device with what was recorded."
        ),
        "clock_ahead": language.gettext("A device’s clock runs ahead: set it right."),
        "late": language.gettext("Reports came late: look at the connection of those who sent them."),
        "sale_repeated": language.gettext(
            "A receipt came twice under different ids: check it, and void one if need be."
        ),
        "voided_twice": language.gettext("A receipt was voided twice: check the drawer."),
        "return_repeated": language.gettext("A return came twice: check the drawer."),
        "closed_shift": language.gettext("A sale came in a shift that was closed: check the drawer of that day."),
        "shift_repeated": language.gettext("A shift was opened or closed twice: check the drawer of that day."),
        "price_differs": language.gettext("A sale was at another price than the list’s: check the price tags."),
        "sum_differs": language.gettext("A receipt’s tenders and lines do not add up: check the drawer."),
        "written_off_alone": language.gettext("Much was written off by one person: let a second one confirm it."),
        "best_before_near": language.gettext("Goods will soon be past their best: sell them first, or move them."),
        "best_before_passed": language.gettext(
            "Goods are past their best: take them off the shelf and write them off."
        ),
        "shipment_overdue": language.gettext("A consignment is long under way: count it in, or report it lost."),
        "overconsumed": language.gettext("More was used of a lot than was made: correct the lot or the step."),
        "unknown_lot": language.gettext("A lot was used that nobody reported: report its collection."),
        "lot_repeated": language.gettext("A lot was reported twice: correct one of the two."),
        "made_twice": language.gettext("A lot was made by two steps: correct one of them."),
        "correction_of_another_lot": language.gettext(
            "A correction names another lot than it corrects: report it anew."
        ),
        "lineage_cycle": language.gettext("A lot is said to be made of itself: correct the inputs."),
        "certificate_expires": language.gettext(
            "A certificate ends soon: invite the maker to submit the product again."
        ),
        "certificate_expired": language.gettext(
            "A certificate has ended and goods are still on sale: assess again, or stop them."
        ),
        "no_terms": language.gettext("A sale had no share terms in force: agree terms for its channel."),
        "delivery_repeated": language.gettext("A delivery came twice: check the order."),
        "period_open": language.gettext("A month is over and not closed: close it, so that makers can be paid."),
        "payout_disputed": language.gettext(
            "A producer says that a payout or a statement is wrong: look into it, and answer."
        ),
    }.get(kind, language.gettext("Something looks wrong: look at the events it names."))


def role(language: Language, name: str) -> str:
    return {
        "cashier": language.gettext("Cashier"),
        "outlet_lead": language.gettext("Head of an outlet"),
        "workshop_lead": language.gettext("Head of a workshop"),
        "producer": language.gettext("Producer"),
        "committee_member": language.gettext("Committee member"),
        "center": language.gettext("OVOP center"),
        "settlement_clerk": language.gettext("Settlement clerk"),
        "ministry": language.gettext("Ministry"),
        "auditor": language.gettext("Auditor"),
        "administrator": language.gettext("Administrator"),
    }.get(name, name)
