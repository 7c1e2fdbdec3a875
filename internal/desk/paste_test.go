package desk_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hppsend/internal/desk"
)

func TestBlock(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       [][]string // nil: refused
	}{
		{"nothing", "", [][]string{}},
		{"one cell", "a", [][]string{{"a"}}},
		{"one cell and its line end", "a\n", [][]string{{"a"}}},
		{"as Windows ends lines", "a\tb\r\nc\td\r\n", [][]string{{"a", "b"}, {"c", "d"}}},
		{"as old Macs end lines", "a\rb\r", [][]string{{"a"}, {"b"}}},
		{"without a line end at the end", "a\tb\nc\td", [][]string{{"a", "b"}, {"c", "d"}}},
		{"empty cells at the sides", "\ta\t\n", [][]string{{"", "a", ""}}},
		{"an empty cell between", "a\n\nb\n", [][]string{{"a"}, {""}, {"b"}}},
		{"an empty cell at the end", "a\r\n\r\n", [][]string{{"a"}, {""}}},
		{"an empty cell alone", "\n", [][]string{{""}}},
		{"rows of different lengths", "a\nb\tc\n", [][]string{{"a"}, {"b", "c"}}},
		{"spaces around", " a \t b\n", [][]string{{"a", "b"}}},
		{"quotes around a cell", "\"a\"\tb\n", nil},
		{"nothing between quotes", "\"\"\tb", nil},
		{"quotes in quotes", `"say ""a"""`, nil},
		{"a quote in the middle", `5" pipe`, [][]string{{`5" pipe`}}},
		{"a quote at the beginning", "\"a\tb\n", nil},
		{"a word in quotes at the beginning", "\"a\" b\tc", nil},
		{"quotes that are never closed", `"a""`, nil},
		{"what looks like a formula", "=1+1\t+46701740605\n", [][]string{{"=1+1", "+46701740605"}}},
		{"a line break in a cell", "\"a\nb\"\tc\n", nil},
		{"a tab in a cell", "\"a\tb\"\tc\n", nil},
		{"a zero-width space", "a\u200b\n", nil},
		{"a NUL", "a\x00\n", nil},
		{"no text", "a\xff\n", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := desk.Block(tt.text)
			if tt.want == nil {
				refused(t, err, desk.Invalid)
				return
			}
			if diff := cmp.Diff(tt.want, append([][]string{}, got...)); diff != "" || err != nil {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
}

// Every block of two by two cells, each of up to three of these signs, as spreadsheet programs copy what has no line
// break, is filled in as it is, or refused; and refused alone where a cell begins with a quotation mark.
func TestEveryBlock(t *testing.T) {
	cells := []string{""}
	for from := 0; len(cells[len(cells)-1]) < 3; {
		to := len(cells)
		for _, c := range cells[from:to] {
			for _, sign := range []string{"a", `"`, ",", "'", "="} {
				cells = append(cells, c+sign)
			}
		}
		from = to
	}
	for i, a := range cells {
		for j, b := range cells {
			c, d := cells[(i*7+j)%len(cells)], cells[(i+j*11)%len(cells)]
			want := [][]string{{a, b}, {c, d}}
			got, err := desk.Block(a + "\t" + b + "\r\n" + c + "\t" + d + "\r\n")
			quoted := strings.HasPrefix(a, `"`) || strings.HasPrefix(b, `"`) || strings.HasPrefix(c, `"`) || strings.HasPrefix(d, `"`)
			if quoted != (err != nil) || err == nil && !cmp.Equal(want, got) {
				t.Fatalf("%q is read as %q, %v", want, got, err)
			}
		}
	}
}

// people is a list in which rows 3, 5 and 6 have a problem: two with the address, one with the method.
var people = "session_id,method,email\n" +
	session(1) + ",email,anna@example.com\n" +
	session(2) + ",email,nobody\n" +
	session(3) + ",email,cleo@example.com\n" +
	session(4) + ",fax,dora@example.com\n" +
	session(5) + ",email,nobody\n" +
	session(6) + ",email,no one\n"

func cell(row, column int) desk.Cell { return desk.Cell{Row: row, Column: column} }

func TestPasted(t *testing.T) {
	h := newHouse(t)
	anna := h.seat("anna", desk.Uploader)
	u, _ := h.bring(anna, "may.csv", people)
	h.mend(anna, u, 6, 2, "no body")
	u = h.load(anna, u.ID)
	for _, tt := range []struct {
		name string
		from desk.Cell
		kind string
		text string
		want []desk.Edit // nil: refused
		code desk.Code
	}{
		{"one cell", cell(3, 2), "", "a\n", []desk.Edit{{cell(3, 2), "a", 0}}, ""},
		{"goes on in the rows that are shown", cell(3, 2), "", "a\nb\nc", []desk.Edit{{cell(3, 2), "a", 0}, {cell(5, 2), "b", 0}, {cell(6, 2), "c", 1}}, ""},
		{"of one kind alone", cell(3, 2), "bad_email", "a\nb\nc", []desk.Edit{{cell(3, 2), "a", 0}, {cell(6, 2), "b", 1}, {cell(7, 2), "c", 0}}, ""},
		{"columns go to the right", cell(5, 1), "", "a\tb\nc\td", []desk.Edit{{cell(5, 1), "a", 0}, {cell(5, 2), "b", 0}, {cell(6, 1), "c", 0}, {cell(6, 2), "d", 1}}, ""},
		{"too many rows", cell(6, 2), "", "a\nb\nc", nil, desk.Invalid},
		{"too many columns", cell(3, 2), "", "a\tb", nil, desk.Invalid},
		{"from a row that is not shown", cell(2, 2), "", "a", nil, desk.NotFound},
		{"from a row of another kind", cell(5, 1), "bad_email", "a", nil, desk.NotFound},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := anna.Pasted(t.Context(), u, h.table(anna, u), tt.from, tt.kind, must(desk.Block(tt.text))(t))
			if tt.want == nil {
				refused(t, err, tt.code)
				return
			}
			if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
	if diff := cmp.Diff(map[int]string{6: "no body"}, texts(t, anna, u)); diff != "" {
		t.Errorf("a preview has changed something (-want +got):\n%s", diff)
	}
}

// What was pasted is refused where somebody has typed meanwhile.
func TestPastedOverAnothers(t *testing.T) {
	h := newHouse(t)
	anna, carl := h.seat("anna", desk.Uploader), h.seat("carl", desk.Uploader)
	u, _ := h.bring(anna, "may.csv", people)
	edits := must(anna.Pasted(t.Context(), u, h.table(anna, u), cell(3, 2), "", [][]string{{"a@example.com"}, {"b@example.com"}}))(t)
	h.mend(carl, u, 5, 2, "carl@example.com")
	_, _, err := anna.Mend(t.Context(), u.ID, h.table(anna, u), edits)
	want := desk.Clashes{{cell(5, 2), "b@example.com", "carl@example.com", 1, "Carl"}}
	if diff := cmp.Diff(fmt.Sprintf("%#v", want), fmt.Sprintf("%#v", err)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	says(t, anna, u, map[int]string{5: "carl@example.com"})
}

func TestAlike(t *testing.T) {
	h := newHouse(t)
	anna := h.seat("anna", desk.Uploader)
	u, _ := h.bring(anna, "may.csv", people)
	edits := must(anna.Alike(t.Context(), u, h.table(anna, u), cell(3, 2), "bo@example.com"))(t)
	if diff := cmp.Diff([]desk.Edit{{cell(3, 2), "bo@example.com", 0}, {cell(6, 2), "bo@example.com", 0}}, edits); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	h.mend(anna, u, 7, 2, "nobody")
	edits = must(anna.Alike(t.Context(), h.load(anna, u.ID), h.table(anna, u), cell(6, 2), "bo@example.com"))(t)
	if diff := cmp.Diff([]desk.Edit{{cell(3, 2), "bo@example.com", 0}, {cell(6, 2), "bo@example.com", 0}, {cell(7, 2), "bo@example.com", 1}}, edits); diff != "" {
		t.Errorf("with one that was mended (-want +got):\n%s", diff)
	}
	for _, c := range []desk.Cell{cell(2, 2), cell(3, 3), cell(3, -1), {Sheet: "May", Row: 3, Column: 2}} {
		_, err := anna.Alike(t.Context(), u, h.table(anna, u), c, "x")
		refused(t, err, desk.NotFound)
	}
}
