"""What every operation of the HTTP sandbox shares: who asks, of which sandbox, and how the answer leaves.

A route is a plain function of a :class:`Call` and its parameters that returns a record of the library;
:func:`operation` documents it, opens it to the parties named, and turns what it returns into JSON.
"""

from __future__ import annotations

import base64
import binascii
import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Header, Path, Query, Request, params
from fastapi.responses import JSONResponse, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from ecny_tax.documents import document, plain
from ecny_tax.errors import EcnyTaxError, InvalidInputError, Language, NotFoundError
from ecny_tax.sandbox import Sandbox
from ecny_tax.store.idempotency import MAX_KEY
from ecny_tax.web import idempotency, strikes, visibility
from ecny_tax.web.failure_rows import Strike
from ecny_tax.web.hub import Hub
from ecny_tax.web.keys import check_role
from ecny_tax.web.limits import beside
from ecny_tax.web.problems import PROBLEM_CONTENT, language_of, problem
from ecny_tax.web.rights import Party, Role
from ecny_tax.web.schemas import form_of

_T = TypeVar("_T")
_bearer = HTTPBearer(auto_error=False, description="An API key: `ecny-tax api-key create --party …`.")

#: The number of a record in an address.
Number = Annotated[str, Path(min_length=1, max_length=64, pattern="^[0-9A-Za-z._~-]+$")]


@dataclass(slots=True)
class Call:
    """One request: the sandbox, the party that asks, with which API key, in which language, and, where money
    moves, under which idempotency key."""

    hub: Hub
    party: Party
    key_id: str
    query: frozenset[str]
    language: Language = "en"
    key: str | None = None
    request: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def sandbox(self) -> Sandbox:
        return self.hub.sandbox

    @property
    def is_everybodys(self) -> bool:
        """Whether the party is nobody's in particular: admin or auditor."""
        return self.party.role in (Role.ADMIN, Role.AUDITOR)

    def sees(self, resource: str, number: str) -> bool:
        """Whether there is such a record, and the party sees it."""
        with self.sandbox.store.reading() as tx:
            return visibility.sees(tx, self.party, resource, number)

    def check_sees(self, resource: str, number: str) -> None:
        """Raises ``NotFoundError`` (``…_not_found``) for a record that is not there, or not the party's."""
        if not self.sees(resource, number):
            raise self.not_found(resource, number)

    def check_exists(self, resource: str, number: str) -> None:
        """Raises ``NotFoundError`` (``…_not_found``) for a record that is not there, whoever asks."""
        replace(self, party=Party(Role.ADMIN)).check_sees(resource, number)

    @staticmethod
    def not_found(resource: str, number: str) -> NotFoundError:
        """The refusal of a record that is not there, or not the party's."""
        return _NOT_FOUND[resource](number)

    @property
    def was_answered(self) -> bool:
        """Whether this request moved money before, under the same key."""
        return self.key is not None and idempotency.was_answered(
            self.sandbox.store, self.party, self.key, self.request
        )

    def once(self, act: Callable[[str], _T]) -> _T:
        """Move money once under the caller's key; ``act`` is given the key for the library."""
        assert self.key is not None  # noqa: S101 - ``MoneyCall`` has seen to it
        running = self.hub.keys.running(self.sandbox.store, self.party, self.key, self.request)
        with running as (key, was_answered):
            answer = act(key)
        if was_answered:
            self.headers["Idempotency-Hit"] = "true"
        return answer


#: What is said of a record that is not there, or not the party's.
_NOT_FOUND: dict[str, Callable[[str], NotFoundError]] = {
    "wallet": lambda no: NotFoundError("wallet_not_found", wallet_id=no),
    "agreement": lambda no: NotFoundError("agreement_not_found", agreement_no=no),
    "bill": lambda no: NotFoundError("bill_not_found", bill_no=no),
    "payment": lambda no: NotFoundError("payment_not_found", payment_no=no),
    "refund": lambda no: NotFoundError("refund_not_found", refund_no=no),
    "device": lambda no: NotFoundError("device_not_found", device_id=no),
    "terminal": lambda no: NotFoundError("terminal_not_found", terminal_id=no),
    "voucher": lambda no: NotFoundError("voucher_not_found", voucher_id=no),
    "withholding": lambda no: NotFoundError("withholding_not_found", withholding_no=no),
    "batch": lambda no: NotFoundError("batch_not_found", batch_no=no),
    "receipt": lambda no: NotFoundError("receipt_not_found", receipt_no=no),
    "refund_voucher": lambda no: NotFoundError("refund_not_found", refund_no=no),
    "failure": lambda no: NotFoundError("failure_not_found", failure_no=no),
    "account": lambda no: NotFoundError("account_not_found", account=no),
}


def _call(request: Request, sent: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> Call:
    hub: Hub = request.app.state.hub
    key_id, party = hub.opened_with(sent.credentials if sent else None)
    return Call(hub, party, key_id, frozenset(request.query_params), language_of(request))


async def _money_call(
    request: Request,
    call: Annotated[Call, Depends(_call)],
    key: Annotated[
        str,
        Header(
            alias="Idempotency-Key",
            min_length=1,
            max_length=MAX_KEY,
            pattern="^[ -~]+$",
            description="Yours to choose.  The same key and request: done once, and answered alike "
            "(`Idempotency-Hit: true`); for another request it is refused.",
            examples=["order-2023-0417"],
        ),
    ],
) -> Call:
    call.key = key
    path = request.url.path + ("?" + request.url.query if request.url.query else "")
    body = await request.body()
    call.request = await beside(body, idempotency.digest, request.method, path, body)
    return call


#: Who asks.  ``MoneyCall`` demands an ``Idempotency-Key`` as well.
AnyCall = Annotated[Call, Depends(_call)]
MoneyCall = Annotated[Call, Depends(_money_call)]

Limit = Annotated[int, Query(ge=1, le=visibility.MAX_PAGE, description="Records a page.")]
Cursor = Annotated[str | None, Query(max_length=40, description="`next_cursor` of the page before.")]

#: Narrows a list.
Only = Annotated[str | None, Query(max_length=64, description="Only those with this value.")]


def page(
    call: Call,
    resource: str,
    name: str,
    limit: int,
    cursor: str | None,
    load: Callable[[str], object],
    **only: str | None,
) -> dict[str, object]:
    """One page of the records that the party sees, oldest first; ``only`` those with these values."""
    after = place_of(cursor)
    with call.sandbox.store.reading() as tx:
        found = visibility.page(tx, call.party, resource, after=after, limit=limit + 1, only=only)
    return paged(name, limit, [(place, document(load(number))) for place, number in found[:limit]], found)


def paged(
    name: str, limit: int, shown: Sequence[tuple[int, object]], found: Sequence[object]
) -> dict[str, object]:
    """The document of a page: what is ``shown`` with its places, of what was ``found`` for ``limit + 1``."""
    following = cursor_at(shown[-1][0]) if len(found) > limit else None
    return {name: [record for _, record in shown], "next_cursor": following}


def page_after(
    name: str, limit: int, cursor: str | None, load: Callable[[int, int], Sequence[tuple[int, object]]]
) -> dict[str, object]:
    """One page of what everybody who may ask sees; ``load`` gives the first so many after a place."""
    found = load(place_of(cursor), limit + 1)
    return paged(name, limit, [(place, document(record)) for place, record in found[:limit]], found)


def cursor_at(place: int) -> str:
    """The cursor after the record at a place of a list."""
    return base64.urlsafe_b64encode(str(place).encode()).decode().rstrip("=")


def place_of(cursor: str | None) -> int:
    """The place that a cursor stands for; raises ``InvalidInputError`` (``cursor_malformed``)."""
    if cursor is None:
        return 0
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
        place = int(text)
    except (ValueError, binascii.Error):
        raise InvalidInputError("cursor_malformed", value=cursor) from None
    if not 0 < place < 2**63 or cursor_at(place) != cursor:
        raise InvalidInputError("cursor_malformed", value=cursor)
    return place


def operation(
    router: APIRouter,
    method: str,
    path: str,
    *roles: Role,
    answer: type,
    status: int = 200,
    media_type: str = "application/json",
    also: Mapping[int, str] | None = None,
    alone: bool = False,
    may_fail: bool = True,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a function as an operation that admin and ``roles`` may call.

    ``answer`` is the record that it returns, or a model of the document; ``also`` are statuses beside those
    that every operation has, with what they mean.  One that is ``alone`` runs while no other does; ordered
    failures strike those that ``may_fail``.
    """

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        signature = inspect.signature(function, eval_str=True)
        room = router.prefix.strip("/").replace("/", "_").replace("-", "_") or router.tags[0]
        operation_id = f"{room}_{function.__name__.rstrip('_')}"

        @functools.wraps(function)
        def run(**values: Any) -> Response:
            call: Call = values["call"]
            check_role(call.party, roles)
            if unknown := call.query - queries:
                reason = "there is no such parameter"
                raise InvalidInputError("request_malformed", where=f"query.{min(unknown)}", reason=reason)
            gate = call.hub.gate
            with gate.alone() if alone else gate.shared():
                found = _strike(call, operation_id, values) if may_fail else None
                try:
                    answer = _answer(function(**values), status, call.headers)
                except EcnyTaxError as error:
                    if found is None:
                        raise
                    answer = problem(error, call.language)
            return answer if found is None else strikes.struck(found, answer)

        parameters = [
            one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in signature.parameters.values()
        ]
        queries = frozenset(filter(None, map(_query_name, parameters)))
        run.__signature__ = signature.replace(  # type: ignore[attr-defined]
            parameters=parameters, return_annotation=Response
        )
        run.__annotations__ = {one.name: one.annotation for one in parameters} | {"return": Response}
        del run.__wrapped__
        moves_money = any(one.annotation == MoneyCall for one in parameters)
        writes = method != "GET"
        problems = [400, 401, 403, 404, 408, 429, 503] + ([409, 413, 415, 422] if writes else [])
        parties = ", ".join(role.value.replace("_", "-") for role in (Role.ADMIN, *roles))
        said = inspect.cleandoc(function.__doc__ or "")
        summary, _, description = said.partition("\n\n")
        router.add_api_route(
            path,
            run,
            methods=[method],
            status_code=status,
            response_model=None,
            response_class=JSONResponse if media_type == JSONResponse.media_type else Response,
            operation_id=operation_id,
            summary=" ".join(summary.split()).rstrip("."),
            description="\n\n".join(
                part
                for part in (
                    " ".join(description.split()),
                    f"Open to: {parties}.",
                )
                if part
            ),
            responses=_responses(answer, status, media_type, problems, also or {}, moves_money=moves_money),
            openapi_extra={"x-open-to": parties.split(", "), "x-may-fail": may_fail},
        )
        return function

    return register


def _query_name(parameter: inspect.Parameter) -> str | None:
    """The name of a parameter in the query, where that is its place."""
    found = [
        one for one in getattr(parameter.annotation, "__metadata__", ()) if isinstance(one, params.Query)
    ]
    return (found[0].alias or parameter.name) if found else None


def _strike(call: Call, operation_id: str, values: Mapping[str, object]) -> Strike | None:
    """The ordered failure that strikes this request; one that refuses is raised."""
    statuses = call.hub.operations.get(operation_id, frozenset())
    found = strikes.strike(
        call.sandbox.store,
        call.party,
        operation_id,
        statuses,
        values,
        was_answered=lambda: call.was_answered,
        sees=lambda wallet_id: call.sees("wallet", wallet_id),
    )
    if found is not None and found.code is not None:
        raise strikes.refusal_of(found.code, values)
    return found


def _answer(result: object, status: int, headers: dict[str, str]) -> Response:
    if isinstance(result, Response):
        result.headers.update(headers)
        return result
    content = plain(result) if isinstance(result, Mapping) else document(result)
    return JSONResponse(content, status, headers)


def _responses(
    answer: type,
    status: int,
    media_type: str,
    problems: list[int],
    also: Mapping[int, str],
    *,
    moves_money: bool,
) -> dict[int | str, dict[str, Any]]:
    """What the OpenAPI document says of the answers of an operation."""
    done: dict[str, Any] = {"description": "Done."}
    if answer is bytes or answer is str:
        schema = {"type": "string"} | ({"format": "binary"} if answer is bytes else {})
        done["content"] = {media_type: {"schema": schema}}
    else:
        done["model"] = form_of(answer)
    if moves_money:
        done["headers"] = {
            "Idempotency-Hit": {
                "description": "There, and `true`, where the answer is that of an earlier request.",
                "schema": {"type": "string", "enum": ["true"]},
            }
        }
    refused: dict[int | str, dict[str, Any]] = {
        code: {"description": _REASONS[code], "content": PROBLEM_CONTENT} for code in problems
    }
    more: dict[int | str, dict[str, Any]] = {
        code: {"description": said, "content": PROBLEM_CONTENT} for code, said in also.items()
    }
    return {status: done, **refused, **more}


_REASONS = {
    400: "The request is malformed, or names a code that is not in a closed list.",
    401: "No API key, or one that opens nothing.",
    403: "Not open to this party.",
    404: "No such record, or none that this party sees.",
    408: "The body did not arrive in time.",
    409: "It contradicts an earlier request, or the same key is still running.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    422: "A rule said no, or the key was used for another request.",
    429: "Too many requests are waiting.",
    503: "Unavailable: nothing was done, and a retry is safe, unless `code` says otherwise.",
}
