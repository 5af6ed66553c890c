"""The embedded ledger on SQLite: one file a ledger, one writer with group commit, any number of readers."""
