"""The files of partners: how the rows in them are read, and how a report is written. Strict about meaning, kind about
form.
"""

from enrollments.files.csv_rows import CsvRow, cells_of_csv, rows_of_csv
from enrollments.files.json_rows import rows_of_json
from enrollments.files.report import REPORT_COLUMNS, report_lines

__all__ = ["REPORT_COLUMNS", "CsvRow", "cells_of_csv", "report_lines", "rows_of_csv", "rows_of_json"]
