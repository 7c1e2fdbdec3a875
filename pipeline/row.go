package pipeline

import (
	"fmt"
	"iter"
	"strings"
	"time"
)

// Place says where in the input something is, in the words of the program a person opens it with.
type Place struct {
	File   string // as it was given
	Sheet  string // empty for CSV
	Row    int    // the number a spreadsheet program shows, from 1; 0 when the whole sheet is meant
	Line   int    // the line a text editor shows, from 1; 0 for XLSX
	Column string // the header of the column; empty when the whole row is meant
}

// String gives the place as messages show it: `contacts.xlsx, sheet "May", row 17, column "Mobile"`.
func (p Place) String() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Sheet != "" {
		fmt.Fprintf(&b, ", sheet %q", p.Sheet)
	}
	if p.Row > 0 {
		fmt.Fprintf(&b, ", row %d", p.Row)
	}
	if p.Line > 0 && p.Line != p.Row {
		fmt.Fprintf(&b, ", line %d", p.Line)
	}
	if p.Column != "" {
		fmt.Fprintf(&b, ", column %q", p.Column)
	}
	return b.String()
}

// CellKind is what a spreadsheet program takes a cell for.
type CellKind uint8

// The kinds of cells. Every cell of a CSV file is CellText.
const (
	CellText CellKind = iota
	CellNumber
	CellBool
	CellError
)

// Cell is one original cell, kept so that the report can show it as it was.
type Cell struct {
	Text   string   // text verbatim; a number in full digits, never in exponents; TRUE or FALSE; an error as shown (#N/A)
	Kind   CellKind // how a spreadsheet program stores it
	Format string   // the number format code in XLSX of a number ("yyyy-mm-dd", "0.00"), or of a text that it changes; empty for General
	Shown  string   // what a person sees of a cell of our fields, where its format makes that another text; else empty
}

// Fields are the cells of a row that mean something to us, as text, not yet judged.
type Fields struct {
	Session      string
	URL          string
	Method       string
	Phone        string
	PhoneCountry string
	Email        string
}

// Empty reports whether the row says nothing to us at all.
func (f Fields) Empty() bool {
	return blank(f.Session) && blank(f.URL) && blank(f.Method) && blank(f.Phone) && blank(f.PhoneCountry) && blank(f.Email)
}

// The names of our fields.
const (
	FieldSession      = "session_id"
	FieldURL          = "distribution_url"
	FieldMethod       = "method"
	FieldPhone        = "phone"
	FieldPhoneCountry = "phone_country"
	FieldEmail        = "email"
)

// Finding is why a row cannot be sent as it stands: a stable code, the cell, and a sentence for a person.
// The zero Finding means that nothing was found.
type Finding struct {
	Code   string
	Field  string // of the cell that is to be mended; empty for the whole row
	Column string // its header as written; empty where no column holds the field
	Reason string
}

// NotSent is what a person writes into a report where it says uncertain, to settle that the row was
// not sent; delivered settles the opposite. It is no status of a row.
const NotSent = "not-sent"

// Prior is what an earlier report of ours, read as input, says of its row.
type Prior struct {
	Status Status // or NotSent
	Code   string
	Target string // canonical origin; empty if the report does not say
	Run    string
	Time   time.Time // zero if the report does not say
}

// Row is one data row of the input.
type Row struct {
	Place
	LastLine int    // last line of a row that spans several; 0 otherwise
	Cells    []Cell // one for each of Input.Columns, in their order
	Raw      string // cells under no header and unreadable stretches, verbatim
	Fields   Fields
	Also     []Contact // of columns of contacts that are not sent to, read for the rules alone
	Notes    []Finding // what the reader remarks on a row that may be sent all the same; without a contact in clear
	Guessed  bool      // the row's text holds bytes that an encoding was guessed for
	Faults   []Finding // why the reader could not prove what the row means; what is at fault is empty in Fields, and a session among them only looks the row up
	Hidden   bool      // hidden or filtered out in the spreadsheet program, or Struck
	Struck   bool      // struck out there
	Links    []Link    // of cells of our fields that lead to more than they say
	Last     bool      // no further data row follows in its sheet
	OptedOut string    // the column that says that the person wants no messages; empty for none
	Prior    Prior
}

// Fault gives the first of the faults; the zero Finding when there is none.
func (r Row) Fault() Finding { return firstFinding(r.Faults) }

// WholeRow reports whether a fault is of the row as such, so that nothing in it can be relied on.
func (f Finding) WholeRow() bool { return f.Code == CodeUnreadable || f.Code == CodeRagged }

// Format is a file format.
type Format string

// The formats of inputs and reports.
const (
	CSV   Format = "csv"
	XLSX  Format = "xlsx"
	JSONL Format = "jsonl"
)

// Dialect is how a CSV file is written.
type Dialect struct {
	Delimiter rune
	BOM       bool
	CRLF      bool
}

// Mapping says which column of the input was taken for one of our fields.
type Mapping struct {
	Field  string // FieldSession and the like
	Column string // its header as written
}

// OptOutColumn is a column of the input that says who is not to be messaged.
type OptOutColumn struct {
	Column  string // its header as written
	Consent bool   // it says who may be: no, or nothing, is what holds a row back; else yes, or a date, does
}

// Input is what a file was taken for.
type Input struct {
	Path      string // as given
	SHA256    [32]byte
	Size      int64 // bytes
	Format    Format
	Encoding  string
	Dialect   Dialect  // of a CSV file
	Sheet     string   // of a workbook
	Date1904  bool     // its dates count from 1904
	HeaderRow int      // the number a spreadsheet program shows
	Columns   []string // their headers in order, without the hpp_ columns of a report of ours
	Mapped    []Mapping
	ExpiresAt int            // which of Columns says when the session expires, from 1; 0 for none
	Also      []Mapping      // columns of contacts that are not sent to, and only read for the rules
	OptOut    []OptOutColumn // that hold
	IsReport  bool           // it is a report of ours, read as input
	Notices   []string       // what a person should know of how it was read
}

// locate completes findings, of which some have the field of the cell and some its column.
func (in Input) locate(findings []Finding) {
	for i := range findings {
		f := &findings[i]
		for _, m := range in.Mapped {
			switch {
			case f.Column == "" && f.Field == m.Field:
				f.Column = m.Column
			case f.Field == "" && f.Column == m.Column:
				f.Field = m.Field
			}
		}
	}
}

// Source is one input that can be read any number of times, each time from its first row.
type Source interface {
	Input() Input
	// Batches yields every data row in order, some hundreds at a time, for the caller to keep. An error ends it:
	// the input as a whole cannot be read.
	Batches() iter.Seq2[[]Row, error]
}

// Rows yields the rows of a source one by one.
func Rows(src Source) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		for rows, err := range src.Batches() {
			if err != nil {
				yield(Row{}, err)
				return
			}
			for _, row := range rows {
				if !yield(row, nil) {
					return
				}
			}
		}
	}
}
