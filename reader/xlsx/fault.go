package xlsx

import (
	"fmt"
	"strings"
)

// Fault says why a book cannot be trusted, and where.
type Fault struct {
	Sheet   string // empty when it is not of one sheet
	Part    string // the file inside the zip
	Row     int    // 0 when it is not of one row
	Cell    string // such as B7; empty when it is not of one cell
	Problem string
	Err     error // the cause; may be nil
}

func (f *Fault) Error() string {
	var b strings.Builder
	b.WriteString(f.Problem)
	switch {
	case f.Cell != "":
		fmt.Fprintf(&b, ", at cell %s", f.Cell)
	case f.Row > 0:
		fmt.Fprintf(&b, ", in row %d", f.Row)
	}
	if f.Part != "" {
		fmt.Fprintf(&b, " (%s)", f.Part)
	}
	if f.Err != nil {
		fmt.Fprintf(&b, ": %v", f.Err)
	}
	return b.String()
}

// Unwrap gives the cause.
func (f *Fault) Unwrap() error { return f.Err }
