//go:build oracle

package xlsx

import (
	"encoding/csv"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hppsend/pipeline"
)

// written is what the other programs are asked to write: text, a number with a decimal, and a whole one.
func written() (rows [][]string) {
	texts := []string{"anna@example.com", `R&D <"'>`, "Åsa Öberg", "東京 😀", "e\u0301", "a;b,c", "it's", "line\nbreak", "]]>", "x_y_z"}
	for i := range 500 {
		rows = append(rows, []string{
			fmt.Sprintf("row %d", i), texts[i%len(texts)], strconv.FormatFloat(float64(i)*1.25-100, 'f', -1, 64),
			strconv.Itoa(46_701_740_605 + i%95), "",
		})
		if i%3 == 0 {
			rows[i][4] = texts[(i+1)%len(texts)]
		}
	}
	return rows
}

// run runs a program in a folder of its own.
func run(t *testing.T, dir, program string, args ...string) {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", program, err, out)
	}
}

// asWritten compares a workbook, cell by cell, with what its program was asked to write.
func asWritten(t *testing.T, name string, want [][]string) {
	t.Helper()
	b, err := open(name, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := rowsOf(b, b.Sheets()[0].Name)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != len(want) {
		t.Fatalf("%d rows, want %d", len(got), len(want))
	}
	for i, row := range got {
		if row.Number != i+1 || row.Hidden {
			t.Errorf("row %d has the number %d, hidden %t", i+1, row.Number, row.Hidden)
		}
		var texts []string
		for c := range want[i] {
			cell := at(row, c)
			texts = append(texts, cell.Text)
			if isNumber := cell.Kind == pipeline.CellNumber; isNumber != (c == 2 || c == 3) || cell.Date || cell.DigitsLost {
				t.Errorf("row %d, column %d: %+v", i+1, c, cell)
			}
		}
		if diff := cmp.Diff(want[i], texts); diff != "" {
			t.Errorf("row %d: %s", i+1, diff)
		}
	}
}

func writeCSV(t *testing.T, name string, rows [][]string) {
	t.Helper()
	var b strings.Builder
	w := csv.NewWriter(&b)
	if err := w.WriteAll(rows); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestOracleLibreOffice(t *testing.T) {
	want := written()
	dir := t.TempDir()
	profile := "-env:UserInstallation=file://" + filepath.ToSlash(filepath.Join(dir, "profile"))
	convert := func(to, from string) {
		run(t, dir, "soffice", profile, "--headless", "--infilter=CSV:44,34,76,1,,1033", "--convert-to", to, from)
	}
	writeCSV(t, filepath.Join(dir, "direct.csv"), want)
	convert("xlsx", "direct.csv")
	asWritten(t, filepath.Join(dir, "direct.xlsx"), want)
	writeCSV(t, filepath.Join(dir, "over.csv"), want)
	convert("ods", "over.csv")
	run(t, dir, "soffice", profile, "--headless", "--convert-to", "xlsx", "over.ods")
	asWritten(t, filepath.Join(dir, "over.xlsx"), want)
}

const openpyxlScript = `
import csv, sys, openpyxl
for name, once in (("whole.xlsx", False), ("once.xlsx", True)):
    book = openpyxl.Workbook(write_only=once)
    sheet = book.create_sheet("S", 0)
    for row in csv.reader(open("rows.csv", encoding="utf-8", newline="")):
        row[2], row[3] = float(row[2]), int(row[3])
        sheet.append([None if cell == "" else cell for cell in row])
    book.save(name)
`

func TestOracleOpenpyxl(t *testing.T) {
	want := written()
	dir := t.TempDir()
	writeCSV(t, filepath.Join(dir, "rows.csv"), want)
	run(t, dir, "/usr/bin/python3", "-c", openpyxlScript)
	asWritten(t, filepath.Join(dir, "whole.xlsx"), want)
	asWritten(t, filepath.Join(dir, "once.xlsx"), want)
}

const typesScript = `
import datetime, openpyxl
book = openpyxl.Workbook()
s = book.active
s.append([datetime.date(2026, 5, 1), True, "=1+1", 701740605, 46701740605, "0701740605", 1234567890123456])
s["D1"].number_format, s["E1"].number_format = "0000000000", '"+"0'
s.row_dimensions[2].hidden = True
s["B2"] = "hidden"
book.create_sheet("Other").sheet_state = "hidden"
book.save("types.xlsx")
`

// The same workbook, from openpyxl and as LibreOffice saves it anew, which calculates its formula.
func TestOracleTypes(t *testing.T) {
	dir := t.TempDir()
	run(t, dir, "/usr/bin/python3", "-c", typesScript)
	profile := "-env:UserInstallation=file://" + filepath.ToSlash(filepath.Join(dir, "profile"))
	run(t, dir, "soffice", profile, "--headless", "--convert-to", "xlsx:Calc MS Excel 2007 XML", "--outdir", "again", "types.xlsx")
	for name, calculated := range map[string]bool{"types.xlsx": false, "again/types.xlsx": true} {
		b, err := open(filepath.Join(dir, name), Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if s := b.Sheets(); len(s) != 2 || s[0].Hidden || !s[1].Hidden {
			t.Errorf("%s: %+v", name, s)
		}
		rows, err := rowsOf(b, b.Sheets()[0].Name)
		if err != nil {
			t.Fatal(err)
		}
		c := rows[0].Cells
		if !c[0].Date || c[0].Text != "46143" || c[1].Text != "TRUE" || c[3].Shown != "0701740605" || c[4].Shown != "+46701740605" ||
			c[5].Text != "0701740605" || c[5].Kind != pipeline.CellText || !c[6].DigitsLost {
			t.Errorf("%s: %+v", name, c)
		}
		if !c[2].Formula || c[2].NoValue == calculated || calculated && c[2].Text != "2" {
			t.Errorf("%s: the formula is %+v", name, c[2])
		}
		if rows[0].Hidden || !rows[1].Hidden || rows[1].Cells[1].Text != "hidden" {
			t.Errorf("%s: the second row is %+v", name, rows[1])
		}
	}
}
