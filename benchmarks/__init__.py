"""The numbers of the design, each measured beside its limit in the same run."""
