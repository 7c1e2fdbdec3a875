package reader

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"hppsend/pipeline"
)

// writeCSV and writeBook write the same table.
func writeCSV(t *testing.T, path string, rows [][]string) {
	t.Helper()
	var b strings.Builder
	for _, row := range rows {
		for i, cell := range row {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(`"` + strings.ReplaceAll(cell, `"`, `""`) + `"`)
		}
		b.WriteByte('\n')
	}
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}

func writeBook(t *testing.T, path string, rows [][]string) {
	t.Helper()
	book := excelize.NewFile()
	for r, row := range rows {
		for c, cell := range row {
			at, _ := excelize.CoordinatesToCellName(c+1, r+1)
			if err := book.SetCellStr("Sheet1", at, cell); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := book.SaveAs(path); err != nil {
		t.Fatal(err)
	}
}

const mendedID = "5f1e7a60-1111-4222-8333-%012d"

// Every cell of a table, mended to every kind of text, is read as it is in a file that holds that text.
func TestMendIsAsIfTyped(t *testing.T) {
	table := func() [][]string {
		rows := [][]string{{"session_id", "phone", "phone_country", "email", "name"}}
		for i := range 6 {
			rows = append(rows, []string{fmt.Sprintf(mendedID, i), fmt.Sprintf("+4670174060%d", i), "SE", fmt.Sprintf("p%d@example.com", i), "Åsa, \"A\""})
		}
		return rows
	}
	texts := []string{"", " ", "+46701740605", "0701740605", "1.5", "'=1", "=1+1", "-", "x,y", `a"b`, "TRUE", "#N/A", "p@example.com", "a\tb", "a\nb", "\u00a0x", fmt.Sprintf(mendedID, 99)}
	for _, ext := range []string{".csv", ".xlsx"} {
		write, sheet := writeCSV, ""
		if ext == ".xlsx" {
			write, sheet = writeBook, "Sheet1"
		}
		dir := t.TempDir()
		original := filepath.Join(dir, "in"+ext)
		write(t, original, table())
		for column := range 5 {
			for _, text := range texts {
				row := 3 + column%3
				rows := table()
				rows[row-1][column] = text
				typed := filepath.Join(dir, "typed"+ext)
				write(t, typed, rows)
				want, err := mended(t, typed, Options{})
				if err != nil {
					t.Fatal(err)
				}
				got, err := mended(t, original, Options{Mends: []Mend{{sheet, row, column, "", text}}})
				if err != nil {
					t.Fatalf("%s, row %d, column %d, %q: %v", ext, row, column, text, err)
				}
				for i := range want {
					want[i].File, want[i].Line, want[i].LastLine = original, got[i].Line, got[i].LastLine // a text editor shows other lines
				}
				if diff := cmp.Diff(want, got, cmp.AllowUnexported(pipeline.Link{})); diff != "" {
					t.Errorf("%s, row %d, column %d, %q (-typed +mended):\n%s", ext, row, column, text, diff)
				}
			}
		}
	}
}

// A mend takes away what is said of the cell as it was: its format, its link, and that it was merged.
func TestMendTakesAwayTheCell(t *testing.T) {
	path := filepath.Join(t.TempDir(), "in.xlsx")
	writeBook(t, path, [][]string{
		{"session_id", "phone", "email"},
		{fmt.Sprintf(mendedID, 1), "", "a@example.com"},
		{fmt.Sprintf(mendedID, 2), "", "b@example.com"},
		{fmt.Sprintf(mendedID, 3), "", "c@example.com"},
	})
	book, err := excelize.OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{
		book.SetCellValue("Sheet1", "B2", 4.67017406051234567e17),
		book.SetCellBool("Sheet1", "B3", true),
		book.SetCellHyperLink("Sheet1", "C2", "mailto:other@example.com", "External"),
		book.MergeCell("Sheet1", "B4", "C4"),
		book.Save(),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	before, err := mended(t, path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	after, err := mended(t, path, Options{Mends: []Mend{
		{"Sheet1", 2, 1, "", "+46701740605"},
		{"Sheet1", 2, 2, "", "a@example.com"},
		{"Sheet1", 3, 1, "", "+46701740606"},
		{"Sheet1", 4, 1, "", "+46701740607"},
		{"Sheet1", 4, 2, "", "c@example.com"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	for i, row := range after {
		if len(before[i].Faults) == 0 {
			t.Errorf("row %d had no fault", row.Row)
		}
		if len(row.Faults)+len(row.Links) > 0 || row.Fields.Phone != fmt.Sprintf("+4670174060%d", 5+i) {
			t.Errorf("row %d: %+v", row.Row, row)
		}
	}
}

// What a mend is of has to be there.
func TestMendsOfNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "in.csv")
	text := "session_id,email\n" + fmt.Sprintf(mendedID, 1) + ",a@example.com\n\n" + fmt.Sprintf(mendedID, 2) + ",b@example.com,too,many\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, m := range []Mend{{"", 1, 1, "", "x"}, {"", 3, 1, "", "x"}, {"", 4, 1, "", "x"}, {"", 5, 1, "", "x"}, {"Sheet1", 2, 1, "", "x"}, {"", 2, 2, "", "x"}, {"", 2, -1, "", "x"}, {"", 2, 1, "as it was", "x"}} {
		if _, err := mended(t, path, Options{Mends: []Mend{m}}); err == nil {
			t.Errorf("%+v: no error", m)
		}
	}
}

// The content is that of the file and of every mend, in any order.
func TestContent(t *testing.T) {
	file := [32]byte{1}
	a, b := Mend{"S", 2, 1, "", "x"}, Mend{"S", 12, 1, "", "y"}
	if Content(file, nil) != file {
		t.Error("a file without mends has another content than its bytes")
	}
	seen := map[[32]byte][]Mend{}
	for _, all := range [][]Mend{nil, {a}, {b}, {a, b}, {{"S", 2, 1, "", "y"}}, {{"S", 2, 2, "", "x"}}, {{"S", 1, 21, "", "x"}}, {{"", 2, 1, "", "x"}}, {{"S", 21, 1, "", "x"}}} {
		sum := Content(file, all)
		if other, ok := seen[sum]; ok {
			t.Errorf("%v and %v have one content", other, all)
		}
		seen[sum] = all
	}
	if Content(file, []Mend{a, b}) != Content(file, []Mend{b, a}) {
		t.Error("the order of mends counts")
	}
}

// A file that is kept elsewhere, in another form, is read as the file itself.
func TestKept(t *testing.T) {
	dir := t.TempDir()
	for _, ext := range []string{".csv", ".xlsx"} {
		plain := filepath.Join(dir, "plain"+ext)
		rows := [][]string{{"session_id", "email"}, {fmt.Sprintf(mendedID, 1), "a@example.com"}}
		if ext == ".csv" {
			writeCSV(t, plain, rows)
		} else {
			writeBook(t, plain, rows)
		}
		b, err := os.ReadFile(plain)
		if err != nil {
			t.Fatal(err)
		}
		for i := range b {
			b[i] ^= 0x5a
		}
		kept := filepath.Join(dir, "kept")
		if err := os.WriteFile(kept, b, 0o600); err != nil {
			t.Fatal(err)
		}
		want, err := mended(t, plain, Options{})
		if err != nil {
			t.Fatal(err)
		}
		got, err := mended(t, plain, Options{Kept: &Kept{kept, func(f *os.File) (io.ReaderAt, int64, error) {
			b, err := io.ReadAll(f)
			for i := range b {
				b[i] ^= 0x5a
			}
			return bytes.NewReader(b), int64(len(b)), err
		}}})
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%v (-plain +kept):\n%s", err, diff)
		}
	}
}

func mended(t *testing.T, path string, opt Options) ([]pipeline.Row, error) {
	t.Helper()
	f, err := Open(path, opt)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var rows []pipeline.Row
	for row, err := range pipeline.Rows(f) {
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}
