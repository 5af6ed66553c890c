"""Counterfoil: a ledger in which every entry can be proved, and a pipeline that checks every entry as it streams."""
