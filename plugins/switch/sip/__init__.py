"""Telephones for the switch: SIP by PJSIP in a process of its own.

PJSIP is under the GPL, so it is an extra that is asked for by name, and nothing but :mod:`plugins.switch.sip.agent` and its
configuration import it: they run in the other process only, which speaks to this one by messages over a socket.
"""
