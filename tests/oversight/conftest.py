"""A fresh scheme for every test."""

from tests.support import clock, sandbox

__all__ = ["clock", "sandbox"]
