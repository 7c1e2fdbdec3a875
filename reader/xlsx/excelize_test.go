package xlsx

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"hppsend/pipeline"
)

// contact is what stands in a generated cell: text of many kinds, a number, a boolean, or nothing.
func contact(random *rand.Rand) any {
	texts := []string{
		"anna@example.com", "R&D <\"'>", "  kept  ", "Åsa Öberg", "東京", "😀 e\u0301", "line\nbreak", "_x000D_", "0701740605", "+46 70-174 06 05", "]]>", "a\tb",
	}
	switch random.IntN(8) {
	case 0:
		return nil
	case 1:
		return random.IntN(2) == 0
	case 2:
		return 46_701_740_605 + random.Int64N(95)
	case 3:
		return (random.Float64() - 0.5) * 1e6
	default:
		return texts[random.IntN(len(texts))] + strconv.Itoa(random.IntN(50))
	}
}

// generated is a workbook of contacts, its strings in the cells or in the table.
func generated(t testing.TB, rows, columns int, inline bool) []byte {
	t.Helper()
	random := rand.New(rand.NewPCG(uint64(rows), uint64(columns)))
	f := excelize.NewFile()
	defer f.Close()
	var w *excelize.StreamWriter
	if inline {
		var err error
		if w, err = f.NewStreamWriter("Sheet1"); err != nil {
			t.Fatal(err)
		}
	}
	for row := 1; row <= rows; row++ {
		if random.IntN(40) == 0 {
			continue // a gap
		}
		values := make([]any, columns)
		for i := range values {
			values[i] = contact(random)
			at, err := excelize.CoordinatesToCellName(i+1, row)
			if text, ok := values[i].(string); err == nil && !inline && ok {
				err = f.SetCellStr("Sheet1", at, text)
			} else if err == nil && !inline && values[i] != nil {
				err = f.SetCellValue("Sheet1", at, values[i])
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if inline {
			at, _ := excelize.CoordinatesToCellName(1, row)
			if err := w.SetRow(at, append(values, excelize.Cell{Formula: "1+1", Value: row})); err != nil {
				t.Fatal(err)
			}
		}
	}
	if inline {
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Whatever excelize writes is read as excelize reads it.
func TestAsExcelizeReads(t *testing.T) {
	for _, inline := range []bool{true, false} {
		t.Run(fmt.Sprintf("inline %t", inline), func(t *testing.T) {
			content := generated(t, 2000, 9, inline)
			oracle, err := excelize.OpenReader(bytes.NewReader(content), excelize.Options{RawCellValue: true})
			if err != nil {
				t.Fatal(err)
			}
			defer oracle.Close()
			want, err := oracle.Rows("Sheet1")
			if err != nil {
				t.Fatal(err)
			}
			defer want.Close()
			b, err := open(file(t, content), Limits{})
			if err != nil {
				t.Fatal(err)
			}
			at, cells := 0, 0
			for row, err := range b.Rows("Sheet1") {
				if err != nil {
					t.Fatal(err)
				}
				var texts []string
				for ; at < row.Number; at++ {
					if len(texts) > 0 || !want.Next() {
						t.Fatalf("row %d is not of excelize", row.Number)
					}
					if texts, err = want.Columns(); err != nil {
						t.Fatal(err)
					}
				}
				for i, c := range row.Cells {
					text := ""
					if i < len(texts) {
						text = texts[i]
					}
					if !sameAs(c, text) {
						t.Fatalf("row %d, column %d: %+v, and excelize reads %q", row.Number, i, c, text)
					}
					cells++
				}
				if len(texts) > len(row.Cells) {
					t.Fatalf("row %d: excelize reads %q beyond", row.Number, texts[len(row.Cells):])
				}
			}
			if want.Next() || cells < 10_000 {
				t.Errorf("%d cells in %d rows", cells, at)
			}
		})
	}
}

// sameAs compares with a raw value as excelize gives it.
func sameAs(c Cell, raw string) bool {
	switch c.Kind {
	case pipeline.CellNumber:
		got, err := strconv.ParseFloat(c.Text, 64)
		want, err2 := strconv.ParseFloat(raw, 64)
		return errors.Join(err, err2) == nil && (got == want || abs(got-want) <= abs(want)*5e-15)
	case pipeline.CellBool:
		return raw == map[string]string{"TRUE": "1", "FALSE": "0"}[c.Text] || strings.EqualFold(raw, c.Text)
	}
	return c.Text == raw
}

func abs(f float64) float64 { return max(f, -f) }

// onlySheet gives a workbook of nothing but a sheet S.
func onlySheet(xml []byte) parts {
	return bare(string(xml)).with("xl/_rels/workbook.xml.rels", related("worksheet", "worksheets/sheet1.xml"),
		"xl/styles.xml", "", "xl/sharedStrings.xml", "")
}

func partOf(t testing.TB, content []byte, name string) []byte {
	t.Helper()
	r, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	part, err := r.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(part)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// allOf reads the only sheet of a workbook.
func allOf(content []byte, name func([]byte) string) ([]Row, error) {
	b, err := open(name(content), Limits{})
	if err != nil {
		return nil, err
	}
	return rowsOf(b, "S")
}

func overwrite(t testing.TB, name string, content []byte) string {
	t.Helper()
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// A workbook in which a byte was changed or whose end is missing is refused, or read as if it were whole.
func TestDamage(t *testing.T) {
	clean := onlySheet(partOf(t, generated(t, 3000, 1, true), "xl/worksheets/sheet1.xml"))
	for name, c := range map[string]struct {
		method uint16
		bytes  int // how many are changed
	}{"deflated": {zip.Deflate, 400}, "stored": {zip.Store, 1000}} {
		content := clean.zip(t, c.method)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want, err := allOf(content, func(b []byte) string { return file(t, b) })
			if err != nil || len(want) < 2900 {
				t.Fatalf("%d rows, %v", len(want), err)
			}
			random := rand.New(rand.NewPCG(3, 4))
			place := file(t, nil)
			refused := 0
			for i := range c.bytes + 200 {
				damaged := bytes.Clone(content)
				at := random.IntN(len(damaged))
				if i < c.bytes {
					damaged[at] ^= byte(1 + random.IntN(255))
				} else {
					damaged = damaged[:at]
				}
				got, err := allOf(damaged, func(b []byte) string { return overwrite(t, place, b) })
				var f *Fault
				switch {
				case errors.As(err, &f):
					refused++
				case err != nil || i >= c.bytes:
					t.Fatalf("byte %d of %d, case %d: %v", at, len(content), i, err)
				case !cmp.Equal(want, got):
					t.Fatalf("byte %d of %d is changed, unseen", at, len(content))
				}
			}
			if refused < c.bytes+100 {
				t.Errorf("only %d were refused", refused)
			}
		})
	}
}

// A byte changed before the workbook was packed, which no checksum tells: it is refused, or no other
// cell than the one it is in is read otherwise.
func TestDamageInsideThePart(t *testing.T) {
	xml := partOf(t, generated(t, 100, 4, true), "xl/worksheets/sheet1.xml")
	place := file(t, onlySheet(xml).zip(t, zip.Store))
	want, err := allOf(nil, func([]byte) string { return place })
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(5, 6))
	refused, same, changed, moved := 0, 0, 0, 0
	for range 1000 {
		damaged := bytes.Clone(xml)
		at := random.IntN(len(damaged))
		damaged[at] ^= byte(1 + random.IntN(255))
		content := onlySheet(damaged).zip(t, zip.Store)
		got, err := allOf(content, func(b []byte) string { return overwrite(t, place, b) })
		var f *Fault
		if err != nil {
			if refused++; !errors.As(err, &f) {
				t.Fatal(err)
			}
			continue
		}
		row, cell := around(xml, at)
		switch others := different(want, got); {
		case len(others) == 0:
			same++
		case len(others) == 1 && (others[0] == cell || others[0] == row):
			changed++
		case len(others) == 2 && slices.Contains(others, cell) && at-bytes.LastIndex(xml[:at], []byte("<c r=")) < len(`<c r="A100`):
			moved++ // to where no cell was, as its name says
		default:
			t.Errorf("%q for %q in %s made %q", damaged[at], xml[at], xml[max(0, at-60):min(len(xml), at+60)], others)
		}
	}
	if t.Logf("%d refused, %d the same, %d changed their cell, %d moved it", refused, same, changed, moved); refused < 800 || changed == 0 {
		t.Error("those are too few")
	}
}

// around tells the row and the cell in which a byte of a sheet stands.
func around(xml []byte, at int) (row, cell string) {
	last := func(mark string) string {
		i := bytes.LastIndex(xml[:min(len(xml), at+len(mark))], []byte(mark))
		if i < 0 {
			return ""
		}
		value, _, _ := strings.Cut(string(xml[i+len(mark):min(len(xml), i+30)]), `"`)
		return value
	}
	return last(`<row r="`), last(`<c r="`)
}

func at(r Row, column int) Cell {
	if column < len(r.Cells) {
		return r.Cells[column]
	}
	return Cell{}
}

// different names the cells and rows that are not the same in both.
func different(want, got []Row) (names []string) {
	if len(want) != len(got) {
		return []string{"the count of rows", fmt.Sprint(len(got))}
	}
	for i, w := range want {
		g := got[i]
		if w.Number != g.Number || w.Hidden != g.Hidden {
			names = append(names, strconv.Itoa(w.Number))
		}
		for k := range max(len(w.Cells), len(g.Cells)) {
			if at(w, k) != at(g, k) {
				name, _ := excelize.CoordinatesToCellName(k+1, w.Number)
				names = append(names, name)
			}
		}
	}
	return names
}
