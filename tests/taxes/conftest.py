"""A fresh scheme for every test that needs one."""

from tests.support import clock, sandbox

__all__ = ["clock", "sandbox"]
