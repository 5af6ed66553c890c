"""Findings that prove themselves: one file with a finding, the blocks it rests on, their proofs, and what was signed over them."""
