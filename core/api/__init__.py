"""The REST API under ``/api/v1``: declared operations, one way to authenticate, page, fail and repeat. docs/integrators.md is the tour."""
