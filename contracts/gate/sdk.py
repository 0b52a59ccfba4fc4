"""The clients that are generated from a contract: Python by `openapi-python-client`, TypeScript by `openapi-ts`.

A client is made together with its story, a program that uses it: `contracts/stories`.
"""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from contracts.gate import documents, node
from contracts.gate.differences import Document

_SETTINGS = documents.FOLDER / "sdk"


class Failed(Exception):
    """A client could not be made, or is not what it should be. The text is what the tool said."""


@dataclass(frozen=True, slots=True)
class Client:
    """A client that is ready for use, and the command that tells its story. What the story needs is in LECTERN."""

    folder: Path
    command: tuple[str, ...]

    def tell(self, world: dict[str, str]) -> subprocess.CompletedProcess[str]:
        """Tell the story against the service that `world` describes."""
        return subprocess.run(
            self.command,
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(self.folder), "LECTERN": json.dumps(world)},
            capture_output=True,
            text=True,
            check=False,
        )


def python(contract: Path, stories: Path, folder: Path) -> Client:
    """The Python client in `folder`, with its types checked.

    Raises:
        Failed: the generator left something out, or mypy finds fault with the client or the story.
    """
    generate_python(contract, folder)
    story = shutil.copy(stories / "story.py", folder)
    _run(
        *(sys.executable, "-m", "mypy", "--strict", "--config-file=", "--cache-dir", folder.parent / "mypy-cache"),
        *("lectern", "story.py"),
        cwd=folder,
    )
    return Client(folder, (sys.executable, str(story)))


def typescript(contract: Path, stories: Path, folder: Path) -> Client:
    """The TypeScript client in `folder`, compiled.

    Raises:
        Failed: it cannot be generated, or `tsc --strict` finds fault with the client or the story.
    """
    generate_typescript(contract, folder)
    (folder / "stories").mkdir()
    shutil.copy(stories / "story.ts", folder / "stories")
    _expect(node.run(node.tool("typescript") / "bin" / "tsc", "-p", str(folder / "tsconfig.json")))
    return Client(folder, node.command(folder / "dist" / "stories" / "story.js"))


def generate_python(contract: Path, folder: Path) -> None:
    """Writes the source of the Python client.

    Raises:
        Failed: the generator left something out.
    """
    _emptied(folder)
    taken = folder.with_suffix(".json")
    taken.write_text(json.dumps(_without_bare_files(documents.read(contract))))
    styles = _SETTINGS / "python"
    _run(
        *(sys.executable, "-m", "openapi_python_client", "generate", "--fail-on-warning", "--meta", "setup"),
        *("--config", styles / "config.yaml", "--custom-template-path", styles / "templates"),
        *("--path", taken, "--output-path", folder, "--overwrite"),
    )


def generate_typescript(contract: Path, folder: Path) -> None:
    """Writes the source of the TypeScript client.

    Raises:
        Failed: it cannot be generated.
    """
    _emptied(folder)
    styles = _SETTINGS / "typescript"
    for name in ("package.json", "tsconfig.json"):
        shutil.copy(styles / name, folder)
    source = {"CONTRACT": str(contract), "SDK": str(folder / "src")}
    generate = node.tool("@hey-api/openapi-ts") / "bin" / "run.js"
    _expect(node.run(generate, "-f", str(styles / "openapi-ts.config.mjs"), settings=source))


def _emptied(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


def _without_bare_files(contract: Document) -> Document:
    """Python's generator knows files in forms only, which every such operation takes as well."""
    for methods in contract["paths"].values():
        for operation in methods.values():
            content = operation.get("requestBody", {}).get("content", {})
            if "multipart/form-data" in content:
                content.pop("text/csv", None)
    return contract


def _run(*command: str | Path, cwd: Path | None = None) -> None:
    _expect(subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False))


def _expect(made: subprocess.CompletedProcess[str]) -> None:
    if made.returncode:
        raise Failed(f"{made.stdout}{made.stderr}")
