"""Tools run by developers; no part of a running node."""
