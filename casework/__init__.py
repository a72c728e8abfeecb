"""The domain of government service cases: pure functions over signed facts.

Knows no clock, network, database driver or sync engine; see docs/ARCHITECTURE.md for the floors.
"""
