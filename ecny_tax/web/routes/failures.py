"""``/v1/failures``: what is to go wrong, to order."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter
from fastapi import Body as OfBody
from pydantic import ConfigDict, Field

from ecny_tax.errors import (
    InvalidInputError,
    NotFoundError,
    RejectedError,
    catalogue,
)
from ecny_tax.payments.debit_model import MAX_TIMES
from ecny_tax.web import failure_rows
from ecny_tax.web.calls import AnyCall, Call, Cursor, Limit, Number, operation, page
from ecny_tax.web.failure_rows import Failure, RequestFailureKind
from ecny_tax.web.problems import status_of_code
from ecny_tax.web.rights import Role, named_party
from ecny_tax.web.schemas import Body, page_model

router = APIRouter(prefix="/failures", tags=["failures"])

#: The latest that an answer comes, in seconds, and how many failures wait at a time.
MAX_SECONDS = 30
MAX_WAITING = 1000

_Times = Annotated[int, Field(ge=1, le=MAX_TIMES, description="How many it strikes.")]
_Wallet = Annotated[
    str | None,
    Field(max_length=32, description="Of one wallet; default: any.", examples=["0021234567890124"]),
]
_Operator = Annotated[
    str | None, Field(max_length=20, description="Of one operator; default: any.", examples=["ICBC"])
]


class OfDebits(Body):
    """The next debits go wrong between treasury and operator; reconciliation finds and mends it."""

    strikes: Literal["debit"]
    kind: Literal[
        "answer_lost", "answer_late", "delivered_twice", "operator_outage", "operator_rollback", "both_failed"
    ]
    operator: _Operator = None
    wallet_id: _Wallet = None
    times: _Times = 1


class OfRefunds(Body):
    """The wallet is emptied and closed between review and credit, so that the treasury's credit fails.

    One that cannot be closed is left alone, and the order waits for another refund.
    """

    strikes: Literal["refund"]
    kind: Literal["wallet_closes"]
    operator: _Operator = None
    wallet_id: _Wallet = None
    times: _Times = 1


class OfRequests(Body):
    """The next requests that match go wrong on their way to the caller.

    `answer_late`: done, and answered after `seconds`.  `answer_lost`: done, and the connection closes without
    an answer.  `refusal`: nothing is done, and `code` is answered.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "strikes": "request",
                "kind": "refusal",
                "operation": "payments_pay",
                "code": "insufficient_funds",
            }
        }
    )

    strikes: Literal["request"]
    kind: Literal["answer_late", "answer_lost", "refusal"]
    operation: str | None = Field(
        None, max_length=64, description="Its operationId; default: any.", examples=["payments_pay"]
    )
    party: str | None = Field(
        None,
        max_length=60,
        description="Who asks, as for an API key; default: anybody.",
        examples=["operator:ICBC"],
    )
    wallet_id: str | None = Field(
        None, max_length=32, description="A wallet that its address or body names; default: any."
    )
    seconds: int | None = Field(None, ge=1, le=MAX_SECONDS, description="Of `answer_late`: how late.")
    code: str | None = Field(
        None, max_length=64, description="Of `refusal`: see `/v1/errors`.", examples=["insufficient_funds"]
    )
    times: _Times = 1


_Order = Annotated[OfDebits | OfRefunds | OfRequests, OfBody(discriminator="strikes")]


@operation(router, "POST", "", Role.OPERATOR, answer=Failure, status=201, may_fail=False)
def order(call: AnyCall, asked: _Order) -> Failure:
    """Order a failure.

    An operator orders those of its own wallets: of one, or of debits and refunds at itself.
    """
    with call.sandbox.store.reading() as tx:
        if failure_rows.count_waiting(tx) >= MAX_WAITING:
            raise RejectedError("too_many_failures", limit=MAX_WAITING)
    if asked.wallet_id is not None:
        call.check_sees("wallet", asked.wallet_id)
    if isinstance(asked, OfRequests):
        return _order_of_requests(call, asked)
    operator = asked.operator
    if call.party.role is Role.OPERATOR:
        if operator not in (None, call.party.code):
            raise RejectedError("not_permitted", party=call.party.role)
        operator = call.party.code
    made = call.sandbox.reconciliation.order_failure(
        kind=asked.kind, operator=operator, wallet_id=asked.wallet_id, count=asked.times
    )
    return _load(call, made.failure_no)


@operation(
    router,
    "GET",
    "",
    Role.AUDITOR,
    Role.OPERATOR,
    answer=page_model("failures", Failure),
    may_fail=False,
)
def list_(call: AnyCall, limit: Limit = 50, cursor: Cursor = None) -> dict[str, object]:
    """List the failures that were ordered, oldest first."""
    return page(call, "failure", "failures", limit, cursor, lambda no: _load(call, no))


@operation(router, "GET", "/{failure_no}", Role.AUDITOR, Role.OPERATOR, answer=Failure, may_fail=False)
def show(call: AnyCall, failure_no: Number) -> Failure:
    """Show a failure, and how often it is still to strike."""
    call.check_sees("failure", failure_no)
    return _load(call, failure_no)


@operation(router, "POST", "/{failure_no}/cancel", Role.OPERATOR, answer=Failure, may_fail=False)
def cancel(call: AnyCall, failure_no: Number) -> Failure:
    """Take back what still waits."""
    call.check_sees("failure", failure_no)
    with call.sandbox.store.transaction() as tx:
        if not failure_rows.cancel(tx, failure_no):
            found = failure_rows.failure(tx, failure_no)
            raise RejectedError(
                "failure_is_over", failure_no=failure_no, state=found.status if found else "unknown"
            )
    return _load(call, failure_no)


def _order_of_requests(call: Call, asked: OfRequests) -> Failure:
    kind = RequestFailureKind(asked.kind)
    _check_parts(call, asked, kind)
    with call.sandbox.store.untimed() as tx:
        party = None if asked.party is None else str(named_party(tx, call.sandbox.keyring, asked.party))
        if call.party.role is Role.OPERATOR and (
            asked.wallet_id is None or party not in (None, str(call.party))
        ):
            raise RejectedError("not_permitted", party=call.party.role)
    with call.sandbox.store.transaction() as tx:
        number = tx.ids.number("F", tx.now)
        failure_rows.insert(
            tx,
            number,
            kind=kind,
            operation=asked.operation,
            party=party,
            wallet_id=asked.wallet_id,
            seconds=asked.seconds,
            code=asked.code,
            times=asked.times,
        )
    return _load(call, number)


def _check_parts(call: Call, asked: OfRequests, kind: RequestFailureKind) -> None:
    """Each kind has its own part, and no other's; a refusal is one that the operation documents."""
    for name, value, owner in (
        ("seconds", asked.seconds, RequestFailureKind.ANSWER_LATE),
        ("code", asked.code, RequestFailureKind.REFUSAL),
    ):
        if (value is not None) is not (kind is owner):
            reason = f"{owner} needs it" if kind is owner else f"it belongs to {owner}, and to nothing else"
            raise InvalidInputError("request_malformed", where=f"body.{name}", reason=reason)
    documented = call.hub.operations
    if asked.operation is not None and asked.operation not in documented:
        raise InvalidInputError("failure_operation_unknown", value=asked.operation)
    if asked.code is None:
        return
    anywhere = frozenset().union(*documented.values())
    if asked.code not in catalogue() or status_of_code(asked.code) not in anywhere:
        raise InvalidInputError("failure_code_unknown", value=asked.code)
    if asked.operation is not None and status_of_code(asked.code) not in documented[asked.operation]:
        raise InvalidInputError(
            "failure_status_undocumented",
            operation=asked.operation,
            status=status_of_code(asked.code),
            value=asked.code,
        )


def _load(call: Call, failure_no: str) -> Failure:
    with call.sandbox.store.reading() as tx:
        found = failure_rows.failure(tx, failure_no)
    if found is None:
        raise NotFoundError("failure_not_found", failure_no=failure_no)
    return found
