"""Links, routing, registers: decides everything about moving them, touches nothing but the port.

Every function takes a transaction its caller opened and the time its caller read; what must happen
after the commit comes back as `Effects`.
"""
