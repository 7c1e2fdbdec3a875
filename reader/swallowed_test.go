package reader

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hppsend/pipeline"
)

// twoQuotes is a table with a quote opened in one row and one too many in another, or the same, row.
type twoQuotes struct {
	columns           []string
	comma             string
	open, stray       int // the columns
	distance          int // the rows between
	inner, cell, noID bool
}

const quotedRow, quotedRows = 2, 7

// text writes the table, and tells the phone number and the address of each session.
func (q twoQuotes) text() (text string, own map[string][2]string) {
	var b strings.Builder
	own = map[string][2]string{}
	b.WriteString(strings.Join(q.columns, q.comma) + "\n")
	for i := range quotedRows {
		cells := (moved{columns: q.columns}).row(i)
		at := func(name string) *string {
			if k := slices.Index(q.columns, name); k >= 0 {
				return &cells[k]
			}
			return new(string)
		}
		second := i == quotedRow+q.distance
		if q.inner {
			*at("note") = `"call` + q.comma + ` later"`
		}
		if q.noID && second {
			*at("session_id") = ""
		}
		own[*at("session_id")] = [2]string{*at("phone"), *at("email")}
		if i == quotedRow {
			cells[q.open] = `"` + cells[q.open]
		}
		if second && q.cell {
			cells[q.stray] = `x"` + q.comma + cells[q.stray]
		} else if second {
			cells[q.stray] += `"`
		}
		b.WriteString(strings.Join(cells, q.comma) + "\n")
	}
	return b.String(), own
}

func eachTwoQuotes(yield func(twoQuotes)) {
	for k, columns := range [][]string{shapes[0], shapes[2], shapes[4]} {
		for open := range columns {
			for stray := range columns {
				for distance := range 4 {
					for form := range 6 { // a row without an id and with a cell too many is not told from a note
						q := twoQuotes{columns, ",;"[k%2:][:1], open, stray, distance, form&1 > 0, form&2 > 0, form&4 > 0}
						yield(q)
					}
				}
			}
		}
	}
}

// TestNoRowIsSwallowed opens a quote in one row and puts one too many into a later one, over all columns
// and several distances. No row that is taken has another's contact.
func TestNoRowIsSwallowed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "in.csv")
	tried, taken := 0, 0
	eachTwoQuotes(func(q twoQuotes) {
		text, own := q.text()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		tried++
		rows, err := everyRow(path, Options{Ragged: [...]string{"", RaggedPad}[tried/6%2]})
		if err != nil {
			return
		}
		for _, row := range rows {
			id := strings.Trim(row.Fields.Session, `"`)
			if row.Fault().Code != "" || !pipeline.IsUUID(id) {
				continue
			}
			taken++
			for i, has := range []string{row.Fields.Phone, row.Fields.Email} {
				has = strings.Trim(has, ` "`)
				field := []string{fieldPhone, fieldEmail}[i]
				if has != own[id][i] && (header{}).couldHold(field, has) && !strings.ContainsAny(has, ",;\n") {
					t.Fatalf("%s is sent to %q, not %q:\n%s", id, has, own[id][i], text)
				}
			}
		}
	})
	t.Logf("%d tables, %d rows taken", tried, taken)
	if taken < tried {
		t.Error("the sound rows are not taken")
	}
}

// Lines in a note that hold no id are a note, whatever delimiters they have.
func TestLinesInACell(t *testing.T) {
	const id = "5f1e7a60-0000-4000-8000-00000000000"
	for note, taken := range map[string]bool{
		"call\nlater":                        true,
		"a, b\nc, d, e":                      true,
		"Main Street 12\n12345 Lund\nSweden": true,
		"first\nx, y, z":                     true,
		"see " + id + "7\nthere":             false,
		"first\n" + id + "7":                 false,
		"first\r\nx," + id + "7,y":           false,
		"first\rx, '" + id + "7'":            false,
		id + "7,x\nlast":                     false,
		"first\n{" + id + "7}":               false,
		"first\nurn:uuid:" + id + "7":        false,
		"b@example.com\nx,c@example.com,y":   false, // the ends of two rows, without an id
		"b\nx,c@example.com,y":               false,
	} {
		var b strings.Builder
		b.WriteString("session_id,email,note\n")
		for i := range 4 {
			n := "ok"
			if i == 2 {
				n = note
			}
			fmt.Fprintf(&b, "%s%d,ann%d@example.com,\"%s\"\n", id, i, i, n)
		}
		rows, err := everyRow(file(t, "in.csv", b.String()), Options{})
		if err != nil || len(rows) != 4 {
			t.Errorf("%q: %d rows, %v", note, len(rows), err)
			continue
		}
		for i, row := range rows {
			if want := i != 2 || taken; (row.Fault().Code == "") != want {
				t.Errorf("%q: row %d: %+v", note, i, row.Fault())
			}
		}
	}
}
