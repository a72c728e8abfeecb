"""What crosses the line between two nodes: values, codec, limits, errors and ports.

No clock, socket, file, thread or log in here: bytes in, values out.
"""
