package reader

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"slices"
	"strconv"

	"hppsend/pipeline"
	"hppsend/reader/xlsx"
)

// Mend is what a person has typed in the place of a cell. The row is read as if the cell held that text
// and nothing else: without a format, a formula, a link, and not merged with others. The file itself is never
// touched.
type Mend struct {
	Sheet  string // empty for CSV
	Row    int    // as a spreadsheet program shows it
	Column int    // index of Input.Columns
	Table  string // [Table] of the file as it was read when that was typed; empty: as it is read now
	Text   string
}

// Table tells how a file is cut into cells. Wherever it is the same, each cell of the file is where it was: other
// delimiters, headers or sheets have another one, and so has a file that has other columns.
func Table(in pipeline.Input) string {
	h := sha256.New()
	for _, text := range append([]string{in.Encoding, string(in.Dialect.Delimiter), in.Sheet, strconv.Itoa(in.HeaderRow)}, in.Columns...) {
		part(h, text)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// part adds a text to a digest in such a way that no two lists of texts have the same.
func part(h hash.Hash, text string) {
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(text))))
	io.WriteString(h, text)
}

// typed is a mend as the rows of a table see it.
type typed struct {
	at   int // the column, of all
	text string
}

// spot is a row of a file.
type spot struct {
	sheet string
	row   int
}

// mends are what was typed, by row.
type mends map[spot][]typed

// mend takes in what was typed.
func (f *File) mend(all []Mend) error {
	if len(all) == 0 {
		return nil
	}
	columns, m, table := f.header.inputColumns, mends{}, Table(f.input)
	for _, one := range all {
		if one.Table != "" && one.Table != table {
			return f.astray("cells were changed, and would be others as the file is read now")
		}
		if one.Column < 0 || one.Column >= len(columns) {
			return f.astray(fmt.Sprintf("column %d was changed, and there are %d", one.Column+1, len(columns)))
		}
		at := spot{one.Sheet, one.Row}
		m[at] = append(m[at], typed{columns[one.Column], one.Text})
	}
	f.header.mends = m
	if b, ok := f.format.(*bookFile); ok { // the columns of one report's sheets are the same
		for i := range b.sheets {
			b.sheets[i].header.mends = m
		}
	}
	return nil
}

// astray refuses mends that are of no cell of the table.
func (f *File) astray(problem string) error {
	return &pipeline.Error{
		Kind: pipeline.BadInput, Place: pipeline.Place{File: f.input.Path}, Problem: problem,
		Todo: "read the file as it was read when that was typed, or undo the changes",
	}
}

// at gives what was typed into a row.
func (m mends) at(p pipeline.Place) []typed { return m[spot{p.Sheet, p.Row}] }

// inCells puts what was typed into a row of a sheet, which stays as it is.
func inCells(row xlsx.Row, all []typed) xlsx.Row {
	cells := slices.Clone(row.Cells)
	for _, t := range all {
		for len(cells) <= t.at {
			cells = append(cells, xlsx.Cell{})
		}
		cells[t.at] = xlsx.Cell{Cell: pipeline.Cell{Text: t.text}, Present: true}
	}
	row.Cells = cells
	row.Links = slices.DeleteFunc(slices.Clone(row.Links), func(l xlsx.FormulaLink) bool { return isTyped(all, l.Column) })
	return row
}

func isTyped(all []typed, at int) bool {
	return slices.ContainsFunc(all, func(t typed) bool { return t.at == at })
}

// Content identifies a file together with its mends: the SHA-256 of the file's bytes where there is no mend.
// The order of the mends does not matter; each cell is mended once.
func Content(file [32]byte, all []Mend) [32]byte {
	if len(all) == 0 {
		return file
	}
	all = slices.SortedFunc(slices.Values(all), func(a, b Mend) int {
		return cmp.Or(cmp.Compare(a.Sheet, b.Sheet), cmp.Compare(a.Row, b.Row), cmp.Compare(a.Column, b.Column))
	})
	h := sha256.New()
	part(h, "hppsend mended file 1")
	h.Write(file[:])
	for _, m := range all {
		part(h, m.Sheet)
		part(h, fmt.Sprintf("%d %d", m.Row, m.Column))
		part(h, m.Text)
	}
	return [32]byte(h.Sum(nil))
}

// unmet refuses mends of rows that the file does not have.
func (f *File) unmet(met int) error {
	n := len(f.header.mends)
	if met == n {
		return nil
	}
	return f.astray(fmt.Sprintf("cells of %d rows were changed, and %d of these cannot be told from others as the file is read now", n, n-met))
}
