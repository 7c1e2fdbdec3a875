package writer

import (
	"archive/zip"
	"compress/flate"
	"fmt"
	"io"
	"strings"

	"github.com/xuri/excelize/v2"

	"hppsend/pipeline"
)

// What a sheet holds: data rows below the header as Excel has it, and bytes well below the 4 GiB from
// which on Excel takes what archive/zip writes for a damaged file.
const (
	maxSheetRows  = excelize.TotalRows - 1
	maxSheetBytes = 2 << 30
)

// maxLines is how many lines of a cell are seen at once.
const maxLines = 5

// xlsxReport writes a workbook, row by row through temporary files.
type xlsxReport struct {
	table
	out      io.Writer
	book     *excelize.File
	stream   *excelize.StreamWriter
	style    *styles
	exact    *exact
	name     string // of the first sheet of rows
	about    Summary
	counted  counted
	mapped   map[string]string
	maxRows  int
	maxBytes int64

	sheets, rows int // sheets begun; rows on the last of them, and about how many bytes
	bytes        int64
	lines        int // the most that a cell of the row has
	cells        []excelize.Cell
	values       []any
}

func newXLSX(w io.Writer, folder string, t table, in pipeline.Input) (*xlsxReport, error) {
	x := &xlsxReport{
		table: t, out: w, exact: newExact(), book: excelize.NewFile(excelize.Options{TmpDir: folder}),
		name: "Report", mapped: map[string]string{}, maxRows: maxSheetRows, maxBytes: maxSheetBytes,
		about:   Summary{File: in.Path},
		counted: counted{status: map[pipeline.Status]int{}, codes: map[found]int{}},
	}
	// An apostrophe in the name would damage the reference that the filter needs.
	name := strings.ReplaceAll(in.Sheet, "'", "’")
	if err := x.book.SetSheetName(x.book.GetSheetName(0), name); err == nil && !strings.EqualFold(name, summarySheet) {
		x.name = name
	}
	if err := x.book.SetSheetName(x.book.GetSheetName(0), summarySheet); err != nil {
		return nil, err
	}
	if n := len(t.columns) + len(t.ours()); n > excelize.MaxColumns {
		return nil, fmt.Errorf("the report has %d columns: %w, which holds %d", n, ErrColumns, excelize.MaxColumns)
	}
	if in.Date1904 {
		if err := x.book.SetWorkbookProps(&excelize.WorkbookPropsOptions{Date1904: &in.Date1904}); err != nil {
			return nil, err
		}
	}
	for _, m := range in.Mapped {
		x.mapped[m.Column] = m.Field
	}
	x.book.SetZipWriter(x.zip)
	x.cells = make([]excelize.Cell, len(t.columns)+len(t.ours()))
	x.values = make([]any, len(x.cells))
	var err error
	if x.style, err = newStyles(x.book); err == nil {
		err = x.beginSheet()
	}
	return x, err
}

// zip is the archive that the workbook is written to: our own file at once, where excelize by itself
// would gather all of it in memory.
func (x *xlsxReport) zip(io.Writer) excelize.ZipWriter {
	z := zip.NewWriter(x.out)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(w, flate.BestSpeed)
	})
	return &exactZip{Writer: z, exact: x.exact}
}

func (x *xlsxReport) write(row pipeline.Row, out pipeline.Outcome) error {
	ours, err := x.table.values(row, out)
	if err != nil {
		return err
	}
	if x.rows == x.maxRows || x.bytes > x.maxBytes {
		if err := x.endSheet(); err != nil {
			return err
		}
		if err := x.beginSheet(); err != nil {
			return err
		}
	}
	var losses []string
	for i, c := range row.Cells {
		loss, err := x.original(i, c)
		if err != nil {
			return err
		}
		if loss != "" {
			losses = append(losses, fmt.Sprintf("the cell of column %d %s", i+1, loss))
		}
	}
	for i, text := range ours {
		text, loss := fit(text)
		if loss != "" {
			losses = append(losses, ourColumns[i]+" "+loss)
		}
		x.own(i, text)
	}
	if losses != nil {
		reason, _ := fit(strings.Join(append([]string{ours[colReason]}, losses...), "; "))
		x.own(colReason, reason)
	}
	x.own(colRow, row.Row)
	x.own(colAttempts, out.Attempts)
	if out.HTTPStatus != 0 {
		x.own(colHTTPStatus, out.HTTPStatus)
	}
	x.cells[len(x.columns)+colStatus].StyleID = x.style.status[out.Status]
	opts := excelize.RowOpts{Hidden: row.Hidden && !row.Struck}
	if x.lines > 1 {
		opts.Height = 15 * float64(min(x.lines, maxLines))
	}
	x.lines = 0
	x.counted.add(out)
	return x.put(opts)
}

// original fills in an original cell and says what of it a workbook cannot hold.
func (x *xlsxReport) original(i int, c pipeline.Cell) (loss string, err error) {
	value := native(c)
	style := x.style.text
	switch v := value.(type) {
	case string:
		if value, loss = fit(v); c.Kind == pipeline.CellText && c.Format != "" { // it shows more than the text
			style, err = x.style.format(c.Format)
		}
	case float64:
		if style, err = x.style.format(c.Format); err == nil {
			value = x.exact.cell(v)
		}
	case bool:
		style, err = x.style.format(truth)
	}
	x.set(i, value, style)
	return loss, err
}

// own fills in one of our cells.
func (x *xlsxReport) own(column int, value any) {
	style := x.style.text
	if _, ok := value.(int); ok {
		style = x.style.count
	}
	x.set(len(x.columns)+column, value, style)
}

func (x *xlsxReport) set(i int, value any, style int) {
	x.values[i] = nil // no cell at all
	if value != "" {
		if s, ok := value.(string); ok && style == x.style.text && strings.Contains(s, "\n") {
			style = x.style.lines
			x.lines = max(x.lines, 1+strings.Count(s, "\n"))
		}
		x.cells[i] = excelize.Cell{Value: value, StyleID: style}
		x.values[i] = &x.cells[i]
	}
}

// put writes the row that was filled in.
func (x *xlsxReport) put(opts excelize.RowOpts) error {
	const markup = 64 // about what excelize writes round a value
	for i, v := range x.values {
		if s, ok := x.cells[i].Value.(string); ok && v != nil {
			x.bytes += int64(len(s))
		}
		x.bytes += markup
	}
	x.rows++
	return x.stream.SetRow(fmt.Sprintf("A%d", x.rows+1), x.values, opts)
}

// beginSheet begins the first or a further sheet, with its header.
func (x *xlsxReport) beginSheet() error {
	x.sheets++
	sheet := x.sheet()
	_, err := x.book.NewSheet(sheet)
	if err != nil {
		return err
	}
	// The size is not known before the end, and some readers believe a wrong one: give none.
	if err = x.book.SetSheetDimension(sheet, ""); err != nil {
		return err
	}
	if x.stream, err = x.book.NewStreamWriter(sheet); err != nil {
		return err
	}
	freeze := &excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}
	if err = x.stream.SetPanes(freeze); err != nil {
		return err
	}
	for i, name := range x.header() {
		ours := i >= len(x.columns)
		text, _ := fit(name)
		x.set(i, text, x.style.header(ours))
		if x.values[i] == nil && !ours {
			x.cells[i] = excelize.Cell{StyleID: x.style.header(ours)}
			x.values[i] = &x.cells[i]
		}
		if i < widthsMost {
			if err = x.stream.SetColWidth(i+1, i+1, width(name, x.mapped[name])); err != nil {
				return err
			}
		}
		if !ours && x.mapped[name] != "" { // what is typed into an empty cell keeps its leading zero
			if err = x.stream.SetColStyle(i+1, i+1, x.style.text); err != nil {
				return err
			}
		}
	}
	x.rows, x.bytes, x.lines = -1, 0, 0
	return x.put(excelize.RowOpts{})
}

// widthsMost is how many columns have a width of their own: excelize takes each through all that it
// has, which is two minutes for 15,000 columns.
const widthsMost = 256

// endSheet sets the filter, which takes effect only before the flush, and flushes.
func (x *xlsxReport) endSheet() error {
	last, err := excelize.CoordinatesToCellName(len(x.values), x.rows+1)
	if err != nil {
		return err
	}
	if err := x.book.AutoFilter(x.sheet(), "A1:"+last, nil); err != nil {
		return err
	}
	return x.stream.Flush()
}

// sheet names the sheet that is being written.
func (x *xlsxReport) sheet() string { return x.sheetAt(x.sheets) }

// sheetAt names the n-th sheet of rows, from 1.
func (x *xlsxReport) sheetAt(n int) string {
	if n == 1 {
		return x.name
	}
	suffix := fmt.Sprintf(" %d", n)
	name := x.name
	for utf16Len(name) > excelize.MaxSheetNameLength-len(suffix) {
		runes := []rune(name)
		name = string(runes[:len(runes)-1])
	}
	return name + suffix
}

func (x *xlsxReport) close() error {
	if err := x.endSheet(); err != nil {
		return err
	}
	if err := x.writeSummary(); err != nil {
		return err
	}
	return x.book.Write(io.Discard) // into x.out, through x.zip
}

// Close releases the temporary files.
func (x *xlsxReport) Close() error { return x.book.Close() }
