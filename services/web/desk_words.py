"""The words of the quarantine desk in the reader's language: problems, states, reasons."""

from collections.abc import Mapping

from services.web.language import Language


def problem(language: Language, code: str) -> str:
    """What was wrong with a report; a code that nobody has words for stands as it is."""
    return {
        "wrong_type": language.gettext("A value of the wrong kind"),
        "unknown_field": language.gettext("An unknown field"),
        "missing_field": language.gettext("A missing field"),
        "out_of_range": language.gettext("A number out of range"),
        "unknown_word": language.gettext("An unknown word"),
        "wrong_form": language.gettext("A name or code of the wrong form"),
        "wrong_length": language.gettext("Too long or too short"),
        "wrong_time": language.gettext("A time that is none"),
        "wrong_id": language.gettext("An id that is none"),
        "wrong_actor": language.gettext("An actor who is none"),
        "unknown_type": language.gettext("An event that the catalogue does not have"),
        "not_json": language.gettext("Not readable as JSON"),
        "duplicate_key": language.gettext("A field that stands twice"),
        "unreadable": language.gettext("Characters or numbers that cannot be read for certain"),
        "too_deep": language.gettext("Nested too deep"),
        "too_large": language.gettext("Too large"),
        "lineage_cycle": language.gettext("A lot made of itself"),
        "input_named_twice": language.gettext("An input lot that is named twice"),
        "nothing_taken": language.gettext("An input of which nothing was taken"),
        "owner_unknown": language.gettext("Not known yet whose this is"),
        "id_conflict": language.gettext("An id that stands for something else"),
        "unknown_sender": language.gettext("A sender whose key is no longer valid"),
        "nothing_there": language.gettext("The report has no such field"),
        "wrong_change": language.gettext("An incomplete change"),
        "not_taken": language.gettext("A message that could not be taken"),
    }.get(code, code)


def state(language: Language, word: str) -> str:
    return {
        "open": language.gettext("Open"),
        "mapped": language.gettext("Mapped"),
        "resubmitted": language.gettext("Sent again"),
        "dismissed": language.gettext("Dismissed"),
    }.get(word, word)


def mapping_reasons(language: Language) -> Mapping[str, str]:
    """Why something is mapped: the words to choose from."""
    return {
        "renamed_product": language.gettext("a product goes by another code"),
        "renamed_field": language.gettext("a field has another name"),
        "wrong_value": language.gettext("a value was entered wrongly"),
        "old_device": language.gettext("an old device or program"),
    }


def sending_reasons(language: Language) -> Mapping[str, str]:
    return {
        "understood_now": language.gettext("it can be understood by now"),
        "sender_is_known": language.gettext("its sender is known again"),
    }


def dismissal_reasons(language: Language) -> Mapping[str, str]:
    """Why nothing is missing without it."""
    return {
        "test_report": language.gettext("it was a trial"),
        "reported_otherwise": language.gettext("it was reported in another way"),
        "sent_twice": language.gettext("it was sent twice"),
        "not_a_report": language.gettext("it is no report"),
    }


def reason(language: Language, word: str) -> str:
    """A reason as it was given; one that is not among the words to choose from stands as it is."""
    known = {**mapping_reasons(language), **sending_reasons(language), **dismissal_reasons(language)}
    return known.get(word, word)
