"""What the client accepts."""

from typing import Any

from django.http.request import MediaType
from rest_framework.exceptions import NotAcceptable
from rest_framework.negotiation import DefaultContentNegotiation


class Negotiation(DefaultContentNegotiation):
    """An operation answers in one media type, mostly JSON: either the client takes that, or it is told so.

    DRF's own overlooks `q=0`, takes an empty header for a refusal and `?format=` for a renderer's name.
    """

    def select_renderer(self, request: Any, renderers: Any, format_suffix: Any = None) -> Any:
        if not accepts(request.META.get("HTTP_ACCEPT", ""), renderers[0].media_type):
            raise NotAcceptable
        return renderers[0], renderers[0].media_type


def accepts(header: str, media_type: str) -> bool:
    """Whether an Accept header allows `media_type` (RFC 9110, section 12.5.1): the most specific range decides."""
    if not header.strip():
        return True
    main, _, sub = media_type.partition("/")
    specificity = {(main, sub): 2, (main, "*"): 1, ("*", "*"): 0}
    ranges = [MediaType(token) for token in header.split(",")]
    verdicts = [
        (specificity[range.main_type, range.sub_type], range.quality > 0)
        for range in ranges
        if (range.main_type, range.sub_type) in specificity
    ]
    return max(verdicts, default=(0, False))[1]
