"""Taxes (税): what is owed, computed from declared figures by the rules of a day."""
