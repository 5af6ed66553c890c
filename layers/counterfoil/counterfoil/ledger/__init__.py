"""The ledger's engine: what a transaction sees, what it changes, whether it may commit, and what its block holds.

Pure: snapshots are read through ``reading.Snapshot``, and a commit is handed to a store as a ``Proposal`` which the store
gives a place in the journal with ``sequencing.sequence``.
"""
