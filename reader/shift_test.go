package reader

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hppsend/pipeline"
)

// neighbourly gives the cell of a row: that of a field of ours, or one which is as good as such a field.
func neighbourly(i int, name string) string {
	switch name {
	case "session_id":
		return fmt.Sprintf("5f1e7a60-00%02d-4000-8000-%012d", i, i*7919)
	case "customer":
		return fmt.Sprintf("c0ffee00-00%02d-4000-8000-%012d", i, i*104729)
	case "phone":
		return fmt.Sprintf("+4670174%04d", 605+i)
	case "fax":
		return fmt.Sprintf("+4670174%04d", 705+i)
	case "email":
		return fmt.Sprintf("ann%d@example.com", i)
	case "agent", "backup":
		return fmt.Sprintf("%s%d@example.com", name, i)
	case "phone_country":
		return "SE"
	case "lang":
		return "NO"
	case "price":
		return fmt.Sprintf("%d50", 11+i)
	case "note":
		return fmt.Sprintf("call %d", i)
	}
	return ""
}

// shapes are headers of tables whose columns have neighbours that could be taken for them.
var shapes = [][]string{
	{"session_id", "price", "agent", "email", "note"},
	{"session_id", "price", "agent", "email"},
	{"price", "session_id", "customer", "fax", "phone", "lang", "phone_country", "note"},
	{"fax", "price", "phone", "backup", "email", "agent", "session_id", "customer"},
	{"session_id", "email", "agent", "note", "phone", "fax"},
	{"note", "customer", "session_id", "lang", "phone_country", "phone", "price", "agent", "email", "backup"},
}

// moved is one way in which delimiters are too many or too few.
type moved struct {
	columns       []string
	where         int  // the column
	by            int  // delimiters gained there by each row; a negative number: lost
	header        bool // or by the header
	onlyEvery     int  // by each so many rows; 1 is all
	rows          int
	endHeader     int    // delimiters at the end of the header
	endRows       int    // and of each row
	empty         string // the column, or all contacts, that no row has; "lookahead": the note, in all rows but one
	space, quoted bool   // after each delimiter; each cell that has not gained a delimiter
	trimmed       bool   // empty cells at the end of a row are left out
	pad           bool
}

// text writes the table down.
func (m moved) text() string {
	var b strings.Builder
	comma := ","
	if m.space {
		comma = ", "
	}
	write := func(cells []string, hurt bool, end int) {
		var row []string
		for i, c := range cells {
			if m.quoted && c != "" {
				c = `"` + c + `"`
			}
			if hurt && i == m.where && m.by > 0 {
				bare := strings.Trim(c, `"`)
				c = bare[:len(bare)/2] + strings.Repeat(comma, m.by) + bare[len(bare)/2:]
			}
			if n := len(row); hurt && n > 0 && m.where < i && i <= m.where-m.by {
				row[n-1] += c
				continue
			}
			row = append(row, c)
		}
		for m.trimmed && len(row) > 1 && row[len(row)-1] == "" {
			row = row[:len(row)-1]
		}
		b.WriteString(strings.Join(row, comma) + strings.Repeat(comma, end) + "\n")
	}
	write(m.columns, m.header, m.endHeader)
	for i := range m.rows {
		write(m.row(i), !m.header && i%m.onlyEvery == 0, m.endRows)
	}
	return b.String()
}

func (m moved) row(i int) []string {
	var cells []string
	for _, name := range m.columns {
		v := neighbourly(i, name)
		ours := name == "email" || name == "phone"
		if name == m.empty || m.empty == "contacts" && ours || m.empty == "some" && i%2 == 0 && (ours || name == "note") || m.empty == "note" && i > 0 && name == "note" {
			v = ""
		}
		cells = append(cells, v)
	}
	return cells
}

// eachMoved gives every way there is.
func eachMoved(yield func(moved)) {
	n := 0
	for k, columns := range shapes {
		for where := range columns {
			for _, by := range []int{1, 2, 3, -1, -2, 0} {
				for _, header := range []bool{false, true} {
					for i, empty := range []string{"", "note", "contacts", "some", "email"} {
						for _, ends := range [][2]int{{0, 0}, {1, 1}, {0, 1}, {0, 2}, {2, 0}, {2, 2}, {2, 1}} {
							if by == 0 && (where > 0 || header) {
								continue
							}
							if n++; n%every != 0 && !*everyVariant {
								continue
							}
							m := moved{columns: columns, where: where, by: by, header: header, empty: empty, endHeader: ends[0], endRows: ends[1]}
							turn := k + where + by + i + 3 // the rest in turn, not in all pairs
							m.onlyEvery = []int{1, 1, 1, 2, 3}[turn%5]
							m.rows = []int{1, 3, 4, 9}[turn%4]
							m.space, m.quoted, m.pad, m.trimmed = turn%7 == 3, turn%3 == 1, turn%2 == 0, turn%11 > 7
							yield(m)
							m.onlyEvery, m.rows, m.space = 1, 7, false
							yield(m)
						}
					}
				}
			}
		}
	}
}

// untold reports whether some row has, after what was done to it, as many cells as the header all the same,
// with nothing under no header: that one delimiter is too many and another missing no reader can tell.
// So it is where rows that lack cells at their end are to be filled up.
func (m moved) untold() bool {
	lines := strings.Split(strings.TrimSuffix(m.text(), "\n"), "\n")
	cells := func(line string) []string { return strings.Split(strings.ReplaceAll(line, `"`, ""), ",") }
	head := cells(lines[0])
	needed := len(head)
	for needed > 0 && strings.TrimSpace(head[needed-1]) == "" {
		needed--
	}
	for i, line := range lines[1:] {
		row := cells(line)
		whole := len(row) == len(head) || len(row) == needed || m.pad && m.trimmed && len(row) < len(head)
		if hurt := m.by != 0 && (m.header || i%m.onlyEvery == 0); hurt && whole && !filled(row, needed) {
			return true
		}
	}
	return false
}

// TestNoRowIsShifted moves cells by delimiters that are too many or too few. What is not flagged has the
// session and the contacts of its own row.
func TestNoRowIsShifted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "in.csv")
	tried, taken, refused, needless := 0, 0, 0, 0
	eachMoved(func(m moved) {
		if m.untold() {
			return
		}
		tried++
		if err := os.WriteFile(path, []byte(m.text()), 0o600); err != nil {
			t.Fatal(err)
		}
		opt := Options{}
		if m.pad {
			opt.Ragged = RaggedPad
		}
		rows, err := everyRow(path, opt)
		var refusal *pipeline.Error
		if err != nil {
			if !errors.As(err, &refusal) {
				t.Fatalf("%+v: %v", m, err)
			}
			refused++
			if m.by == 0 && m.endHeader == m.endRows && !m.trimmed {
				t.Errorf("%+v: %v\n%s", m, err, m.text())
			} else if m.by == 0 {
				needless++
			}
			return
		}
		for i, row := range rows {
			if row.Fault().Code != "" || i >= m.rows {
				continue
			}
			taken++
			f := row.Fields
			for _, c := range []column{{fieldSession, 0}, {fieldPhone, 1}, {fieldCountry, 2}, {fieldEmail, 3}} {
				got := strings.Trim([]string{f.Session, f.Phone, f.PhoneCountry, f.Email}[c.at], ` "`)
				at := slices.Index(m.columns, c.field)
				want := ""
				if at >= 0 {
					want = m.row(i)[at]
				}
				if m.pad && m.by < 0 && at == m.where && want == "" {
					continue // what stands in the last cell of a short row is believed to: that is the option
				}
				if got != want && !strings.HasPrefix(want, got) && (header{}).couldHold(c.field, got) {
					t.Errorf("%+v: %s of row %d is %q, not %q\n%s", m, c.field, i, got, want, m.text())
					return
				}
			}
		}
	})
	t.Logf("%d tables: %d refused, %d of them needlessly; %d rows taken", tried, refused, needless, taken)
}

// TestNoTrimmedRowIsShifted has a delimiter too many in each row, and rows without a note lack the empty
// cells at their end, so that they are as wide as the header.
func TestNoTrimmedRowIsShifted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "in.csv")
	tried, flagged := 0, 0
	for _, columns := range shapes {
		columns = append(slices.Clone(columns), "remark", "memo") // neighbourly has nothing in them
		for where := range columns {
			for by := 1; by <= 2; by++ {
				for _, every := range []int{2, 3, 5, 20} { // each so many rows has its last cell
					for _, sound := range []int{1, 3} { // each so many rows is hurt
						tried++
						var b strings.Builder
						b.WriteString(strings.Join(columns, ",") + "\n")
						own := map[string][]string{}
						for i := range 21 {
							cells := moved{columns: columns}.row(i)
							own[cells[slices.Index(columns, "session_id")]] = cells
							if i%every == 0 {
								cells[len(cells)-1] = "ok"
							}
							if i%sound == 0 {
								cells = slices.Insert(slices.Clone(cells), where, slices.Repeat([]string{"x"}, by)...)
							}
							for cells[len(cells)-1] == "" && len(cells) > len(columns) {
								cells = cells[:len(cells)-1]
							}
							b.WriteString(strings.Join(cells, ",") + "\n")
						}
						if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
							t.Fatal(err)
						}
						rows, err := everyRow(path, Options{})
						if err != nil {
							continue
						}
						for _, row := range rows {
							cells := own[row.Fields.Session]
							if row.Fault().Code != "" || cells == nil {
								flagged++
								continue
							}
							for _, c := range []struct{ field, got string }{{"email", row.Fields.Email}, {"phone", row.Fields.Phone}} {
								at := slices.Index(columns, c.field)
								if at >= 0 && c.got != cells[at] && (header{}).couldHold(c.field, c.got) {
									t.Fatalf("%s of %s is %q, not %q\n%s", c.field, row.Fields.Session, c.got, cells[at], b.String())
								}
							}
						}
					}
				}
			}
		}
	}
	t.Logf("%d tables, %d rows flagged", tried, flagged)
}

func TestWiderRows(t *testing.T) {
	const id = "5f1e7a60-0000-4000-8000-00000000000"
	three := func(row string) string {
		var b strings.Builder
		for i := range 3 {
			b.WriteString(strings.ReplaceAll(row, "ID", id+fmt.Sprint(i)) + "\n")
		}
		return b.String()
	}
	const either = "so that a delimiter may be too many or missing before column"
	for name, tt := range map[string]struct {
		text, refused string
		pad           bool
		flagged       int
	}{
		"a decimal comma in each row": {
			text:    "session_id,price,agent,email,note\n" + three("ID,11,50,agent@example.com,ann@example.com,"),
			refused: "the row has 6 cells and the header has 5, " + either + ` "email", and then email is not in column D but in E`,
		},
		"a delimiter that the header lost": {
			text:    "session_id,priceagent,email,note\n" + three("ID,1150,agent@example.com,ann@example.com,"),
			refused: "the row has 5 cells and the header has 4, " + either + ` "email", and then email is not in column C but in D`,
		},
		"no row shows the true contact": {
			text:    "session_id,price,agent,email,note\n" + three("ID,11,50,agent@example.com,,"),
			refused: "the row has 6 cells and the header has 5, " + either + ` "email", and then email is not in column D but in E`,
		},
		"one row among others shows it": {
			text:    "session_id,price,agent,email,note\n" + three("ID,11,50,agent@example.com,x,") + three("ID,11,50,agent@example.com,ann@example.com,"),
			refused: "the row has 6 cells and the header has 5, " + either + ` "email", and then email is not in column D but in E`,
		},
		"a cell under no header": {
			text:    "session_id,price,agent,email,\n" + three("ID,11,50,agent@example.com,ann@example.com"),
			refused: "the row has a cell under no header, " + either + ` "email", and then email is not in column D but in E`,
		},
		"a delimiter that the header gained": {
			text:    "session_id,pri,ce,agent,email,\n" + three("ID,1150,agent@example.com,ann@example.com,bo@example.com"),
			refused: "the row has 5 cells and the header has 6, " + either + ` "email", and then email is not in column E but in D`,
		},
		"the country of a neighbour": {
			text:    "session_id,phone,price,lang,phone_country,note\n" + three("ID,0701740605,11,50,NO,SE,"),
			refused: "the row has 7 cells and the header has 6, " + either + ` "phone_country", and then phone_country is not in column E but in F`,
		},
		"the rows end in a delimiter":                       {text: "session_id,name,phone,note\n" + three("ID,Ann,0701740605,call,")},
		"in two":                                            {text: "session_id,name,phone,lang,note\n" + three("ID,Ann,0701740605,sv,call,,")},
		"the contact follows the session":                   {text: "session_id,phone\n" + three("ID,0701740605,")},
		"the header ends in one too":                        {text: "session_id,agent,email,\n" + three("ID,agent@example.com,ann@example.com,")},
		"a remark under no header":                          {text: "session_id,name,phone,\n" + three("ID,Ann,0701740605,call")},
		"some rows are as wide as the header":               {text: "session_id,name,phone,note\n" + three("ID,Ann,1,,") + three("ID,Ann,1,"), flagged: 3},
		"a short row, filled up":                            {text: "session_id,name,phone,note\n" + three("ID,Ann,0701740605"), pad: true},
		"a short row that may lack a cell before the email": {text: "session_id,price,agent,email,backup\n" + three("ID,1150agent@example.com,ann@example.com,bo@example.com"), pad: true, flagged: 3},
		"and has none where it would be":                    {text: "session_id,price,agent,email,backup\n" + three("ID,1150agent,,bo@example.com"), pad: true, flagged: 3},
	} {
		t.Run(name, func(t *testing.T) {
			opt := Options{}
			if tt.pad {
				opt.Ragged = RaggedPad
			}
			rows, err := everyRow(file(t, "in.csv", tt.text), opt)
			var refusal *pipeline.Error
			if errors.As(err, &refusal); err != nil && refusal == nil || (refusal != nil) != (tt.refused != "") || refusal != nil && refusal.Problem != tt.refused {
				t.Fatalf("got %v", err)
			}
			flagged := 0
			for _, row := range rows {
				if row.Fault().Code != "" {
					flagged++
				}
			}
			if flagged != tt.flagged {
				t.Errorf("%d of %d rows flagged", flagged, len(rows))
			}
		})
	}
}

// TestQuotedCellsJoined leaves a delimiter out before a quoted cell that holds delimiters, quotes and line
// ends. No row is taken in which cells are not their own column's.
func TestQuotedCellsJoined(t *testing.T) {
	columns := []string{"session_id", "name", "size", "text", "phone", "remark", "email"}
	held := []string{"Table, round", "Table, round 48\"", "a,b", ", x", "x,", "\"a\",\"b\"", "two\nlines, one", "a,b,c", "a, \"b\" c"}
	before := []string{"20", "20 x", "", "20\"", "é"}
	for _, all := range []bool{false, true} {
		for _, comma := range []byte{',', ';', '\t'} {
			w := written{style: style{comma, '"', false}, all: all}
			for at := 1; at < len(columns); at++ {
				for _, h := range held {
					for _, b := range before {
						h := strings.ReplaceAll(h, ",", string(comma))
						var text strings.Builder
						text.WriteString(strings.Join(columns, string(comma)) + "\n")
						for i := range 4 {
							row := []string{neighbourly(i, "session_id"), "Bo", "1", "x", neighbourly(i, "phone"), "y", neighbourly(i, "email")}
							for k := range row {
								cell, sep := row[k], string(comma)
								if all {
									cell, _ = w.cell(cell)
								}
								if i == 2 && k == at {
									cell, _ = w.cell(h)
								}
								if i == 2 && k == at-1 {
									cell, sep = b, ""
									if k == 0 {
										cell = row[0]
									}
								}
								if k == len(row)-1 {
									sep = "\n"
								}
								text.WriteString(cell + sep)
							}
						}
						rows, err := everyRow(file(t, "in.csv", text.String()), Options{})
						if err != nil {
							continue
						}
						for _, row := range rows {
							if row.Fault().Code == "" && len(row.Cells) == len(columns) && row.Cells[5].Text != "y" && at != 5 {
								t.Errorf("taken: %q\n%s", row.Cells, text.String())
							}
						}
						if n := len(rows); n < 4 || rows[0].Fault().Code != "" || rows[n-1].Fault().Code != "" {
							t.Errorf("%d rows: %+v\n%s", n, rows, text.String())
						}
					}
				}
			}
		}
	}
}

// everyRow reads a file to its end.
func everyRow(path string, opt Options) (rows []pipeline.Row, err error) {
	f, err := Open(path, opt)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	for row, err := range pipeline.Rows(f) {
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}
