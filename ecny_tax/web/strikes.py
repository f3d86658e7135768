"""Failures of this edge that were ordered: which one strikes a request, and how its answer then leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from string import Formatter

from fastapi.responses import Response
from pydantic import BaseModel
from starlette.types import Receive, Scope, Send

from ecny_tax import errors
from ecny_tax.errors import EcnyTaxError, catalogue
from ecny_tax.store import Store
from ecny_tax.web import failure_rows
from ecny_tax.web.failure_rows import RequestFailureKind, Strike
from ecny_tax.web.problems import status_of_code
from ecny_tax.web.rights import Party

#: What stands in the sentences of an ordered refusal where the request names no such value.
UNNAMED = "…"
#: Where the server that serves us puts the way to the caller, see ``server``.
TRANSPORT = "transport"


def strike(
    store: Store,
    party: Party,
    operation: str,
    statuses: frozenset[int],
    values: Mapping[str, object],
    *,
    was_answered: Callable[[], bool],
    sees: Callable[[str], bool],
) -> Strike | None:
    """The oldest ordered failure that this request matches, counted as struck; most often there is none.

    What was answered before is done: no refusal strikes it, which would say that it is not.
    """
    with store.reading() as tx:
        waiting = failure_rows.waiting(tx, operation, str(party))
    if not waiting:
        return None
    named = {value for _name, value in _texts(values)}
    for found in waiting:
        if found.wallet_id is not None and (found.wallet_id not in named or not sees(found.wallet_id)):
            continue  # whoever does not see the wallet must not learn that it is there
        if found.code is not None and (status_of_code(found.code) not in statuses or was_answered()):
            continue
        with store.untimed() as tx:
            if failure_rows.count_strike(tx, found.failure_no):
                return found
    return None


def refusal_of(code: str, values: Mapping[str, object]) -> EcnyTaxError:
    """The refusal of a code of the catalogue, with what the request says of its values."""
    said = catalogue()[code]
    kind: type[EcnyTaxError] = getattr(errors, said["class"])
    given: dict[str, str] = {}
    for name, text in _texts(values):
        given.setdefault(name, text)  # the address comes before the body
    names = {
        name
        for sentence in ("en", "zh", "hint_en", "hint_zh")
        for _text, name, _format, _conversion in Formatter().parse(said[sentence])
        if name
    }
    return kind(code, **{name: given.get(name, UNNAMED) for name in sorted(names)})


def struck(found: Strike, answer: Response) -> Response:
    """The answer as it leaves after the failure struck: late, or not at all."""
    return Lost() if found.kind is RequestFailureKind.ANSWER_LOST else Late(answer, found.seconds or 0)


def _texts(values: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """What the parameters and the body of a request say in so many words, by name."""
    for name, value in values.items():
        if isinstance(value, str):
            yield name, value
        elif isinstance(value, BaseModel):
            yield from _texts(dict(value))
        elif isinstance(value, list | tuple):
            for one in value:
                yield from _texts({name: one})


class Late(Response):
    """An answer that leaves some time after the operation was carried out."""

    def __init__(self, answer: Response, seconds: int) -> None:
        super().__init__(status_code=answer.status_code)
        self._answer = answer
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(self._seconds)
        await self._answer(scope, receive, send)


class Lost(Response):
    """No answer at all: the connection closes after the operation was carried out."""

    async def __call__(self, scope: Scope, receive: Receive, _send: Send) -> None:
        transport = scope.get("state", {}).get(TRANSPORT)
        if transport is None:
            raise ConnectionAbortedError("this server cannot close a connection without an answer")
        transport.close()
        while (await receive())["type"] != "http.disconnect":
            pass
