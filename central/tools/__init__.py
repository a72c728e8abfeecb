"""Tools run by hand when the shipped data is renewed; no running program imports them."""
