"""A bank in miniature: its ledger, its customers' ordinary traffic, and the fraud that is hidden in it."""
