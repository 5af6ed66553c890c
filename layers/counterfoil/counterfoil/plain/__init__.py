"""A verifier to be read: receipts and exports in Ion, with the standard library alone, in the order of docs/format.md.

It shares no line with the rest of the product, on purpose: tests hold the two against each other, and ``make verifier``
writes these modules one after the other into one file of under 600 lines. It is slow, and does one thing at a time.
It runs on Python 3.9, as an auditor's machine may have it. (docs/decisions/0032-a-verifier-to-be-read.md)
"""
