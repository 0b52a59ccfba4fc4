"""Reads the environment once, and reports everything that is wrong with it together."""

from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured


class Environment:
    """Typed settings from environment variables and, where present, a `.env` file beside `manage.py`."""

    def __init__(self, env_file: Path) -> None:
        self._env = environ.Env()
        self._problems: list[str] = []
        if env_file.exists():
            self._env.read_env(str(env_file))

    def read(self, kind: str, name: str, default: Any = environ.Env.NOTSET) -> Any:
        """The variable as `kind` (`str`, `bool`, `int`, `list`, `db_url`, ...); a fault is kept for `finish`."""
        try:
            return getattr(self._env, kind)(name, default=default)
        except (ImproperlyConfigured, ValueError) as fault:
            self._problems.append(f"{name}: {fault}")
            return None

    def refuse(self, problem: str) -> None:
        """Keep a fault that only the settings can see."""
        self._problems.append(problem)

    def finish(self) -> None:
        """Raise ImproperlyConfigured that names every fault, if there was any."""
        if self._problems:
            raise ImproperlyConfigured("The environment is not usable:\n- " + "\n- ".join(self._problems))
