"""``/v1/treasuries``: day-end, allocation and reports (国库)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response
from pydantic import Field, create_model

from ecny_tax.clock import parse_date
from ecny_tax.documents import document
from ecny_tax.errors import NotFoundError
from ecny_tax.parties.model import Institution
from ecny_tax.treasury import drawing
from ecny_tax.treasury.model import ASSUMPTION, ASSUMPTION_ZH, Closing, Report, TreasuryDay, TreasuryState
from ecny_tax.web.calls import AnyCall, Call, MoneyCall, operation
from ecny_tax.web.rights import Role
from ecny_tax.web.schemas import Body, form_of, list_model

router = APIRouter(prefix="/treasuries", tags=["treasuries"])

_READERS = (Role.AUDITOR, Role.TREASURY)
_DAY = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
_AS_A_DATE: dict[str, Any] = {"format": "date"}
Code = Annotated[str, Path(min_length=1, max_length=20, pattern="^[0-9A-Za-z]+$", examples=["1907840000"])]
From = Annotated[
    str | None,
    Query(
        alias="from",
        pattern=_DAY,
        json_schema_extra=_AS_A_DATE,
        description="First day (default: the treasury's first).",
    ),
]
To = Annotated[
    str | None,
    Query(pattern=_DAY, json_schema_extra=_AS_A_DATE, description="Last day (default: today)."),
]
By = Annotated[
    Literal["tax", "level", "day", "month"], Query(description="What the lines of the report are about.")
]

_ASSUMED = Field(description="What of it is an assumption of this simulation.")
_ReportForm = create_model("ReportAsAssumed", __base__=form_of(Report), assumption=(str, _ASSUMED))
_ClosingForm = create_model("ClosingAsAssumed", __base__=form_of(Closing), assumption=(str, _ASSUMED))


class AddTreasury(Body):
    """A treasury to be added."""

    code: str = Field(max_length=20, description="Ten digits.", examples=["1907030000"])
    name: str = Field(max_length=200, examples=["国家金库江门市蓬江区支库"])
    name_en: str = Field("", max_length=200, examples=["Pengjiang treasury"])


class DayToClose(Body):
    """The day to close, with every earlier open one."""

    day: str = Field(pattern=_DAY, json_schema_extra=_AS_A_DATE, examples=["2023-04-20"])


@operation(router, "GET", "", *_READERS, answer=list_model("treasuries", TreasuryState))
def list_(call: AnyCall) -> dict[str, object]:
    """List treasuries: the last closed day, what waits or is in doubt, what the budget levels hold."""
    found = call.sandbox.treasury.list()
    is_own = call.party.role is Role.TREASURY
    return {"treasuries": [one for one in found if not is_own or one.treasury == call.party.code]}


@operation(router, "POST", "", answer=Institution, status=201)
def add(call: AnyCall, asked: AddTreasury) -> Institution:
    """Add a treasury, with revenue accounts that open with an assumed balance."""
    return call.sandbox.treasury.add(code=asked.code, name=asked.name, name_en=asked.name_en)


@operation(router, "GET", "/{treasury}/days", *_READERS, answer=list_model("days", TreasuryDay))
def days(call: AnyCall, treasury: Code) -> dict[str, object]:
    """List the closed days of a treasury, oldest first."""
    _check_sees(call, treasury)
    return {"days": call.sandbox.treasury.days(treasury=treasury)}


@operation(router, "POST", "/{treasury}/closings", Role.TREASURY, answer=_ClosingForm, status=201)
def close(call: MoneyCall, treasury: Code, asked: DayToClose) -> dict[str, object]:
    """Close a day (日终报解) and every earlier open one: what came in is allocated to the budget levels.

    Nothing enters a closed day.  To close it again changes nothing.
    """
    _check_sees(call, treasury)
    day, treasuries = parse_date(asked.day), call.sandbox.treasury
    found = call.once(lambda key: treasuries.close(day=day, treasury=treasury, idempotency_key=key))
    return document(found) | {"assumption": _assumption(call)}


@operation(router, "GET", "/{treasury}/report", *_READERS, answer=_ReportForm)
def report(
    call: AnyCall, treasury: Code, from_: From = None, to: To = None, by: By = "day"
) -> dict[str, object]:
    """Report what a treasury collected and refunded; open days are shown apart."""
    return document(_report(call, treasury, from_, to, by)) | {"assumption": _assumption(call)}


@operation(router, "GET", "/{treasury}/report.csv", *_READERS, answer=str, media_type="text/csv")
def report_csv(call: AnyCall, treasury: Code, from_: From = None, to: To = None, by: By = "day") -> Response:
    """Report as CSV; the names of its lines are in the reader's language."""
    found = _report(call, treasury, from_, to, by)
    return Response(drawing.as_csv(found, call.language), media_type="text/csv")


@operation(router, "GET", "/{treasury}/report.svg", *_READERS, answer=str, media_type="image/svg+xml")
def report_svg(call: AnyCall, treasury: Code, from_: From = None, to: To = None, by: By = "day") -> Response:
    """Report as a bar chart (SVG), in the reader's language."""
    found = _report(call, treasury, from_, to, by)
    return Response(drawing.as_svg(found, call.language), media_type="image/svg+xml")


def _report(call: Call, treasury: str, first: str | None, last: str | None, by: str) -> Report:
    _check_sees(call, treasury)
    return call.sandbox.treasury.report(
        treasury=treasury,
        start=None if first is None else parse_date(first),
        end=None if last is None else parse_date(last),
        by=by,
    )


def _check_sees(call: Call, treasury: str) -> None:
    """A treasury sees itself; of another it learns as little as of one that is not there."""
    if call.party.role is Role.TREASURY and treasury != call.party.code:
        raise NotFoundError("treasury_not_found", treasury=treasury)


def _assumption(call: Call) -> str:
    return ASSUMPTION_ZH if call.language == "zh" else ASSUMPTION
