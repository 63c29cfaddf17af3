"""Templates to pages: one Jinja environment per language, escaping always on."""

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from services.web import todo_words
from services.web.drawing import bar
from services.web.language import LANGUAGES, Language

_HERE = Path(__file__).parent
TEMPLATES = _HERE / "templates"
STATIC = _HERE / "static"


@cache
def static_version() -> str:
    """A short hash over all static files: part of their addresses, so that they may be kept for a year."""
    digest = hashlib.sha256()
    for path in sorted(STATIC.iterdir()):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


@cache
def _environment(code: str) -> Environment:
    language = LANGUAGES[code]
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    environment.policies["ext.i18n.trimmed"] = True
    environment.install_gettext_callables(language.gettext, language.ngettext, newstyle=True)  # type: ignore[attr-defined]
    environment.globals.update(
        language=language,
        languages=LANGUAGES,
        bar=bar,
        static_version=static_version(),
        todo_words=todo_words,
        menu=None,  # a page that says nothing of its reader has none
    )
    return environment


def render(template: str, language: Language, **values: Any) -> bytes:
    """A page in one language as UTF-8 bytes."""
    return _environment(language.code).get_template(template).render(**values).encode()
