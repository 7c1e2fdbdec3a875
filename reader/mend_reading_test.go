package reader

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"hppsend/pipeline"
)

// spelled gives the data cells of a file as it is read, each as a mend that changes nothing.
func spelled(t *testing.T, path string, opt Options) ([]Mend, error) {
	t.Helper()
	f, err := Open(path, opt)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var cells []Mend
	for row, err := range pipeline.Rows(f) {
		if err != nil {
			return nil, err
		}
		for i, cell := range row.Cells {
			cells = append(cells, Mend{row.Sheet, row.Row, i, Table(f.Input()), cell.Text})
		}
	}
	return cells, nil
}

// Whatever cell was mended as a file was read, however the file is read then: the text is in that very cell and in no
// other, or the file is refused.
func TestMendUnderAnotherReading(t *testing.T) {
	t.Parallel()
	id := func(n int) string { return fmt.Sprintf(mendedID, n) }
	dir := t.TempDir()
	for name, text := range map[string]string{
		"titles.csv": "Export,May\n\nsession_id,email,note\n" + id(1) + ",a@example.com,x;y\n\n" + id(2) + ",b@example.com,u|v\n",
		"breaks.csv": "session_id,note,email\n" + id(1) + ",\"two\nlines, and\nthree\",a@example.com\n" + id(2) + ",one,b@example.com\n" + id(3) + ",short\n",
		"twice.csv":  "session_id,email,note\n" + id(1) + ",a@example.com,x\nsession_id,email,note\n" + id(2) + ",b@example.com,y\n",
		"two.csv":    "session_id,email,note\n" + id(1) + ",a@example.com,x\nsession_id;email;note\n" + id(2) + ";b@example.com;y\n" + id(3) + ";c@example.com;z\n",
		"turned.csv": "session_id,email,email 2\n" + id(1) + ",a@example.com,c@example.com\nsession_id\temail 2\temail\n" + id(2) + "\td@example.com\tb@example.com\n",
		"bytes.csv":  "session_id,email,n\xe4me\n" + id(1) + ",a@example.com,\xe5\n" + id(2) + ",b@example.com,\xf6\n",
		"shift.csv":  "session_id,note,email\n" + id(1) + ",\"a\nb\",a@example.com\nsession_id;note;email\n" + id(2) + ";x;b@example.com\n" + id(3) + ";y;c@example.com\n" + id(4) + ";z;d@example.com\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	book := excelize.NewFile()
	for sheet, rows := range map[string][][]any{
		"Sheet1": {{"May"}, {"session_id", "email", "note"}, {id(1), "a@example.com", "x"}, {"session_id", "note", "email"}, {id(2), "y", "b@example.com"}},
		"Sheet2": {{"session_id", "note", "email"}, {id(3), "z", "c@example.com"}, {id(4), "w", "d@example.com"}, {id(5), "v", "e@example.com"}},
	} {
		if _, err := book.NewSheet(sheet); err != nil {
			t.Fatal(err)
		}
		for i, row := range rows {
			if err := book.SetSheetRow(sheet, fmt.Sprintf("A%d", i+1), &row); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := book.SaveAs(filepath.Join(dir, "book.xlsx")); err != nil {
		t.Fatal(err)
	}

	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	landed, refused := 0, 0
	for _, path := range files {
		readings, of := map[string]Options{}, map[string][]Mend{} // by what is read
		typed := map[Mend]bool{}
		for _, opt := range everyReading(path) {
			cells, err := spelled(t, path, opt)
			if err != nil {
				continue
			}
			read := fmt.Sprint(cells)
			readings[read], of[read] = opt, cells
			for _, cell := range cells {
				typed[cell] = true
			}
		}
		for cell := range typed {
			mend := cell
			mend.Text = "typed@example.com"
			for read, opt := range readings {
				opt.Mends = []Mend{mend}
				got, err := spelled(t, path, opt)
				if err != nil {
					refused++
					continue
				}
				landed++
				want := slices.Clone(of[read])
				for i, c := range want {
					if c.Sheet == cell.Sheet && c.Row == cell.Row && c.Column == cell.Column && c.Text == cell.Text {
						want[i] = mend
					}
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s: %+v, mended, read by %+v (-want +got):\n%s", filepath.Base(path), cell, opt, diff)
				}
			}
		}
	}
	if landed < 100 || refused < 100 {
		t.Errorf("%d mends landed, and %d were refused", landed, refused)
	}
}

// everyReading gives the ways to read a file that change which cell is which, and some that do not.
func everyReading(path string) (all []Options) {
	encodings, delimiters, sheets := []string{"", "windows-1252"}, []rune{0, ',', ';', '\t', '|'}, []string{""}
	if filepath.Ext(path) == ".xlsx" {
		encodings, delimiters, sheets = []string{""}, []rune{0}, []string{"", "Sheet1", "Sheet2"}
	}
	for headerRow := range 7 {
		for _, encoding := range encodings {
			for _, delimiter := range delimiters {
				for _, sheet := range sheets {
					for _, columns := range []map[string]string{nil, {"email": "email"}, {"email": "email 2"}, {"email": ""}} {
						for _, ragged := range []string{"", RaggedPad} {
							all = append(all, Options{HeaderRow: headerRow, Encoding: encoding, Ragged: ragged, Delimiter: delimiter, Sheet: sheet, Map: columns, Sessions: true})
						}
					}
				}
			}
		}
	}
	return all
}
