"""Takes back what a run did, as far as nothing else has touched it since: see docs/runbook.md."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError, CommandParser

from common import ids
from common.ops import kinds, runs
from common.ops.commands import OpsCommand
from common.ops.endings import REFUSED
from common.ops.types import Item


class Command(OpsCommand):
    """Without --apply a dry run. An undo is a run itself, and can be undone."""

    help = __doc__ or ""
    own_options = ("run",)

    def add_own_arguments(self, parser: CommandParser) -> None:
        """Which run."""
        parser.add_argument("run", nargs="?", metavar="RUN", help="run_…, as the run itself has said it")

    def arguments_from(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """The run, which there has to be."""
        if not options["run"]:
            raise CommandError("Say which run: run_….", returncode=REFUSED)
        run = runs.get(run_id=_decoded(options["run"]))
        return {"run": runs.public_id(run.id), "command": self._root(run.id), "limit": options["limit"]}

    def _root(self, run_id: UUID) -> str:
        """The command whose work it all comes down to, however often it was undone."""
        run = runs.get(run_id=run_id)
        return run.command if run.undoes is None else self._root(run.undoes)

    def look(self, arguments: Mapping[str, Any], options: Mapping[str, Any]) -> Iterator[Item]:
        """What the run did, backwards."""
        return runs.items_backwards(run_id=_decoded(arguments["run"]), limit=arguments["limit"])

    def foresee(self, items: Sequence[Item], arguments: Mapping[str, Any]) -> list[Item]:
        """Backwards as well."""
        return kinds.kinds()[items[0].kind].foresee_revert(items)

    def run_fields(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The new run undoes the other."""
        return {"undoes": _decoded(arguments["run"])}

    def locked_as(self, arguments: Mapping[str, Any]) -> str:
        """Nobody may repeat meanwhile what is being undone."""
        return str(arguments["command"])


def _decoded(text: str) -> UUID:
    run_id = ids.decode(ids.RUN, text)
    if run_id is None:
        raise runs.RunNotFound
    return run_id
