"""Django's PostgreSQL engine on the embedded server."""

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.db import OperationalError
from django.db.backends.postgresql import client

from common import embedded_postgres
from common.database import base


class DatabaseClient(client.DatabaseClient):
    """`manage.py dbshell` with the psql that belongs to the server."""

    @classmethod
    def settings_to_cmd_args_env(
        cls, settings_dict: dict[str, Any], parameters: Iterable[str]
    ) -> tuple[list[str], dict[str, str] | None]:
        arguments, environment = super().settings_to_cmd_args_env(settings_dict, parameters)
        return [str(embedded_postgres.binaries() / "psql"), *arguments[1:]], environment

    def runshell(self, parameters: Iterable[str]) -> None:
        self.connection.ensure_connection()
        super().runshell(parameters)


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection to the embedded server, which runs once its parameters are known: on each new connection."""

    client_class = DatabaseClient

    def get_connection_params(self) -> dict[str, Any]:
        chosen = settings.EMBEDDED_POSTGRES
        try:
            address = embedded_postgres.ensure_running(chosen["DATA_DIR"], durable=chosen["DURABLE"])
        except embedded_postgres.EmbeddedPostgresError as fault:
            raise OperationalError(str(fault)) from fault
        self.settings_dict.update({name.upper(): value for name, value in address.items()})
        return super().get_connection_params()
