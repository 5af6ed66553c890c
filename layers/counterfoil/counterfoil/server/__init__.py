"""The server: HTTP in front of the two protocols, the ledgers of a folder behind them. Never deployed to a function."""
