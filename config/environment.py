"""Reads the environment once, and reports everything that is wrong with it together."""

import os
import re
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

# At random, a key of hexadecimal digits has 14 or so; a word that is repeated does not.
_DIFFERENT_CHARACTERS = 10
# How the keys for tests begin, and those that Django makes for a project to begin with.
_PUBLISHED = ("only-for-", "django-insecure-")
_HOW_TO_MAKE_ONE = 'Make one: python3 -c "import secrets; print(secrets.token_urlsafe(50))"'
_RATE = re.compile(r"([1-9]\d*)/([1-9]\d*)?([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


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
            # What is wrong with an address can have the password in it.
            is_address = kind.endswith("_url") and name in os.environ
            told = "is no such address. In a password, write %2F for a / and so on." if is_address else fault
            self._problems.append(f"{name}: {told}")
            return None

    def secret(self, name: str, default: Any = environ.Env.NOTSET, *, length: int, may_be_published: bool) -> Any:
        """A key that nobody can guess: of so many characters at least, and none of those that this repository has."""
        key = self.read("str", name, default)
        if key is None or key == default:
            return key
        if len(key) < length or len(set(key)) < _DIFFERENT_CHARACTERS:
            self.refuse(f"{name}: must have {length} characters or more, at random. {_HOW_TO_MAKE_ONE}")
        elif key.startswith(_PUBLISHED) and not may_be_published:
            self.refuse(f"{name}: is one that everybody can read in a repository. {_HOW_TO_MAKE_ONE}")
        return key

    def rate(self, name: str, default: str) -> tuple[int, int] | None:
        """A limit such as `600/m` or `10/15m`, as a count and the seconds that it is for; None for an empty one."""
        text = self.read("str", name, default)
        match = _RATE.fullmatch(text)
        if text and match is None:
            self.refuse(f"{name}: must be a limit such as 600/m or 10/15m (s, m, h, d), or empty for none.")
        if match is None:
            return None
        count, number, unit = match.groups()
        return int(count), int(number or 1) * _SECONDS[unit]

    def refuse(self, problem: str) -> None:
        """Keep a fault that only the settings can see."""
        self._problems.append(problem)

    def finish(self) -> None:
        """Raise ImproperlyConfigured that names every fault, if there was any."""
        if self._problems:
            raise ImproperlyConfigured("The environment is not usable:\n- " + "\n- ".join(self._problems))
