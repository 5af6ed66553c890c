"""Accounts as a network: what each remembers of its counterparties, and what a transfer looks like in it.

``profile`` is the bounded memory of one account, ``measures`` the numbers that a transfer between two accounts is judged by,
``observation`` brings both along a block's transfers, ``model`` is a scorer over the measures. Rules over the measures are
documents of the kind ``network`` (``fraud_rules/network``).
"""
