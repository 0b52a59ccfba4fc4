"""The moderators' pages: the queue, the workbench on which one review lies, decisions on many, and the reasons."""

from reviews.admin.queue import ReviewAdmin
from reviews.admin.reasons import ReasonAdmin
from reviews.admin.verdicts import DecisionAdmin

__all__ = ["DecisionAdmin", "ReasonAdmin", "ReviewAdmin"]
