"""The station program: pages, JSON API, sync agent, metrics, command line."""
