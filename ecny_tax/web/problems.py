"""How a refusal leaves over HTTP: an RFC 9457 problem, and a status by its class; the table of this edge."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.routing import compile_path

from ecny_tax import errors
from ecny_tax.errors import (
    ConflictError,
    EcnyTaxError,
    InvalidInputError,
    Language,
    NotFoundError,
    RejectedError,
    UnavailableError,
    VerificationError,
    catalogue,
    in_language,
)
from ecny_tax.web.hints import hint_of

MEDIA_TYPE = "application/problem+json"

#: Class → status and title.
EDGE = {
    InvalidInputError: (400, "Invalid input", "输入有误"),
    RejectedError: (422, "Rejected by a rule", "按规则拒绝"),
    NotFoundError: (404, "Not found", "未找到"),
    ConflictError: (409, "Conflict", "冲突"),
    VerificationError: (422, "Does not verify", "核验不通过"),
    UnavailableError: (503, "Unavailable", "暂不可用"),
}
#: Codes with a status of their own.
STATUS = {
    "api_key_missing": 401,
    "api_key_unknown": 401,
    "not_permitted": 403,
    "holder_not_of_key": 403,
    "operator_not_of_key": 403,
    "class_led_by_another": 403,
    "request_from_elsewhere": 403,
    "method_not_allowed": 405,
    "request_too_slow": 408,
    "body_too_large": 413,
    "media_type_unsupported": 415,
    "idempotency_conflict": 422,
    "too_many_waiting": 429,
    "too_many_long_reads": 429,
}
#: Where the class says too little.
TITLES = {401: ("No valid API key", "无有效的 API 密钥"), 403: ("Not permitted", "无权操作")}
#: What asking again does not settle.
_OUTCOME_UNKNOWN = frozenset({"payment_outcome_unknown", "database_outcome_unknown"})
_NOTHING = object()
#: What a problem says itself; values of a refusal do not take these places.
_MEMBERS = ("type", "title", "status", "detail", "code", "hint")


class Problem(BaseModel):
    """A refusal (RFC 9457).  ``code`` is stable, ``detail`` says which value, ``hint`` what to do next.

    The values that were refused come beside them, under their own names.
    """

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "example": {
                "type": "urn:ecny-tax:error:insufficient_funds",
                "title": "Rejected by a rule",
                "status": 422,
                "detail": "the wallet 0021234567890124 holds 100.00 yuan, 17000.00 is needed",
                "code": "insufficient_funds",
                "hint": "top the wallet up: `POST /v1/wallets/0021234567890124/top-ups`",
            }
        },
    )

    type: str = Field(description="`urn:ecny-tax:error:` and the code.")
    title: str
    status: int
    detail: str
    code: str
    hint: str


#: What the document says of the body of a refusal.  By its name: a model given to FastAPI for each status of
#: each operation takes a second to start with.
PROBLEM_CONTENT: dict[str, Any] = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}


def status_of(error: EcnyTaxError) -> int:
    """The HTTP status of a refusal."""
    return STATUS.get(error.code, EDGE[type(error)][0])


def status_of_code(code: str) -> int:
    """The HTTP status of whatever is refused with a code of the catalogue."""
    return STATUS.get(code, EDGE[getattr(errors, catalogue()[code]["class"])][0])


def problem(error: EcnyTaxError, language: Language) -> JSONResponse:
    """The answer that a refusal is."""
    status = status_of(error)
    headers: dict[str, str] = {"Content-Language": language}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if status in (429, 503) and error.code not in _OUTCOME_UNKNOWN:
        headers["Retry-After"] = "1"
    return JSONResponse(problem_document(error, language), status, headers, MEDIA_TYPE)


def problem_document(error: EcnyTaxError, language: Language) -> dict[str, object]:
    """What the problem says; also that of a verdict that is no."""
    _, title_en, title_zh = EDGE[type(error)]
    said: dict[str, object] = {
        "type": f"urn:ecny-tax:error:{error.code}",
        "title": title_zh if language == "zh" else title_en,
        "status": status_of(error),
        "detail": error.message(language),
        "code": error.code,
        "hint": hint_of(error, language),
    }
    said |= {key: in_language(value, language) for key, value in error.values.items() if key not in _MEMBERS}
    return _encodable(said)


def language_of(request: Request) -> Language:
    """The language of the reader: Chinese where ``Accept-Language`` begins so, else English."""
    return "zh" if request.headers.get("accept-language", "").strip().lower().startswith("zh") else "en"


async def on_refusal(request: Request, error: Exception) -> JSONResponse:
    """What the library refused."""
    assert isinstance(error, EcnyTaxError)  # noqa: S101 - registered for these
    return problem(error, language_of(request))


async def on_malformed(request: Request, error: Exception) -> JSONResponse:
    """A request that does not have the documented form: the first of what is wrong with it."""
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for these
    first = error.errors()[0]
    where = _named(first["loc"], error.body)
    if where == ["header", "Idempotency-Key"] and first["type"] == "missing":
        return problem(InvalidInputError("idempotency_key_missing"), language_of(request))
    refusal = InvalidInputError(
        "request_malformed", where=".".join(where), reason=first["msg"].removeprefix("Value error, ")
    )
    return problem(refusal, language_of(request))


def _named(place: Sequence[int | str], body: object) -> list[str]:
    """Where something is wrong, by the members of the body alone; pydantic names its own models, too."""
    if not place or place[0] != "body":
        return [str(part) for part in place]
    names: list[str] = ["body"]
    within: object = body
    for position, part in enumerate(place[1:], start=2):
        inner = _inside(within, part)
        if inner is not _NOTHING:
            within = inner
        elif position < len(place):
            continue
        names.append(str(part))
    return names


def _inside(within: object, part: int | str) -> object:
    if isinstance(within, dict):
        return within.get(part, _NOTHING)
    if isinstance(within, list) and isinstance(part, int) and part < len(within):
        return within[part]
    return _NOTHING


async def on_http_error(request: Request, error: Exception) -> JSONResponse:
    """What the framework refused: an address that is not there, a method, a body that is no JSON."""
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for these
    refusal: EcnyTaxError
    if error.status_code == 404:
        refusal = NotFoundError("route_not_found", path=request.url.path)
    elif error.status_code == 405:
        refusal = InvalidInputError("method_not_allowed", method=request.method, path=request.url.path)
    else:
        refusal = InvalidInputError("request_malformed", where="body", reason=str(error.detail))
    answer = problem(refusal, language_of(request))
    if error.status_code == 405:
        of_page = (error.headers or {}).get("Allow", "")  # pages are not in the document
        answer.headers["Allow"] = ", ".join(_methods_at(request)) or of_page
    return answer


def _methods_at(request: Request) -> list[str]:
    """What the place of a request takes."""
    paths = request.app.openapi()["paths"].items()
    found = (methods for path, methods in paths if compile_path(path)[0].match(request.url.path))
    return sorted({method.upper() for methods in found for method in methods})


async def on_bug(_request: Request, error: Exception) -> JSONResponse:
    """Anything else is ours; what it says may be anybody's data, so only its type leaves."""
    said = {
        "type": "about:blank",
        "title": "A bug in ecny-tax",
        "status": 500,
        "detail": type(error).__name__,
        "code": "bug",
        "hint": "please report it, with what the server printed",
    }
    return JSONResponse(said, 500, media_type=MEDIA_TYPE)


def _encodable(said: dict[str, object]) -> dict[str, object]:
    """Text from outside may hold half a character, which no JSON can be encoded with."""
    return {
        key: value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value
        for key, value in said.items()
    }
