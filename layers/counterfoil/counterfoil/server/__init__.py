"""HTTP in front of the two protocols: a server of its own over the ledgers of a folder, or a function behind its URL."""
