"""Power loss: the shipped driver's writes and syncs are recorded, then lost in many ways."""
