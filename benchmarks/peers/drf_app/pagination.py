"""Pages."""

from rest_framework.pagination import CursorPagination


class NewestFirst(CursorPagination):
    """Pages by id, which is a UUIDv7."""

    page_size = 20
    page_size_query_param = "limit"
    max_page_size = 100
    ordering = "-id"
