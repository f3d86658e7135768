"""A sandbox in memory at a fixed time, whose books must verify when a test is over."""

from tests.support import clock, sandbox

__all__ = ["clock", "sandbox"]
