"""Where other machines find this server."""

from __future__ import annotations

import socket
from ipaddress import ip_address

#: Nowhere (RFC 5737): choosing a way there sends nothing, and tells which address of ours would be used.
_ELSEWHERE = "192.0.2.1"


def reached_at(host: str, port: int | None, scheme: str, listening: str) -> str:
    """The address at which others reach what a browser found at ``host``; empty where only this machine does.

    ``listening`` is the address that the server listens on, or empty where it is not known.
    """
    if not _is_own(host):
        return _origin(scheme, host, port)
    if not listening or not ip_address(listening).is_unspecified:
        return ""
    outward = _outward()
    return _origin(scheme, outward, port) if outward else ""


def _is_own(host: str) -> bool:
    """Whether a host is this very machine, whoever asks."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        found = ip_address(host)
    except ValueError:
        return False
    return found.is_loopback or found.is_unspecified


def _origin(scheme: str, host: str, port: int | None) -> str:
    name = f"[{host}]" if ":" in host else host
    return f"{scheme}://{name}" if port is None else f"{scheme}://{name}:{port}"


def _outward() -> str:
    """This machine's address in the network that it is in, or empty where it is in none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        try:
            asked.connect((_ELSEWHERE, 9))
        except OSError:
            return ""
        found: str = asked.getsockname()[0]
    return "" if _is_own(found) else found
