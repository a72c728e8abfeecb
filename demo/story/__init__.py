"""The story of the demonstration: its steps in order, each played through pages and told by name."""
