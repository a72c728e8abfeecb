"""The demonstration: real processes on one machine, a story played by people, links to cut.

It imports nothing of the product: it calls its command lines to set up and then speaks HTTP only.
"""
