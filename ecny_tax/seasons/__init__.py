"""Populations at scale: a whole refund season (汇算清缴期) of made-up people on one database."""
