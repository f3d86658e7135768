"""Double entry: accounts, transfers, and the pure function that decides what a batch of transfers does."""
