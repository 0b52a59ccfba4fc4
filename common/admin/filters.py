"""Filters of lists: fixed choices, and the choice of a related row by search. None of them reads a whole table."""

from collections.abc import Iterator, Sequence
from typing import Any, cast
from uuid import UUID

from django import forms
from django.contrib.admin import ModelAdmin, SimpleListFilter
from django.contrib.admin.views.main import ChangeList
from django.contrib.admin.widgets import AutocompleteSelect
from django.db.models import ForeignKey, Model, QuerySet
from django.http import HttpRequest

from common import ids


class ChoiceFilter(SimpleListFilter):
    """One of a few values of a column. Subclasses say which: `title`, `parameter_name`, `column`, `options`."""

    column: str
    options: Sequence[tuple[str, str]]

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> Sequence[tuple[str, str]]:
        """The choices, with their labels."""
        return self.options

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        """The rows with the chosen value. One that is not among the choices selects none."""
        chosen = self.value()
        if chosen is None:
            return queryset
        if chosen not in dict(self.lookup_choices):
            return queryset.none()
        return self.chosen(queryset, chosen)

    def chosen(self, queryset: QuerySet, value: str) -> QuerySet:
        """The rows with this one of the choices."""
        return queryset.filter(**{self.column: value})

    def selected_label(self) -> str | None:
        """What is chosen, None for all."""
        label = dict(self.lookup_choices).get(self.value() or "")
        return None if label is None else str(label)


class YesNoFilter(ChoiceFilter):
    """A column that is true or false."""

    options = (("yes", "Yes"), ("no", "No"))

    def chosen(self, queryset: QuerySet, value: str) -> QuerySet:
        """The rows of which it is true, or those of which it is not."""
        return queryset.filter(**{self.column: value == "yes"})


class AutocompleteFilter(SimpleListFilter):
    """A related row, found by typing. Its id in the address may be a UUID or a public id.

    Django's own filter lists every related row, and counts by them breaks PostgreSQL's limit of 1664 columns.
    """

    template = "admin/filter_autocomplete.html"
    column: str
    prefix: str

    def __init__(
        self, request: HttpRequest, params: dict[str, Any], model: type[Model], model_admin: ModelAdmin
    ) -> None:
        self.parameter_name = self.title = self.column
        super().__init__(request, params, model, model_admin)
        field = cast("ForeignKey[Any, Any]", model._meta.get_field(self.column))
        widget = AutocompleteSelect(field, model_admin.admin_site, attrs={"aria-label": self.title})
        self._form = forms.Form(initial={self.column: self._chosen_id()}, auto_id="filter_%s")
        self._form.fields[self.column] = cast("forms.Field", field.formfield(widget=widget, required=False))

    def _chosen_id(self) -> UUID | None:
        return uuid_from(self.value(), self.prefix)

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> Sequence[tuple[str, str]]:
        """None that would be listed."""
        return ()

    def has_output(self) -> bool:
        """Always: the rows to choose from are never counted."""
        return True

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        """The rows that refer to the chosen one."""
        if self.value() is None:
            return queryset
        chosen = self._chosen_id()
        return queryset.none() if chosen is None else queryset.filter(**{f"{self.column}_id": chosen})

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        """The form, what else the address says, and the way back to all."""
        kept = changelist.get_filters_params() | ({"q": [changelist.query]} if changelist.query else {})
        kept.pop(self.column, None)
        yield {
            "form": self._form,
            "kept": [(name, value) for name, values in kept.items() for value in values],
            "is_chosen": self.value() is not None,
            "all_query_string": changelist.get_query_string(remove=[self.column]),
        }


def uuid_from(text: str | None, prefix: str) -> UUID | None:
    """The UUID that `text` is or, as a public id of type `prefix`, stands for."""
    if not text:
        return None
    try:
        return ids.decode(prefix, text) or UUID(text)
    except ValueError:
        return None
