package xlsx

import (
	"bytes"
	"errors"
	"iter"
	"strconv"

	"github.com/xuri/excelize/v2"

	"hppsend/pipeline"
)

// The size of a sheet (the same in every program that writes XLSX).
const (
	rowsMost    = 1_048_576
	columnsMost = 16_384
)

// Row is a row that stands in the sheet. It is valid until the next one.
type Row struct {
	Number int // what a spreadsheet program shows
	Hidden bool
	Struck bool   // the row as a whole is struck out
	Cells  []Cell // by column, from A; columns without a cell are zero Cells
	Links  []FormulaLink
}

// Cell is a cell as it is stored, and what a person sees of it: Shown is there where that is known and
// is not Text.
type Cell struct {
	pipeline.Cell
	Present    bool
	Formula    bool // computed; Text is the stored result
	NoValue    bool // a formula without a stored result
	Date       bool // a number that is shown as a date or time
	DigitsLost bool // a whole number with more digits than a spreadsheet keeps
	Unclear    bool // its format shows something else than Text, and what is not known
	Struck     bool // it is struck out
	Marked     bool // a part of it is struck out, raised, lowered or invisible
}

// Rows yields the rows of a sheet, in order; rows that are not in the file are left out. The first
// *Fault ends it. It may be called any number of times.
func (b *Book) Rows(sheet string) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		s, part, err := b.part(sheet)
		if err == nil {
			defer part.Close()
			err = b.loadStrings()
		}
		if err != nil {
			yield(Row{}, err)
			return
		}
		r := &rowReader{Book: b, scanner: newScanner(part)}
		for {
			ok, err := r.row()
			if err != nil {
				f := &Fault{}
				if !errors.As(err, &f) {
					f = &Fault{Row: r.current.Number, Cell: r.cell(), Problem: "the sheet is damaged", Err: err}
				}
				f.Sheet, f.Part = s.Name, s.part
				yield(Row{}, f)
				return
			}
			if !ok || !yield(r.current, nil) {
				return
			}
		}
	}
}

// rowReader is the reading of one sheet.
type rowReader struct {
	*Book
	*scanner
	began   bool // the rows have begun
	current Row
	inCell  bool   // the last cell of the row is being read
	value   []byte // of the cell
	runs    runs   // of its text
	links   linkFormulas
}

// cell names the cell being read, for messages.
func (r *rowReader) cell() string {
	if !r.inCell {
		return ""
	}
	name, _ := excelize.CoordinatesToCellName(len(r.current.Cells), r.current.Number)
	return name
}

// row reads the next row; ok is false after the last, once the whole part has been read.
func (r *rowReader) row() (ok bool, err error) {
	if !r.began {
		if found, err := r.begin(); err != nil || !found {
			return false, err
		}
	}
	for {
		k, err := r.next()
		switch {
		case err != nil:
			return false, err
		case k == openTag && string(r.name) == "row":
			return true, r.readRow()
		case k == openTag:
			if err := r.skip(); err != nil {
				return false, err
			}
		case k == text && !blank(r.text):
			return false, errStray
		case k == closeTag: // of sheetData
			return false, r.finish()
		}
	}
}

// begin reads up to the rows.
func (r *rowReader) begin() (found bool, err error) {
	if err := r.root("worksheet"); err != nil {
		return false, err
	}
	for {
		k, err := r.next()
		switch {
		case err != nil:
			return false, err
		case k == endOfPart:
			return false, errors.New("it has no rows")
		case k != openTag:
			continue
		}
		if string(r.name) == "sheetData" {
			r.began = true
			return true, nil
		}
		if err := r.skip(); err != nil {
			return false, err
		}
	}
}

// finish reads to the end of the part, since a fault behind the rows is a fault too.
func (r *rowReader) finish() error {
	for {
		switch k, err := r.next(); {
		case err != nil || k == endOfPart:
			return err
		case k == openTag && string(r.name) == "sheetData":
			return errors.New("it has its rows twice")
		}
	}
}

func isTrue(v string) bool { return v == "1" || v == "true" }

// readRow reads the row whose tag was just opened. It is hidden if it says so or has no height; that
// rows have no height by default (zeroHeight) holds only for those that are not in the file.
func (r *rowReader) readRow() error {
	number, hidden, style, styled := r.current.Number+1, false, 0, false
	for _, a := range r.attrs {
		switch string(a.name) {
		case "r":
			n, err := strconv.Atoi(string(a.value))
			if err != nil || n < number || n > rowsMost {
				return &Fault{Row: r.current.Number, Problem: "the sheet is damaged: a row is out of order behind this one"}
			}
			number = n
		case "hidden":
			hidden = hidden || isTrue(string(a.value))
		case "ht":
			h, err := strconv.ParseFloat(string(a.value), 64)
			if err != nil {
				return errors.New("the height of a row is no number")
			}
			hidden = hidden || h == 0
		case "s":
			n, err := r.style(a.value)
			if err != nil {
				return err
			}
			style = n
		case "customFormat":
			styled = isTrue(string(a.value))
		case "spans", "customHeight", "outlineLevel", "collapsed", "thickTop", "thickBot", "ph":
		default:
			if !bytes.Contains(a.name, []byte(":")) { // it may be one of the above, damaged
				return errAttribute
			}
		}
	}
	if number > rowsMost {
		return &Fault{Row: r.current.Number, Problem: "the sheet is damaged: it has too many rows"}
	}
	r.current = Row{Number: number, Hidden: hidden, Struck: styled && r.looks[style].struck, Cells: r.current.Cells[:0], Links: r.current.Links[:0]}
	for {
		k, err := r.next()
		switch {
		case err != nil:
			return err
		case k == text && !blank(r.text):
			return errStray
		case k == closeTag:
			r.current.Links = r.links.resolve(r.current)
			return nil
		case k == openTag && string(r.name) == "c":
			r.inCell = true
			if err := r.readCell(); err != nil {
				return err
			}
			r.inCell = false
		case k == openTag:
			if err := r.skip(); err != nil {
				return err
			}
		}
	}
}

var errAttribute = errors.New("a row or cell has an attribute that spreadsheets do not know")

// kinds are those of cells. They are known before there is a value, so that none is passed over.
var kinds = [...]string{"s", "n", "inlineStr", "str", "b", "e", "d"}

// readCell reads the cell whose tag was just opened into its column.
func (r *rowReader) readCell() error {
	column, style, kind := len(r.current.Cells), 0, "n"
	for _, a := range r.attrs {
		switch string(a.name) {
		case "r":
			c, row, ok := reference(a.value)
			if !ok || row != r.current.Number || c < column || c >= columnsMost {
				return errors.New("a cell behind this one is out of order")
			}
			column = c
		case "s":
			n, err := r.style(a.value)
			if err != nil {
				return err
			}
			style = n
		case "t":
			kind = ""
			for _, k := range kinds {
				if k == string(a.value) {
					kind = k
				}
			}
		case "cm", "vm", "ph":
		default:
			if !bytes.Contains(a.name, []byte(":")) {
				return errAttribute
			}
		}
	}
	if column >= columnsMost {
		return errors.New("there are too many cells")
	}
	if kind == "" {
		return errors.New("a cell behind this one is of no known kind")
	}
	for len(r.current.Cells) <= column {
		r.current.Cells = append(r.current.Cells, Cell{})
	}
	cell := &r.current.Cells[column]
	cell.Present = true
	stored, err := r.content(cell, kind)
	if err != nil || !stored {
		return err
	}
	look := &r.looks[style]
	cell.Struck, cell.Marked = r.runs.in(look.struck)
	return r.interpret(cell, kind, look.format)
}

// style reads the number of a style.
func (r *rowReader) style(value []byte) (int, error) {
	n, err := strconv.Atoi(string(value))
	if err != nil || n < 0 || n >= len(r.looks) {
		return 0, errors.New("its style is not in the workbook")
	}
	return n, nil
}

// content reads what is in a cell: its formula, and its value or text, if it is stored.
func (r *rowReader) content(cell *Cell, kind string) (stored bool, err error) {
	r.value, r.runs = r.value[:0], 0
	for {
		k, err := r.next()
		if err != nil {
			return false, err
		}
		switch {
		case k == text && !blank(r.text):
			return false, errStray
		case k == closeTag:
			cell.NoValue = cell.Formula && !stored
			return stored, nil
		case k != openTag:
			continue
		}
		switch name := string(r.name); name {
		case "v", "is":
			if stored {
				return false, errors.New("a cell has two values")
			}
			stored = true
			switch isText := kind == "inlineStr"; {
			case isText != (name == "is"):
				return false, errors.New("the value of a cell is not of its kind")
			case isText:
				r.value, r.runs, err = r.richText(r.value)
			default:
				r.value, err = r.plain(r.value)
			}
		case "f":
			cell.Formula = true
			err = r.links.read(r.scanner, len(r.current.Cells)-1, r.current.Number)
		default:
			err = r.skip()
		}
		if err != nil {
			return false, err
		}
	}
}

// interpret says what a stored value means. The value stays out of messages: it may be a contact.
func (r *rowReader) interpret(cell *Cell, kind string, f *format) error {
	value := r.value
	if kind != "inlineStr" && kind != "str" && kind != "d" {
		if value = trimSpace(value); len(value) == 0 { // some programs write so what is empty
			cell.NoValue = cell.Formula
			return nil
		}
	}
	switch kind {
	case "inlineStr":
		cell.words(string(value), f)
	case "s":
		i, err := strconv.Atoi(string(value))
		text, runs, ok := r.strings.at(i)
		if err != nil || !ok {
			return errors.New("its text is not in the string table")
		}
		if runs != 0 {
			cell.Struck, cell.Marked = runs.in(cell.Struck)
		}
		cell.words(text, f)
	case "str":
		cell.words(string(unescape(value)), f)
	case "b":
		cell.Kind = pipeline.CellBool
		switch string(value) {
		case "1", "true":
			cell.Text = "TRUE"
		case "0", "false":
			cell.Text = "FALSE"
		default:
			return errors.New("its value is no boolean")
		}
	case "e":
		cell.Kind, cell.Text = pipeline.CellError, string(r.value)
	case "d":
		cell.Text, cell.Date = string(value), true
	case "n":
		stored, digits, lost, ok := number(string(value))
		if !ok {
			return errors.New("its value is no number")
		}
		cell.Cell = pipeline.Cell{Text: stored, Kind: pipeline.CellNumber, Format: f.code}
		cell.DigitsLost = lost
		if stored != digits {
			cell.Shown = digits
		}
		if !f.asIs {
			cell.see(f.number(digits))
		}
	}
	return nil
}

// words sets the text of a cell. Its format counts only where it changes the text.
func (c *Cell) words(text string, f *format) {
	c.Text = text
	if (f.text != nil || f.muddled) && text != "" {
		if c.see(f.words(text)); c.Shown != "" || c.Unclear {
			c.Format = f.code
		}
	}
}

// see sets what a person sees of a cell.
func (c *Cell) see(what sight, shown string) {
	switch what {
	case seenAsIs:
	case seenOtherwise:
		c.Shown, c.Unclear = shown, shown == ""
	case seenAsDate:
		c.Date = true
	case seenUnclear:
		c.Unclear = true
	}
}

// reference reads a cell's name, such as B7: its column from 0, and its row.
func reference(b []byte) (column, row int, ok bool) {
	i := 0
	for ; i < len(b) && b[i] >= 'A' && b[i] <= 'Z' && i < 4; i++ {
		column = column*26 + int(b[i]-'A') + 1
	}
	digits := b[i:]
	if i == 0 || len(digits) == 0 || len(digits) > 7 || digits[0] == '0' {
		return 0, 0, false
	}
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, 0, false
		}
		row = row*10 + int(c-'0')
	}
	return column - 1, row, true
}
