"""What central takes in from files: matters, services, staff, calendars, divisions.

Every reader gets bytes and a file name and gives register entries, or refuses the whole file with
all its problems (`ImportRefused`). Nothing here publishes: that is the authority's work.
"""

from __future__ import annotations

from stations.errors import ImportRefused, Problem

__all__ = ["ImportRefused", "Problem"]
