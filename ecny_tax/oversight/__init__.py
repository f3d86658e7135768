"""Lawful access (依法可溯): legal instruments, tracing, stops and freezes, each of them logged."""
