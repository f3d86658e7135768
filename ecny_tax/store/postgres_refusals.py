"""What a PostgreSQL server says about itself, in our words."""

from __future__ import annotations

import re

import psycopg
from psycopg import errors as pg
from psycopg_pool import PoolTimeout

from ecny_tax.errors import InvalidInputError, UnavailableError

_PASSWORD = re.compile(r"(//[^/@:]*):.*@|([?&](?:ssl)?password=)[^&]*")

#: What the server says, by its code (SQLSTATE), and what that is for us; by the class where it ends there.
_CODES = {
    "08": "database_unreachable",
    "28": "database_login_refused",
    "3D": "database_login_refused",  # there is no such database
    "42501": "database_unwritable",
    "25006": "database_unwritable",  # a standby
    "53100": "disk_full",
    "53": "database_busy",
    "55P03": "database_busy",
    "57P03": "database_unreachable",  # it starts or stops
    "57": "database_connection_lost",
    "25P03": "database_connection_lost",  # we did nothing for too long
    "40": "database_busy",
    "58": "database_damaged",
    "XX": "database_damaged",
}


#: What libpq and psycopg say before there is a connection.
_NOT_REACHED = re.compile(r"connection to server|resolve|translate host|timeout expired")
_MALFORMED = re.compile(r"invalid (?:port number|[a-z_]+ value)|bad value for connect_timeout")
#: What stands before the reason, which must not be cut off in its favour.
_WHERE = re.compile(r"^connection [a-z ]+: (?:connection to server at .*?, port \d+ failed: )?")


class Refusals:
    """Turns what the server says about itself into our refusals; faults of our own statements stay bugs."""

    __slots__ = ("_path",)

    def __init__(self, path: str) -> None:
        self._path = path

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, UnicodeEncodeError):  # a lone surrogate in something a caller gave
            raise InvalidInputError("text_malformed", value=ascii(error.object)) from None
        if isinstance(error, pg.DataError) and "NUL" in str(error):
            raise InvalidInputError("text_malformed", value="a text with NUL") from None
        if isinstance(error, PoolTimeout):
            raise UnavailableError("database_busy", path=self._path) from None
        if isinstance(error, psycopg.Error):
            if error.sqlstate is None and _MALFORMED.search(str(error)):
                raise InvalidInputError("database_url_malformed", value=self._path) from None
            code = _code(error)
            if code is not None:
                raise UnavailableError(code, path=self._path, reason=_reason(error)) from error


def _code(error: psycopg.Error) -> str | None:
    if error.sqlstate is not None:
        return _CODES.get(error.sqlstate) or _CODES.get(error.sqlstate[:2])
    if not isinstance(error, psycopg.OperationalError):
        return None
    said = str(error)  # libpq has no code for what it finds before the server answers
    if "authentication failed" in said or "no password supplied" in said:
        return "database_login_refused"
    if "does not exist" in said:
        return "database_login_refused"
    if "too many" in said or "connection slots" in said:  # for the server, the role or the database
        return "database_busy"
    return "database_unreachable" if _NOT_REACHED.search(said) else "database_connection_lost"


def _reason(error: psycopg.Error) -> str:
    """What the server or libpq said, in one line; neither repeats a password."""
    return _WHERE.sub("", " ".join(str(error).split()))[:300]


def shown(url: str) -> str:
    """The URL without a password, to be shown."""
    return _PASSWORD.sub(_hidden, url)


def _hidden(found: re.Match[str]) -> str:
    return f"{found[1]}:***@" if found[1] is not None else f"{found[2]}***"
