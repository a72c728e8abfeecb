"""`yizhan verify FILE`: checks a bundle without the product, for an auditor with a bare Python.

Standard library, `cryptography` and `zstandard` only. It shares no code with what writes bundles:
it is written from docs/protocol.md, so that each finds the other's mistakes.
"""
