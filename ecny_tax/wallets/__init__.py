"""Wallets: classes and limits, opening and closing, exchange against deposits, transfers, statements."""
