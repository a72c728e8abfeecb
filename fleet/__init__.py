"""The IT desk: from the station table to machines, and what is asked of many of them at once."""
