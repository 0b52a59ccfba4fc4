"""The house keeps its shape: boundaries between apps and layers, short files, short functions."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

PACKAGES = ("config", "common", "courses", "enrollments", "reviews")
LONGEST_FILE = 400
LONGEST_FUNCTION = 45

BREACHES = {
    "a view that imports a model": ("enrollments/views.py", "from enrollments.models import Enrollment as _Row"),
    "a view that calls another app": ("enrollments/views.py", "from courses import services as _courses"),
    "a service that reads another app's rows": (
        "enrollments/services/line.py",
        "from courses.models import Course as _Row",
    ),
    "a service that takes another app's selector": (
        "enrollments/services/line.py",
        "from courses import selectors as _other",
    ),
    "an upward call": ("courses/services.py", "from enrollments import services as _enrollments"),
    "common that knows an app": ("common/db.py", "from courses import types as _types"),
    "rules that know the ORM": ("courses/rules.py", "from django.db import models as _models"),
    "rules that know the clock": ("courses/rules.py", "from common import clock as _clock"),
    "a use case that knows HTTP": ("courses/services.py", "from rest_framework import status as _status"),
    "a selector that imports a service": ("courses/selectors.py", "from courses import services as _services"),
    "the composition root at the tables": ("config/demo.py", "from courses.models import Course as _Row"),
    "a file without a place": ("courses/helpers.py", "import math"),
}


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    script = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    return subprocess.run(
        [sys.executable, "-c", script, "--no-cache"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


class TestBoundaries:
    def test_hold(self) -> None:
        result = lint_imports(settings.BASE_DIR)
        assert result.returncode == 0, result.stdout

    @pytest.mark.parametrize("breach", BREACHES)
    def test_notice(self, breach: str, tmp_path: Path) -> None:
        for package in PACKAGES:
            skipped = shutil.ignore_patterns("__pycache__", "static", "templates", "tests")
            shutil.copytree(settings.BASE_DIR / package, tmp_path / package, ignore=skipped)
        shutil.copy(settings.BASE_DIR / ".importlinter", tmp_path)
        config = tmp_path / ".importlinter"
        # The copy has no tests, and an exemption without a case is an error.
        lines = config.read_text().splitlines(keepends=True)
        config.write_text("".join(line for line in lines if ".tests." not in line))
        name, line = BREACHES[breach]
        with (tmp_path / name).open("a") as file:
            file.write(f"\n{line}\n")
        result = lint_imports(tmp_path)
        assert result.returncode == 1, result.stdout
        assert "BROKEN" in result.stdout or "not listed as layers" in result.stdout, result.stdout


class TestSizes:
    @pytest.mark.parametrize("package", PACKAGES)
    def test_each_file_can_be_read_in_one_sitting(self, package: str) -> None:
        sizes = {str(file): len(file.read_text().splitlines()) for file in product_files(package)}
        assert {name: size for name, size in sizes.items() if size > LONGEST_FILE} == {}

    @pytest.mark.parametrize("package", PACKAGES)
    def test_each_function_fits_a_screen(self, package: str) -> None:
        assert [
            f"{file}:{node.lineno} {node.name}"
            for file in product_files(package)
            for node in ast.walk(ast.parse(file.read_text()))
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            and (node.end_lineno or 0) - node.lineno >= LONGEST_FUNCTION
        ] == []


def product_files(package: str) -> list[Path]:
    files = (settings.BASE_DIR / package).rglob("*.py")
    return [file for file in files if not {"tests", "migrations"} & set(file.parts)]
