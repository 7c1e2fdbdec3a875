package reader

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	uni "unicode"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"hppsend/pipeline"
)

// The clean table of the pollution test. Its last column is not a field of ours, and most of its notes
// need quotes.
var (
	cleanHeader = []string{"session_id", "customer", "phone", "phone_country", "email", "note"}
	cleanNotes  = []string{
		"", "plain", "Sørensen, Åsa; tab\there | pipe ^ caret", "two\nlines", "an \"inch\" and 'feet'", "grün, weiß",
		"first, line\nsecond; line\n\nfourth | line", `C:\temp`, "comma,", "5f1e; 2026, 17",
	}
)

func cleanTable() [][]string {
	var rows [][]string
	for i := range 40 {
		row := []string{
			fmt.Sprintf("5f1e7a60-00%02d-4000-8000-%012d", i, i*7919), "Ann " + letters(i), fmt.Sprintf("+4670174%04d", 605+i%90),
			"SE", fmt.Sprintf("ann.%d@example.com", i), cleanNotes[i%len(cleanNotes)],
		}
		switch i % 7 {
		case 3:
			row[1] = "Ek, " + row[1]
		case 4:
			row[2], row[3] = "", ""
		case 5:
			row[4] = ""
		}
		rows = append(rows, row)
	}
	return rows
}

// every is how many variants of a kind are made for one that is tried, without -every-variant; each
// style begins with another.
const every = 11

var everyVariant = flag.Bool("every-variant", false, "try all 42,000 variants of the pollution test")

// written is a way to write the table.
type written struct {
	style
	end   string
	all   bool // every cell is in quotes
	order []int
}

// piece is a cell as written, and the delimiter or line end behind it.
type piece struct {
	cell, after string
	row, column int
	quoted      bool
}

func (w written) cell(s string) (text string, quoted bool) {
	q := string(w.quote)
	if !w.all && !strings.ContainsAny(s, q+string(w.comma)+"\n\r\"") && !(w.escapes && strings.Contains(s, `\`)) {
		return s, false
	}
	if w.escapes {
		s = strings.NewReplacer(`\`, `\\`, q, `\`+q).Replace(s)
	} else {
		s = strings.ReplaceAll(s, q, q+q)
	}
	return q + s + q, true
}

func (w written) pieces(table [][]string) (all []piece) {
	for i, row := range table {
		for k, c := range w.order {
			after := string(w.comma)
			if k == len(w.order)-1 {
				after = w.end
			}
			text, quoted := w.cell(row[c])
			all = append(all, piece{text, after, i, k, quoted})
		}
	}
	return all
}

func text(pieces []piece) string {
	var b strings.Builder
	for _, p := range pieces {
		b.WriteString(p.cell + p.after)
	}
	return b.String()
}

// variant is a polluted table. foreign is the column, not one of ours, whose cell may say something
// else: a lone quote, a control character or a mark inside it is text as any other to the reader.
type variant struct {
	name    string
	text    string
	foreign [2]int // row and column, or -1
}

// pollute gives every variant of a table.
func (w written) pollute(table [][]string, yield func(variant)) {
	clean := w.pieces(table)
	none := [2]int{-1, -1}
	width := len(w.order)
	edit := func(name string, i int, foreign bool, f func(p *piece)) {
		dirty := slices.Clone(clean)
		f(&dirty[i])
		v := variant{fmt.Sprintf("%s, row %d, column %d", name, clean[i].row, clean[i].column), text(dirty), none}
		if foreign {
			v.foreign = [2]int{clean[i].row, clean[i].column}
		}
		yield(v)
	}
	comma, quote := string(w.comma), string(w.quote)
	for i, p := range clean {
		last := p.column == width-1
		if !last {
			edit("delimiter removed", i, false, func(p *piece) { p.after = "" })
			edit("delimiter is another", i, false, func(p *piece) { p.after = map[bool]string{true: ";", false: ","}[comma == ","] })
			edit("line end for a delimiter", i, false, func(p *piece) { p.after = w.end })
		} else {
			edit("line end removed", i, false, func(p *piece) { p.after = "" })
			edit("delimiter for a line end", i, false, func(p *piece) { p.after = comma })
			for _, end := range []string{"\n", "\r", "\r\n", "\r\r\n", "\n\r", "\n\n\n", "\n" + strings.Repeat(comma, width-1) + "\n", "\n" + comma + "\n", "\v", "\u2028", " \n"} {
				edit(fmt.Sprintf("line end %q", end), i, strings.ContainsAny(end, " \v\u2028"), func(p *piece) { p.after = end })
			}
			edit("a delimiter at the end", i, false, func(p *piece) { p.after = comma + p.after })
			edit("three delimiters at the end", i, false, func(p *piece) { p.after = comma + comma + comma + p.after })
			edit("rows of another table", i, false, func(p *piece) {
				p.after += strings.Join([]string{"order", "sum", "2026"}, comma) + w.end + strings.Join([]string{"O-17", "9.50", "2025"}, comma) + w.end
			})
			edit("a wider row of another table", i, false, func(p *piece) { p.after += strings.Repeat("O-17"+comma, width) + "end" + w.end })
			edit("another table", i, false, func(p *piece) {
				p.after += strings.Join([]string{"email", "note", "session_id", "x", "phone", "y"}, comma) + w.end +
					strings.Join([]string{"bo@example.com", "n", "5f1e7a60-0001-4000-8000-000000000001", "x", "+46701740699", "y"}, comma) + w.end
			})
			edit("the same header again", i, false, func(p *piece) { p.after += text(clean[:width]) })
			edit("a line of words", i, false, func(p *piece) { p.after += "checked by finance" + w.end })
		}
		edit("delimiter added", i, false, func(p *piece) { p.after = comma + p.after })
		edit("delimiter added before", i, false, func(p *piece) { p.cell = comma + p.cell })
		edit("quote opened", i, true, func(p *piece) { p.cell = quote + p.cell })
		edit("quote closed", i, true, func(p *piece) { p.cell += quote })
		edit("line end before", i, false, func(p *piece) { p.cell = w.end + p.cell })
		if p.quoted {
			edit("opening quote removed", i, true, func(p *piece) { p.cell = p.cell[1:] })
			edit("closing quote removed", i, true, func(p *piece) { p.cell = p.cell[:len(p.cell)-1] })
			edit("both quotes removed", i, true, func(p *piece) { p.cell = p.cell[1 : len(p.cell)-1] })
			edit("text after the quotes", i, false, func(p *piece) { p.cell += "x" })
		} else if n := len(p.cell) / 2; n > 0 { // inside quotes these would be text
			edit("delimiter inside", i, false, func(p *piece) { p.cell = p.cell[:n] + comma + p.cell[n:] })
			for _, end := range []string{"\n", "\r", "\r\n"} {
				edit("line end inside", i, false, func(p *piece) { p.cell = p.cell[:n] + end + p.cell[n:] })
			}
			edit("quote inside", i, true, func(p *piece) { p.cell = p.cell[:n] + quote + p.cell[n:] })
		}
		if n := len(p.cell) / 2; n > 0 && p.row > 0 { // names of columns are compared by their letters alone
			for _, c := range []string{"\x00", "\x1b", "\ufeff", "\u0085"} {
				edit(fmt.Sprintf("%q inside", c), i, true, func(p *piece) { p.cell = p.cell[:n] + c + p.cell[n:] })
			}
		}
		if last || text(clean[i-p.column:i])+p.cell[:len(p.cell)/2] == "" {
			continue // all of the row is gone
		}
		// Cut within the last cell, a row is one with another note.
		row := clean[i-p.column : i-p.column+width]
		half := slices.Concat(clean[:i], []piece{{cell: p.cell[:len(p.cell)/2]}}, []piece{{after: row[width-1].after}}, clean[i-p.column+width:])
		yield(variant{fmt.Sprintf("row %d cut in column %d", p.row, p.column), text(half), none})
		half = slices.Concat(clean[:i-p.column], []piece{{cell: p.cell[len(p.cell)/2:], after: p.after}}, clean[i+1:])
		if p.column > 0 { // within the first cell, it is one with another id
			yield(variant{fmt.Sprintf("row %d begins in column %d", p.row, p.column), text(half), none})
		}
		yield(variant{fmt.Sprintf("the file is cut in row %d, column %d", p.row, p.column), text(clean[:i]) + p.cell[:len(p.cell)/2], none})
	}
}

// What no reader can tell from what was meant is left out: another letter, a row that is gone as a whole,
// a row cut within its last cell, line ends and delimiters that are added inside quotes, and a row of
// another table that is as wide as ours. A lone quote, a control character or a mark within a cell that
// is not a field of ours is text; it may stand in that one cell, and nowhere else.
//
// TestPollution damages one table in every way, at every place. What comes out of it is the row as it
// was, or it is flagged; and no line is passed over.
func TestPollution(t *testing.T) {
	table := cleanTable()
	straight, crossed := []int{0, 1, 2, 3, 4, 5}, []int{5, 1, 4, 3, 0, 2}
	variants, refusals, flagged := 0, 0, 0
	for k, w := range []written{
		{style: style{',', '"', false}, end: "\n", order: straight},
		{style: style{';', '"', false}, end: "\r\n", order: straight},
		{style: style{'\t', '"', false}, end: "\n", order: crossed, all: true},
		{style: style{'|', '\'', false}, end: "\r", order: straight},
		{style: style{',', '\'', false}, end: "\n", order: crossed, all: true},
		{style: style{',', '"', true}, end: "\n", order: straight},
		{style: style{'^', '"', false}, end: "\r\n", order: crossed},
		{style: style{';', '"', true}, end: "\n", order: crossed, all: true},
	} {
		t.Run(fmt.Sprintf("%q %q escapes %t all %t", w.comma, w.quote, w.escapes, w.all), func(t *testing.T) {
			all := slices.Concat([][]string{cleanHeader}, table)
			path := filepath.Join(t.TempDir(), "in.csv")
			check := func(v variant) (rows, flags int, refused bool) {
				if err := os.WriteFile(path, []byte(v.text), 0o600); err != nil {
					t.Fatal(err)
				}
				return w.check(t, path, table, v)
			}
			if rows, flags, refused := check(variant{"clean", text(w.pieces(all)), [2]int{-1, -1}}); rows != len(table) || flags > 0 || refused {
				t.Fatalf("the clean table: %d rows, %d flagged, refused %t", rows, flags, refused)
			}
			seen := map[string]int{}
			w.pollute(all, func(v variant) {
				kind, _, _ := strings.Cut(v.name, ",")
				if seen[kind]++; !*everyVariant && (seen[kind]+k)%every != 0 {
					return
				}
				variants++
				_, flags, refused := check(v)
				flagged += flags
				if refused {
					refusals++
				}
			})
		})
	}
	t.Logf("%d variants, %d refused, %d rows flagged", variants, refusals, flagged)
	if variants < 2_500 || refusals > variants/5 {
		t.Error("the test is not what it was")
	}
}

// check reads a variant and holds every row to the clean table.
func (w written) check(t *testing.T, path string, table [][]string, v variant) (rows, flags int, refused bool) {
	t.Helper()
	f, err := Open(path, Options{})
	var refusal *pipeline.Error
	if err != nil {
		if !errors.As(err, &refusal) {
			t.Errorf("%s: %v", v.name, err)
		}
		return 0, 0, true
	}
	defer f.Close()
	covered := map[int]bool{}
	at, gap := -1, false // the last clean row, and whether one was flagged since
	for row, err := range pipeline.Rows(f) {
		if err != nil {
			if !errors.As(err, &refusal) {
				t.Errorf("%s: %v", v.name, err)
			}
			return rows, flags, true
		}
		for line := row.Line; line <= max(row.Line, row.LastLine); line++ {
			covered[line] = true
		}
		rows++
		if row.Fault().Code != "" {
			flags++
			gap = true
			continue
		}
		next := slices.IndexFunc(table, func(r []string) bool { return r[0] == row.Fields.Session })
		switch {
		case next < 0 || !w.same(row, table[next], v, next+1):
			t.Errorf("%s: not flagged: line %d, %q", v.name, row.Line, row.Cells)
			return rows, flags, false
		case next <= at || next > at+1 && !gap:
			t.Errorf("%s: row %d follows row %d", v.name, next, at)
			return rows, flags, false
		}
		at, gap = next, false
	}
	if at < len(table)-1 && !gap && !strings.HasPrefix(v.name, "the file is cut") {
		t.Errorf("%s: the rows after %d are lost", v.name, at)
	}
	w.tiled(t, f, covered, v)
	return rows, flags, false
}

// same compares a row that is not flagged with the clean one.
func (w written) same(row pipeline.Row, clean []string, v variant, number int) bool {
	f := row.Fields
	for i, got := range []string{f.Session, f.Phone, f.PhoneCountry, f.Email} {
		if c := []int{0, 2, 3, 4}[i]; bare(got) != clean[c] {
			return false
		}
	}
	for k, c := range row.Cells {
		want := "" // under a delimiter at the end of the header
		if k < len(w.order) {
			want = clean[w.order[k]]
		}
		foreign := v.foreign == [2]int{number, k}
		if ours := foreign && w.order[k] != 1 && w.order[k] != 5; ours && bare(c.Text) != want || !foreign && c.Text != want {
			return false
		}
	}
	return true
}

// bare drops what is dropped round every contact and id when it is judged.
func bare(cell string) string {
	return strings.TrimFunc(cell, func(r rune) bool { return r == '\ufeff' || uni.IsSpace(r) })
}

// tiled sees that every line under the header is in a row, or blank.
func (w written) tiled(t *testing.T, f *File, covered map[int]bool, v variant) {
	t.Helper()
	lines := strings.Split(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(v.text), "\n")
	repeated := slices.ContainsFunc(f.Input().Notices, func(n string) bool { return strings.Contains(n, "repeated header") })
	for i, line := range lines[f.header.line:] {
		if !covered[f.header.line+i+1] && strings.Trim(line, string(w.comma)+string(w.quote)+" ") != "" && !(repeated && strings.Contains(line, "session_id")) {
			t.Errorf("%s: line %d is in no row", v.name, f.header.line+i+1)
			return
		}
	}
}

// TestPollutedEncoding switches the encoding from each row to each later one, and leaves out or adds a
// byte. Where UTF-16 is out of step, what follows is one line of other characters.
func TestPollutedEncoding(t *testing.T) {
	table := cleanTable()
	w := written{style: style{',', '"', false}, end: "\n", order: []int{0, 1, 2, 3, 4, 5}}
	rows := strings.SplitAfter(text(w.pieces(slices.Concat([][]string{cleanHeader}, table))), "\n")
	encodings := map[string]func(string) string{
		"UTF-8":        func(s string) string { return s },
		"windows-1252": encode(t, charmap.Windows1252.NewEncoder().String),
		"UTF-16LE":     encode(t, unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM).NewEncoder().String),
		"UTF-16BE":     encode(t, unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM).NewEncoder().String),
	}
	path := filepath.Join(t.TempDir(), "in.csv")
	for first, one := range encodings {
		for second, other := range encodings {
			for i := range rows {
				for _, till := range []int{i + 1, len(rows)} {
					if first == second || till > len(rows) {
						continue
					}
					var b bytes.Buffer
					b.WriteString(one(strings.Join(rows[:i], "")))
					b.WriteString(other(strings.Join(rows[i:till], "")))
					b.WriteString(one(strings.Join(rows[till:], "")))
					if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
						t.Fatal(err)
					}
					name := fmt.Sprintf("the file is cut: %s from row %d to %d of %s", second, i, till, first)
					if i == 0 && till == len(rows) {
						name = second
					}
					w.check(t, path, table, variant{name, "", [2]int{-1, -1}})
				}
			}
		}
	}
}

func encode(t *testing.T, f func(string) (string, error)) func(string) string {
	return func(s string) string {
		out, err := f(s)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
}
