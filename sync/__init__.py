"""Moves registers, events and blobs between neighbouring nodes; knows nothing of casework."""
