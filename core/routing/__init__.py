"""Who gets what: the rules, the decision, and what is done about it.

A pass of the live router (:mod:`core.routing.router`) is: read who is there and what may be offered to them
(:mod:`core.routing.reading`), decide (:mod:`core.routing.plan`, pure), offer (:mod:`core.routing.offers`). What agents do is
in offers (accept, reject), :mod:`core.routing.handover` (take, assign, transfer, lines), :mod:`core.routing.queueing` (give back) and
:mod:`core.routing.closing` (finish, complete). Others import all of these from :mod:`core.assignment`.
"""
