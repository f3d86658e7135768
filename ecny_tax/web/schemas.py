"""The JSON forms of what the library answers, for the OpenAPI document; and what request bodies share."""

from __future__ import annotations

import dataclasses
import inspect
import re
import types
from collections.abc import Mapping
from datetime import date, datetime
from enum import Enum
from fractions import Fraction
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    create_model,
)

from ecny_tax.clock import parse_date
from ecny_tax.errors import EcnyTaxError
from ecny_tax.money import Fen, positive_yuan, yuan
from ecny_tax.scenarios import story

_PLAIN = (Enum, date, datetime, str, int, float, type(None))
_DECIMALS = r"^-?[0-9]{1,18}\.[0-9]{2}$"
#: An amount in an answer.
YuanOut = Annotated[str, Field(pattern=_DECIMALS, description="Yuan.", examples=["17000.00"])]


#: What records count in, and their JSON does not.
_FEN = re.compile(r"\bfen\b")
_AMOUNT = re.compile(r"[0-9]{1,16}(\.[0-9]{1,2})?")


def _readable(text: str) -> str:
    """An amount that the library reads; pydantic tells what is wrong with any other."""
    try:
        positive_yuan(text)
    except EcnyTaxError as error:
        raise ValueError(error.message()) from None
    return text


#: An amount in a request: text in yuan, above zero, with at most two decimals.
Yuan = Annotated[
    str,
    Field(
        json_schema_extra={"pattern": r"^[0-9]{1,16}(\.[0-9]{1,2})?$"},  # refused in words by the validator
        max_length=19,
        description="Yuan, as text, above zero, at most two decimals.",
        examples=["17000.00"],
    ),
    AfterValidator(_readable),
]


def _fen(given: object) -> Fen:
    if not isinstance(given, int | str) or (isinstance(given, str) and not _AMOUNT.fullmatch(given)):
        raise ValueError("an amount is text in yuan with at most two decimals, or a whole number")
    try:
        return yuan(given)
    except EcnyTaxError as error:
        raise ValueError(error.message()) from None


#: The same, or zero, or a whole number of yuan, as the files of returns have it; it is read into fen.
YuanOrZero = Annotated[
    Fen,
    BeforeValidator(_fen),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": f"^{_AMOUNT.pattern}$", "maxLength": 19},
                {"type": "integer", "minimum": 0, "maximum": 10**15},
            ],
            "description": "Yuan, as text with at most two decimals, or a whole number.",
            "examples": ["60000.00"],
        }
    ),
]


def _day(given: object) -> date:
    try:
        return parse_date(given if isinstance(given, str) else "")
    except EcnyTaxError as error:
        raise ValueError(error.message()) from None


#: A day, as ``2023-04-20`` and in no other way.
Day = Annotated[date, BeforeValidator(_day), Field(examples=["2023-04-20"])]


class Body(BaseModel):
    """A request body: members that are not documented are refused."""

    model_config = ConfigDict(extra="forbid", strict=True)


#: Where two rooms have a record of one name.
_NAMES: dict[type, str] = {story.Step: "StoryStep"}
#: Made once: the document must not hold two forms of one name.
_models: dict[type, type[BaseModel]] = {}


def answer_model(record: type) -> type[BaseModel]:
    """The JSON form of a frozen record, as ``documents.document`` writes it: every member is always there."""
    if record in _models:
        return _models[record]
    hints = get_type_hints(record)
    fields: dict[str, Any] = {
        field.name: (_json_type(hints[field.name]), ...)
        for field in dataclasses.fields(record)
        if not field.metadata.get("internal")
    }
    said = _FEN.sub("yuan", (inspect.getdoc(record) or "").partition("\n\n")[0])
    strict = ConfigDict(extra="forbid")
    model: type[BaseModel] = create_model(
        _NAMES.get(record, record.__name__), __doc__=said or None, __config__=strict, **fields
    )
    return _models.setdefault(record, model)


def form_of(record: type) -> type[BaseModel]:
    """The JSON form of a record, or of what has one already."""
    return record if issubclass(record, BaseModel) else answer_model(record)


def page_model(name: str, record: type) -> type[BaseModel]:
    """One page of a list: the records under their plural, and where the next page begins."""
    item = form_of(record)
    fields: dict[str, Any] = {
        name: (list[item], ...),  # type: ignore[valid-type]
        "next_cursor": (
            str | None,
            Field(description="Pass it as `cursor` to read on; null on the last page."),
        ),
    }
    return create_model(f"{item.__name__}Page", **fields)


def with_members(name: str, record: type, **members: Any) -> type[BaseModel]:
    """The JSON form of a record with further members, each a type that is always there."""
    fields: dict[str, Any] = {key: (kind, ...) for key, kind in members.items()}
    return create_model(name, __base__=form_of(record), __doc__=form_of(record).__doc__, **fields)


def list_model(name: str, record: type) -> type[BaseModel]:
    """A list that is short enough to come whole."""
    item = form_of(record)
    fields: dict[str, Any] = {name: (list[item], ...)}  # type: ignore[valid-type]
    return create_model(f"{item.__name__}List", **fields)


def _json_type(hint: Any) -> Any:
    """The pydantic type of a field's JSON form."""
    if hint is Fen:
        return YuanOut
    if hint is Fraction:
        return str
    if hint in (object, Any):
        return Any
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return Union[tuple(_json_type(one) for one in inner)]  # noqa: UP007 - made of parts
    if origin is Literal:
        return hint
    if origin is tuple:
        if len(inner) == 2 and inner[1] is ...:
            return list[_json_type(inner[0])]  # type: ignore[misc]
        return list[Any]
    if origin is not None and issubclass(origin, Mapping):
        return dict[str, _json_type(inner[1])]  # type: ignore[misc]
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return answer_model(hint)
    if isinstance(hint, type) and issubclass(hint, _PLAIN):
        return hint
    raise TypeError(f"{hint} has no JSON form")
