"""Refunds (退税): of an annual income-tax settlement, and of a payment that was too much or a mistake."""
