"""Treasuries: the accounts that collect what operators take in, and the revenue that pays refunds."""
