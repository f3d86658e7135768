"""Reconciliation (对账): what treasury, operator and ledger each have of a day, compared and mended."""
