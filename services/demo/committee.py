"""What the brand committees decide: assessments, certificates, two suspensions and one recall."""

from datetime import date, timedelta
from typing import Any

from services.demo.calendar import at
from services.demo.catalogue import Product
from services.demo.journal import Journal
from services.demo.people import MEMBERS
from services.demo.places import VILLAGE

type Data = dict[str, Any]

_CRITERIA = ("local_raw_material", "quality", "uniqueness", "packaging", "supply")
_VALID_DAYS = 730
RECALL = "recall-2015-1"


class Committee:
    """Asks for the decisions of the committees."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.certificates: dict[str, str] = {}  #: by product
        self.makers: dict[str, str] = {}
        self._number = 0

    def _ask(self, verb: str, day: date, hour: float, fields: Data, actor: str = MEMBERS[0]) -> None:
        self.journal.command(f"committee/{verb}", actor, at(day, hour), fields)

    def assess(self, product: Product, maker: str, day: date, *, first_time: bool) -> None:
        """Submit, taste, score and decide within ten days; one in fourteen must come again after a month."""
        self.makers[product.id] = maker
        fails = first_time and self.journal.chance(0.07)
        self._round(
            product, maker, day, "reject" if fails and self.journal.chance(0.5) else "condition" if fails else ""
        )
        if fails:
            self._round(product, maker, day + timedelta(days=33), "")

    def _round(self, product: Product, maker: str, day: date, outcome: str) -> None:
        self._number += 1
        about = {"maker": maker, "product": product.id, "submission": f"submission-{self._number:05d}"}
        region = VILLAGE[product.workshop.takes_from[0]].region
        self._ask("submit-product", day, 9, {**about, "region": region}, maker)
        self._ask("receive-sample", day + timedelta(days=2), 10, {**about, "units": 2})
        for member in MEMBERS[:2]:
            low, high = (8, 13) if outcome else (14, 20)
            scores = {name: self.journal.rng.randint(low, high) for name in _CRITERIA}
            fields = {**about, "member": member, "scores": scores}
            self._ask("score-assessment", day + timedelta(days=6), 11, fields, member)
        decided = day + timedelta(days=8)
        if outcome:
            self._ask("advise-improvement", decided, 11, {**about, "criterion": "packaging"})
        if outcome == "reject":
            self._ask("reject-product", decided, 12, about)
        elif outcome == "condition":
            fulfil = (decided + timedelta(days=60)).isoformat()
            self._ask("accept-conditionally", decided, 13, {**about, "conditions": ["label"], "fulfil_by": fulfil})
        else:
            certificate = f"certificate-{self._number:05d}"
            self.certificates[product.id] = certificate
            until = (decided + timedelta(days=_VALID_DAYS)).isoformat()
            dates = {"certificate": certificate, "valid_from": decided.isoformat(), "valid_until": until}
            self._ask("certify-product", decided, 14, about | dates)

    def suspend(self, product: Product, day: date, reinstated: date | None) -> None:
        about = {
            "maker": self.makers[product.id], "product": product.id, "certificate": self.certificates[product.id],
        }  # fmt: skip
        fields = {**about, "reason": "label_wrong", "effective_from": day.isoformat()}
        self._ask("suspend-certificate", day, 12, fields)
        if reinstated is not None:
            fields = {**about, "effective_from": reinstated.isoformat()}
            self._ask("reinstate-certificate", reinstated, 12, fields)

    def start_recall(self, material_lot: str, day: date) -> None:
        roots = [{"kind": "material", "id": material_lot}]
        self._ask(
            "start-recall", day, 9,
            {"recall": RECALL, "roots": roots, "severity": "risk", "reason": "foreign_matter", "members": MEMBERS[:2]},
        )  # fmt: skip

    def tick_off(self, outlet: str, batch: str, units: int, day: date, actor: str) -> None:
        fields = {"recall": RECALL, "outlet": outlet, "batch": batch, "units_set_aside": units}
        self._ask("tick-off-recall", day, 17, fields, actor)

    def close_recall(self, day: date) -> None:
        self._ask("close-recall", day, 12, {"recall": RECALL, "members": MEMBERS[:2], "outcome": "destroyed"})
