"""What to do next, as a caller over HTTP is told it, who has no command line.

The hints of the catalogue are for everybody; those that speak of commands have another one in
``hints.toml`` beside this module, which names the operation or the member of the body instead.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from ecny_tax.errors import EcnyTaxError, Language, catalogue


@cache
def own_hints() -> dict[str, dict[str, str]]:
    """The hints of this edge by code, in ``en`` and ``zh``, as written in ``hints.toml``."""
    import tomllib  # imported late: a server that refuses nothing never needs it

    return tomllib.loads(files("ecny_tax.web").joinpath("hints.toml").read_text("utf-8"))


def hint_of_code(code: str, language: Language) -> str:
    """What to do next about a code of the catalogue, with its placeholders."""
    own = own_hints().get(code)
    return catalogue()[code][f"hint_{language}"] if own is None else own[language]


def hint_of(error: EcnyTaxError, language: Language) -> str:
    """What to do next about a refusal."""
    return error.filled(hint_of_code(error.code, language), language)
