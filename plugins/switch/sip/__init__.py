"""Telephones for the switch: SIP by PJSIP in a process of its own.

PJSIP is under the GPL, so it is an extra that is asked for by name, and nothing but :mod:`plugins.switch.sip.agent` imports it: that
module runs in the other process only, and speaks to this one by messages over a socket.
"""
