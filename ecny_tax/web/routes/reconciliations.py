"""``/v1/reconciliations``: treasury, operator and ledger compared (对账)."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path as FilePath
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response
from pydantic import Field

from ecny_tax.clock import parse_date
from ecny_tax.errors import InvalidInputError, RejectedError
from ecny_tax.reconciliation.model import Reconciliation
from ecny_tax.web.calls import AnyCall, Call, MoneyCall, operation
from ecny_tax.web.rights import Role
from ecny_tax.web.schemas import Body

router = APIRouter(prefix="/reconciliations", tags=["reconciliations"])

#: Characters of an uploaded file; the limit of a whole body is 4 MB.
_MAX_FILE = 4 * 1024 * 1024
_FILE = (
    "entrust_date,authority,trace_no,bill_no,operator,wallet_id,amount,status\n"
    "2023-04-20,14407840000,T23042000000000000001,B23042000000000000001,ICBC,0021234567890124,17000.00,succeeded\n"
)

_SIDES = (Role.OPERATOR, Role.TREASURY)
Day = Annotated[
    str,
    Path(
        pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
        json_schema_extra={"format": "date"},
        description="The entrust date (委托日期).",
        examples=["2023-04-20"],
    ),
]
Treasury = Annotated[
    str | None, Query(max_length=20, description="Of one treasury, ten digits.", examples=["1907840000"])
]
Operator = Annotated[str | None, Query(max_length=20, description="Of one operator.", examples=["ICBC"])]


class WhoseBooks(Body):
    """Of one treasury, of one operator, or of all."""

    treasury: str | None = Field(None, max_length=20, examples=["1907840000"])
    operator: str | None = Field(None, max_length=20, examples=["ICBC"])


class UploadedFiles(Body):
    """What treasury and operator wrote of a day, as CSV; a side that is left out is this sandbox's ledger."""

    treasury_file: str | None = Field(
        None, max_length=_MAX_FILE, description="The text of the treasury's file (国库对账文件)."
    )
    operator_file: str | None = Field(
        None,
        max_length=_MAX_FILE,
        description="The text of the operator's file (运营机构对账文件).",
        examples=[_FILE],
    )
    treasury: str | None = Field(None, max_length=20, examples=["1907840000"])
    operator: str | None = Field(None, max_length=20, examples=["ICBC"])


@operation(router, "GET", "/{day}", Role.AUDITOR, *_SIDES, answer=Reconciliation)
def compare(call: AnyCall, day: Day, treasury: Treasury = None, operator: Operator = None) -> Reconciliation:
    """Compare what treasury, operator and ledger have of a day, and propose a mend for each difference.

    A treasury or an operator compares its own books only.
    """
    treasury, operator = _own(call, treasury, operator)
    return call.sandbox.reconciliation.reconcile(
        entrust_date=parse_date(day), treasury=treasury, operator=operator
    )


@operation(router, "POST", "/{day}/mends", *_SIDES, answer=Reconciliation)
def mend(call: MoneyCall, day: Day, asked: WhoseBooks) -> Reconciliation:
    """Do the proposed mends (调账), and compare again.

    What cannot be done today is left, with the code of its refusal.
    """
    treasury, operator = _own(call, asked.treasury, asked.operator)
    on, reconciliation = parse_date(day), call.sandbox.reconciliation
    return call.once(
        lambda key: reconciliation.mend(
            entrust_date=on, treasury=treasury, operator=operator, idempotency_key=key
        )
    )


@operation(router, "POST", "/{day}/comparisons", Role.AUDITOR, *_SIDES, answer=Reconciliation)
def compare_files(call: AnyCall, day: Day, sent: UploadedFiles) -> Reconciliation:
    """Compare the file of a treasury with that of an operator, or either with this sandbox's ledger.

    Nothing is mended: what differs comes with the mend that is proposed.  The form of a file is that which
    `lines.csv` answers.  A treasury or an operator compares its own books, and sends both files, since the
    ledger is not its own: what it may see there, `lines.csv` writes for it.
    """
    treasury, operator = _own(call, sent.treasury, sent.operator)
    if not call.is_everybodys and None in (sent.treasury_file, sent.operator_file):
        raise RejectedError("reconciliation_file_needed")
    with _as_file(sent.treasury_file, "treasury") as one, _as_file(sent.operator_file, "operator") as other:
        return call.sandbox.reconciliation.reconcile_files(
            entrust_date=parse_date(day),
            treasury_file=one,
            operator_file=other,
            treasury=treasury,
            operator=operator,
        )


@contextmanager
def _as_file(text: str | None, side: str) -> Iterator[FilePath | None]:
    """What was sent, as the file that the library reads."""
    if text is None:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="ecny-tax-") as folder:
        path = FilePath(folder) / f"{side}_file"
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        try:
            yield path
        except InvalidInputError as error:
            if error.values.get("path") == path:  # where it lay here is nobody's business
                error.values["path"] = path.name
            raise


@operation(router, "GET", "/{day}/lines.csv", Role.AUDITOR, *_SIDES, answer=str, media_type="text/csv")
def export(
    call: AnyCall,
    day: Day,
    side: Annotated[Literal["treasury", "operator", "ledger"], Query(description="Whose records.")],
    treasury: Treasury = None,
    operator: Operator = None,
) -> Response:
    """Write what one side has of a day, as CSV."""
    treasury, operator = _own(call, treasury, operator)
    lines = call.sandbox.reconciliation.export(
        entrust_date=parse_date(day), side=side, treasury=treasury, operator=operator
    )
    return Response("".join(lines), media_type="text/csv")


def _own(call: Call, treasury: str | None, operator: str | None) -> tuple[str | None, str | None]:
    """Whose books: a treasury's or an operator's own, whatever else it asks for."""
    if call.party.role is Role.TREASURY:
        return _only(call, treasury), operator
    if call.party.role is Role.OPERATOR:
        return treasury, _only(call, None if operator is None else operator.strip().upper())
    return treasury, operator


def _only(call: Call, code: str | None) -> str:
    if code not in (None, call.party.code):
        raise RejectedError("not_permitted", party=call.party.role)
    return call.party.code
