"""The words of the catalogue that a page says in the reader's language: reasons, kinds of steps, who stated what.

Each function names its messages literally, so that the extraction finds them; a word that nobody translated yet is
shown as it stands in the log.
"""

from services.web.language import Language
from services.web.views import Stater, StepKind


def step(language: Language, kind: StepKind) -> str:
    return {
        "collected": language.gettext("Gathered and delivered"),
        "made": language.gettext("Made"),
        "tested": language.gettext("Tested"),
        "packed": language.gettext("Packed"),
        "certified": language.gettext("Certified"),
        "shipped": language.gettext("Sent"),
        "arrived": language.gettext("Arrived"),
    }[kind]


def stater(language: Language, kind: Stater) -> str:
    return {
        "producer": language.gettext("the makers"),
        "workshop": language.gettext("the workshop"),
        "committee": language.gettext("the committee"),
        "center": language.gettext("the OVOP center"),
        "outlet": language.gettext("the outlet"),
        "supplier": language.gettext("the supplier"),
        "unknown": language.gettext("not recorded"),
    }[kind]


def unit(language: Language, word: str) -> str:
    """One selling unit of a product without a net mass."""
    return {
        "jar": language.gettext("1 jar"),
        "bottle": language.gettext("1 bottle"),
        "pack": language.gettext("1 pack"),
        "piece": language.gettext("1 piece"),
        "pair": language.gettext("1 pair"),
        "square_metre": language.gettext("1 m²"),
        "kilogram": language.gettext("1 kg"),
    }.get(word, word)


def severity(language: Language, word: str) -> str:
    return {
        "danger": language.gettext("It can be dangerous to health."),
        "risk": language.gettext("It may be a risk to health."),
        "quality": language.gettext("It is not of the quality that was promised."),
    }.get(word, "")


def origin_basis(language: Language, word: str) -> str:
    """How the shares of the villages are weighed."""
    return {
        "mass": language.gettext("Shares by mass of what was gathered; sugar, jars and water carry no origin."),
        "pieces": language.gettext("Shares by number of pieces."),
        "hours": language.gettext("Shares by hours of recorded work."),
    }.get(word, "")
