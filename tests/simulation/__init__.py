"""The seeded simulator: the production engines over a simulated clock, network and disk."""
