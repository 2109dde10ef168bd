"""Operations of the REST API, and events on their way out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from core.contracts.texts import JsonValue, Text

if TYPE_CHECKING:
    from marshmallow import Schema


@dataclass(frozen=True, slots=True)
class ApiOperation:
    """One operation of the REST API; made by the decorators of :class:`core.api.resource.Resource`.

    ``path`` lies under ``/api/v1``; its ids are ``<id:name>``. ``name`` is the operation id, unique in the house. A token needs
    ``scope``, its user ``permission``. ``call`` gets the path's values and, by the names ``query``, ``body`` and ``files``,
    what the schemas have loaded; it returns what ``answer`` dumps, a :class:`core.api.paging.Page` where ``paged``, a list
    where ``many``, None for 204, or a whole Flask response. ``etag`` makes the version of what is returned. ``secret`` names
    fields of the answer that are shown once and never kept for a repeat.
    """

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: str
    name: str
    summary: Text
    call: Callable[..., Any]
    resource: str
    title: Text
    scope: str
    permission: str = "desk.use"
    query: type[Schema] | None = None
    body: type[Schema] | None = None
    answer: type[Schema] | None = None
    status: int = 200
    paged: bool = False
    many: bool = False
    files: bool = False
    download: bool = False
    etag: Callable[[Any], str] | None = None
    secret: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PublishedEvent:
    """An event of the log as ``during_events`` sees it, just before the commit (see :mod:`core.events.log`)."""

    topic: str
    type: str
    payload: Mapping[str, JsonValue]
