#!/usr/bin/python3
"""Makes the inputs beside it that real programs write: Python's csv, openpyxl, LibreOffice and Gnumeric.

Run it in this folder, on Debian with python3-openpyxl, libreoffice-calc and gnumeric; then write the .want files
with `go test ./reader -run TestInputs -update` and read the difference.
"""
import csv
import gzip
import os
import subprocess
import tempfile
import zipfile

import openpyxl
from openpyxl.styles import Alignment

ID = "5f1e7a60-0000-4000-8000-%012d"
HEAD = ["session_id", "name", "phone", "phone_country", "email", "note"]
ROWS = [
    [ID % 1, "Åsa Öberg", "+46701740605", "SE", "asa@example.com", "two\nlines, and a comma"],
    [ID % 2, "O'Brien; Ann", "+447700900001", "GB", "", 'an "inch" | a pipe'],
    [ID % 3, "Grün", "+4917604069001", "DE", "gruen@example.com", ""],
]


def text(name, rows, encoding="utf-8", **style):
    with open(name, "w", newline="", encoding=encoding) as f:
        csv.writer(f, **{"lineterminator": "\n", **style}).writerows(rows)


def raw(name, content):
    with open(name, "wb") as f:
        f.write(content)


def python_csv():
    text("python-excel.csv", [HEAD] + ROWS, lineterminator="\r\n")
    text("python-tab.csv", [HEAD] + ROWS, delimiter="\t")
    text("python-caret-all.csv", [HEAD] + ROWS, delimiter="^", quoting=csv.QUOTE_ALL)
    text("python-single-quotes.csv", [HEAD] + ROWS, delimiter=";", quotechar="'", quoting=csv.QUOTE_ALL)
    text("python-backslashes.csv", [HEAD] + ROWS + [[ID % 4, 'Bo "B"', "+46701740606", "SE", "", 'C:\\ "x", y']],
         doublequote=False, escapechar="\\")
    text("python-utf16le.csv", [HEAD] + ROWS, encoding="utf-16-le")
    text("python-utf16be.csv", [HEAD] + ROWS, encoding="utf-16-be")
    text("python-utf16-mark.csv", [HEAD] + ROWS, encoding="utf-16", delimiter="\t")
    text("python-mark.csv", [HEAD] + ROWS, encoding="utf-8-sig", delimiter=";")
    text("python-cp1252.csv", [HEAD] + ROWS, encoding="cp1252", delimiter=";")
    text("python-old-mac.csv", [HEAD] + ROWS, lineterminator="\r")
    text("python-trailing.csv", [HEAD] + [r + [""] for r in ROWS])
    text("python-named.xlsx", [HEAD] + ROWS)
    with gzip.GzipFile("python-gzip.csv.gz", "wb", mtime=0) as f:
        f.write(open("python-excel.csv", "rb").read())


def by_hand():
    """What people and broken programs make, and no program writes on purpose."""
    line = ",".join
    one, two = [ID % 1, "+46701740605"], [ID % 2, "+46701740606"]
    raw("mixed-line-ends.csv", f"session_id,phone\r\n{line(one)}\n{line(two)}\r\r\n{ID % 3},+46701740607".encode())
    raw("duplicate-headers.csv", f"session_id,phone,note,,note,\n{line(one)},a,b,c,d\n".encode())
    raw("delimiters-only.csv", f"session_id,phone,note\n,,\n{line(one)},x\n , ,\n\n{line(two)},\n,,\n".encode())
    raw("broken-line.csv", f"session_id,phone,note\n{line(one)},first\nhalf\n{line(two)},x\n".encode())
    raw("broken-header.csv", f"session_id,phone,ema\nil\n{line(one)},ann@example.com\n".encode())
    raw("two-tables.csv", f"session_id,phone\n{line(one)}\nphone,session_id\n+46701740606,{ID % 2}\n".encode())
    raw("header-again.csv", f"session_id,phone\n{line(one)}\nsession_id,phone\n{line(two)}\n".encode())
    raw("one-too-many.csv", f"session_id,name,phone,note\n{ID % 1},Bo, Jr,+46701740605,\n{ID % 2},Ann,+46701740606,\n".encode())
    raw("nul.csv", f"session_id,phone,note\n{line(one)},a\0b\n{line(two)},x\n".encode())
    with zipfile.ZipFile("numbers.numbers", "w") as z:  # what its packages are known by
        for name in ("Index/Document.iwa", "Index/Tables/Tile.iwa", "Metadata/Properties.plist"):
            z.writestr(zipfile.ZipInfo(name, (2026, 5, 4, 0, 0, 0)), b"\0")
    raw("totals.csv", f"Reminders\n\nsession_id,phone,sum\n{line(one)},5\n,,5\n".encode())


def openpyxl_books():
    def book(name, change):
        b = openpyxl.Workbook()
        s = b.active
        s.title = "May"
        for r in [HEAD] + ROWS:
            s.append(r)
        change(b, s)
        b.save(name)

    def hidden_rows(b, s):
        s.row_dimensions[3].hidden = True
        s.auto_filter.ref = "A1:F4"

    def hidden_column(b, s):
        s.column_dimensions["C"].hidden = True

    def hidden_sheet(b, s):
        s.sheet_state = "hidden"
        b.create_sheet("Notes")["A1"] = "nothing here"

    def two_sheets(b, s):
        b.copy_worksheet(s).title = "June"

    def merged(b, s):
        s["A3"] = s["D3"] = None
        s.merge_cells("A2:A3")
        s.merge_cells("D2:D3")
        s["A2"].alignment = Alignment(vertical="top")

    def merged_title(b, s):
        s.insert_rows(3)
        s["A3"] = "Second week"
        s.merge_cells("A3:F3")

    def numbers(b, s):
        for row, (value, code) in enumerate([(46701740605, '"+"0'), (701740606, "0000000000"), (46701740607, "0.00E+00")], 2):
            s.cell(row, 3, value).number_format = code
        s.append([ID % 4, "date", __import__("datetime").date(2026, 5, 4), "SE"])
        s.append([ID % 5, "truth", True, "SE"])
        s.append([ID % 6, "formula", "=C2", "SE"])
        s.append([ID % 7, "error", "#N/A", "SE"])

    def title(b, s):
        s.insert_rows(1, 3)
        s["A1"] = "Reminders, May"

    for name, change in {
        "openpyxl-plain.xlsx": lambda b, s: None, "openpyxl-named.csv": lambda b, s: None,
        "openpyxl-hidden-rows.xlsx": hidden_rows, "openpyxl-hidden-column.xlsx": hidden_column,
        "openpyxl-hidden-sheet.xlsx": hidden_sheet, "openpyxl-two-sheets.xlsx": two_sheets,
        "openpyxl-merged.xlsx": merged, "openpyxl-merged-title.xlsx": merged_title,
        "openpyxl-numbers.xlsx": numbers, "openpyxl-title.xlsx": title,
    }.items():
        book(name, change)


def libreoffice():
    """44 is the comma, 59 the semicolon, 9 the tab; 34 and 39 the quotes; 76 UTF-8, 1 Windows-1252."""
    def convert(source, target, name):
        with tempfile.TemporaryDirectory() as d:
            subprocess.run(["soffice", f"-env:UserInstallation=file://{d}/profile", "--headless", "--convert-to", target,
                            "--outdir", d, source], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            made = os.path.splitext(os.path.basename(source))[0] + "." + target.split(":")[0]
            raw(name, open(os.path.join(d, made), "rb").read())

    plain = "openpyxl-plain.xlsx"
    convert(plain, "csv:Text - txt - csv (StarCalc):44,34,76,1", "libreoffice-comma.csv")
    convert(plain, "csv:Text - txt - csv (StarCalc):59,34,1,1,,0,true", "libreoffice-cp1252.csv")
    convert(plain, "csv:Text - txt - csv (StarCalc):9,39,76,1,,0,true", "libreoffice-single-quotes.csv")
    convert("openpyxl-merged.xlsx", "xlsx", "libreoffice-merged.xlsx")
    convert("openpyxl-hidden-rows.xlsx", "xlsx", "libreoffice-hidden-rows.xlsx")
    convert("openpyxl-numbers.xlsx", "xlsx", "libreoffice-numbers.xlsx")
    convert(plain, "xlsm:Calc MS Excel 2007 VBA XML", "libreoffice-macros.xlsm")
    convert(plain, "ods", "libreoffice.ods")
    convert(plain, "xls", "libreoffice.xls")
    convert(plain, "html", "libreoffice-html.xls")


def gnumeric():
    for name in ("gnumeric.xlsx", "gnumeric.csv", "gnumeric.gnumeric"):
        subprocess.run(["ssconvert", "openpyxl-plain.xlsx", name], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    subprocess.run(["ssconvert", "openpyxl-numbers.xlsx", "gnumeric-numbers.xlsx"], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


python_csv()
by_hand()
openpyxl_books()
libreoffice()
gnumeric()
