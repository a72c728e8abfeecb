"""What both programs are made of: joins `sync` and `casework`, keeps a node's identity and logins.

A floor of its own (ADR 0002), so that the station program and central need not repeat each other.
"""
