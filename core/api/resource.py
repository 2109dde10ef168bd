"""How a module declares its operations: a :class:`Resource` and one decorator for each method."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeVar

from core.contracts import ApiOperation, Text

Call = TypeVar("Call", bound=Callable[..., Any])
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]


class Resource:
    """Operations on one kind of thing. ``name`` is the first half of its scopes, ``cases`` in ``cases:read``.

    ``@resource.get("/cases/<id:case_id>", Text(…), permission="case.view", answer=CaseShape)`` declares an operation; the
    function's name is its operation id. What else may be given: the fields of :class:`core.contracts.ApiOperation`.
    """

    def __init__(self, name: str, title: Text) -> None:
        self.name, self.title = name, title
        self.operations: list[ApiOperation] = []

    def get(self, path: str, summary: Text, **options: Any) -> Callable[[Call], Call]:
        """Reading: ``<name>:read`` unless ``scope`` says otherwise."""
        return self._declared("GET", path, summary, {"scope": f"{self.name}:read", **options})

    def post(self, path: str, summary: Text, **options: Any) -> Callable[[Call], Call]:
        """A new thing (201 with ``status=201``) or a step of an existing one."""
        return self._declared("POST", path, summary, {"scope": f"{self.name}:write", **options})

    def put(self, path: str, summary: Text, **options: Any) -> Callable[[Call], Call]:
        """Something that is or is not there, by its name."""
        return self._declared("PUT", path, summary, {"scope": f"{self.name}:write", **options})

    def patch(self, path: str, summary: Text, **options: Any) -> Callable[[Call], Call]:
        """The given fields of a thing."""
        return self._declared("PATCH", path, summary, {"scope": f"{self.name}:write", **options})

    def delete(self, path: str, summary: Text, **options: Any) -> Callable[[Call], Call]:
        """Away with it; answers 204."""
        return self._declared("DELETE", path, summary, {"scope": f"{self.name}:write", "status": 204, **options})

    def _declared(self, method: Method, path: str, summary: Text, options: dict[str, Any]) -> Callable[[Call], Call]:
        def declare(call: Call) -> Call:
            self.operations.append(
                ApiOperation(
                    method=method,
                    path=path,
                    name=call.__name__,
                    summary=summary,
                    call=call,
                    resource=self.name,
                    title=self.title,
                    **options,
                )
            )
            return call

        return declare
