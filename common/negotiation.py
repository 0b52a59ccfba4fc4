"""What the client accepts."""

from typing import Any

from django.http.request import MediaType
from rest_framework.exceptions import NotAcceptable
from rest_framework.negotiation import DefaultContentNegotiation

_SPECIFICITY = {("application", "json"): 2, ("application", "*"): 1, ("*", "*"): 0}


class JsonNegotiation(DefaultContentNegotiation):
    """The API speaks JSON: either the client takes that, or it is told so.

    DRF's own overlooks `q=0`, takes an empty header for a refusal and `?format=` for a renderer's name.
    """

    def select_renderer(self, request: Any, renderers: Any, format_suffix: Any = None) -> Any:
        if not accepts_json(request.META.get("HTTP_ACCEPT", "")):
            raise NotAcceptable
        return renderers[0], renderers[0].media_type


def accepts_json(header: str) -> bool:
    """Whether an Accept header allows application/json (RFC 9110, section 12.5.1): the most specific range decides."""
    if not header.strip():
        return True
    ranges = [MediaType(token) for token in header.split(",")]
    verdicts = [
        (_SPECIFICITY[range.main_type, range.sub_type], range.quality > 0)
        for range in ranges
        if (range.main_type, range.sub_type) in _SPECIFICITY
    ]
    return max(verdicts, default=(0, False))[1]
