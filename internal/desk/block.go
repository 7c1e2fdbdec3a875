package desk

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// Alike gives the edits that type the same into all cells of a column that hold the same text as one of them and
// have a problem; the one itself is among them.
func (s *Seat) Alike(ctx context.Context, u *Upload, table string, cell Cell, text string) ([]Edit, error) {
	sheet, _, versions, err := s.versions(ctx, u, table)
	if err != nil {
		return nil, err
	}
	l, ok := sheet.at(spot{cell.Sheet, cell.Row})
	if !ok || cell.Column < 0 || cell.Column >= len(l.Cells) {
		return nil, notFound()
	}
	var edits []Edit
	for _, other := range sheet.Lines {
		c := Cell{other.Place.Sheet, other.Place.Row, cell.Column}
		if c == cell || other.Bad() && !other.Whole && cell.Column < len(other.Cells) && other.Cells[cell.Column] == l.Cells[cell.Column] {
			edits = append(edits, Edit{Cell: c, Text: text, Version: versions[c]})
		}
	}
	return edits, nil
}

// versions gives a sheet, if it still is the table, with its mends, and the version that each of its cells has.
func (s *Seat) versions(ctx context.Context, u *Upload, table string) (*Sheet, []Mend, map[Cell]int, error) {
	sheet, err := s.Sheet(ctx, u, false)
	if err != nil {
		return nil, nil, nil, err
	}
	if table != sheet.Table() {
		return nil, nil, nil, readOtherwise()
	}
	mends, err := s.Mends(ctx, u)
	versions := map[Cell]int{}
	for _, m := range mends {
		versions[m.Cell] = m.Version
	}
	return sheet, mends, versions, err
}

// Block reads what was copied from a spreadsheet program: cells by tabs, rows by line ends; one at its end begins no
// further row. A cell that begins with a quotation mark is refused: programs put one around several lines, and as it
// stands it cannot be told whether it is part of the cell.
func Block(text string) (rows [][]string, err error) {
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text)
	if text == "" {
		return nil, nil
	}
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		var row []string
		for cell := range strings.SplitSeq(line, "\t") {
			if strings.HasPrefix(strings.TrimSpace(cell), `"`) {
				return nil, &Refusal{Code: Invalid, Problem: "a cell begins with a quotation mark, which may stand around several lines", Todo: "type that cell by itself"}
			}
			if cell, err = CleanCell(cell); err != nil {
				return nil, err
			}
			row = append(row, cell)
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// Pasted gives the edits that fill cells from one on with a block, in the rows as they are shown: those with a
// problem, or all with one kind of problem. Columns go on to the right.
func (s *Seat) Pasted(ctx context.Context, u *Upload, table string, from Cell, code string, block [][]string) ([]Edit, error) {
	sheet, mends, versions, err := s.versions(ctx, u, table)
	if err != nil {
		return nil, err
	}
	lines := slices.DeleteFunc(slices.Clone(sheet.Lines), func(l Line) bool { return code != "" && !l.Has(code) && !isMended(mends, l) })
	at := slices.IndexFunc(lines, func(l Line) bool { return spotOf(l.Place) == spot{from.Sheet, from.Row} })
	if at < 0 {
		return nil, notFound()
	}
	var edits []Edit
	for i, cells := range block {
		if at+i >= len(lines) {
			return nil, &Refusal{Code: Invalid, Problem: fmt.Sprintf("the block has more rows (%d) than there are from this one on (%d)", len(block), len(lines)-at), Todo: "copy as many rows as are shown"}
		}
		for j, text := range cells {
			if from.Column+j >= len(sheet.Input.Columns) {
				return nil, &Refusal{Code: Invalid, Problem: fmt.Sprintf("the block has more columns (%d) than there are from this one on (%d)", len(cells), len(sheet.Input.Columns)-from.Column), Todo: "begin further to the left, or copy fewer columns"}
			}
			c := Cell{lines[at+i].Place.Sheet, lines[at+i].Place.Row, from.Column + j}
			edits = append(edits, Edit{Cell: c, Text: text, Version: versions[c]})
		}
	}
	return edits, nil
}

func isMended(mends []Mend, l Line) bool {
	return slices.ContainsFunc(mends, func(m Mend) bool { return !m.Own && spotOf(l.Place) == spot{m.Sheet, m.Row} })
}
