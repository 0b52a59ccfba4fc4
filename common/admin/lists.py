"""Lists that stay fast however many rows there are."""

from typing import TYPE_CHECKING, Any, cast

from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property

if TYPE_CHECKING:
    from common.admin.base import ListAdmin

MOST_COUNTED = 10_000


class BoundedCountPaginator(Paginator):
    """Counts to `most` and no further, and has no pages beyond it."""

    @property
    def most(self) -> int:
        """How far it counts."""
        return MOST_COUNTED

    @cached_property
    def count(self) -> int:
        """How many rows there are, at most `most`."""
        return cast("QuerySet", self.object_list).order_by()[: self.most].count()


class StaffChangeList(ChangeList):
    """A list whose admin may look up what its rows share, once for all of them."""

    model_admin: "ListAdmin"

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, *args, **kwargs)
        self.title = self.model_admin.list_title()
        self.buttons = self.model_admin.list_buttons(request)

    def get_results(self, request: HttpRequest) -> None:
        """The rows of the page at hand, prepared by the admin."""
        super().get_results(request)
        self.result_list: list[Model] = list(self.result_list)
        self.model_admin.prepare(self.result_list)

    def url_for_result(self, result: Model) -> str:
        """The page of a row."""
        return self.model_admin.address_of(result)

    @property
    def count_label(self) -> str:
        """How many rows there are, in words that are true also above what is counted."""
        one, many = self.model_admin.nouns or (self.opts.verbose_name, self.opts.verbose_name_plural)
        most = cast("BoundedCountPaginator", self.paginator).most
        if self.result_count >= most:
            return f"{most:,} or more {many}"
        return f"{self.result_count:,} {one if self.result_count == 1 else many}"
