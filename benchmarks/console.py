"""The moderators' pages, as a moderator who is signed in gets them."""

from benchmarks.targets import Stage, Target, looking
from benchmarks.world import CHANGED_EACH, MODERATOR, review

_QUEUE = "/admin/reviews/review/"
# A rating that no hidden review has is the worst case of a filter: all of them are looked at.
PAGES = {
    "queue": _QUEUE,
    "queue, hidden with 1 star": f"{_QUEUE}?queue=hidden&rating=1",
    "queue, by two words": f"{_QUEUE}?queue=all&q=homework+surprised",
    "queue, by an author's name": f"{_QUEUE}?queue=all&q=Learner+4711",
    "workbench": f"{_QUEUE}{review(CHANGED_EACH)}/change/",
    "overview": "/admin/",
}


def console(stage: Stage) -> list[Target]:
    """A target for each page."""
    return [looking(stage, name, path, viewer=MODERATOR) for name, path in PAGES.items()]
