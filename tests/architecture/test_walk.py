"""A newcomer who searches for a sale's name sees every party to it, and no crowd."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
PARTIES_MAX = 7


def test_a_search_for_the_sale_finds_at_most_seven_parties() -> None:
    parties = sorted(
        str(module.relative_to(ROOT))
        for package in ("events", "projections", "services")
        for module in (ROOT / package).rglob("*.py")
        if "SaleMade" in module.read_text()
    )

    assert len(parties) <= PARTIES_MAX, parties
    for room in ("events/catalogue/outlets.py", "services/outlets/decider.py", "projections/income.py"):
        assert room in parties
