package reader

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hppsend/pipeline"
)

func mergedCells(refs ...string) string {
	var b strings.Builder
	for _, r := range refs {
		fmt.Fprintf(&b, `<mergeCell ref="%s"/>`, r)
	}
	return `<mergeCells>` + b.String() + `</mergeCells>`
}

func TestMergedCells(t *testing.T) {
	header := row(1, "Session ID", "Mobile", "Country", "Note")
	four := row(2, "a1", "1", "SE", "x") + row(3, "", "2", "", "y") + row(4, "b2", "3", "NO") + row(5, "", "4", "")
	tests := []struct {
		name, rows string
		merges     []string
		want       []string // session, phone and country of each row, or its fault
	}{
		{"none", four, nil, []string{"a1 1 SE", " 2 ", "b2 3 NO", " 4 "}},
		{"a session", four, []string{"A2:A3", "A4:A5"}, []string{"a1 1 SE", "a1 2 ", "b2 3 NO", "b2 4 "}},
		{"a country", four, []string{"C2:C5"}, []string{"a1 1 SE", " 2 SE", "merged_cell", " 4 SE"}},
		{"a country in a sheet out of order", four, []string{"C4:C5", "C2:C3"}, []string{"a1 1 SE", " 2 SE", "b2 3 NO", " 4 NO"}},
		{"another column", four, []string{"D2:D5"}, []string{"a1 1 SE", " 2 ", "b2 3 NO", " 4 "}},
		{"a phone", four, []string{"B2:B3"}, []string{"merged_cell", "merged_cell", "b2 3 NO", " 4 "}},
		{"across columns", four, []string{"A4:B5"}, []string{"a1 1 SE", " 2 ", "merged_cell", "merged_cell"}},
		{"a title under the rows", row(2, "a1", "1", "SE") + row(3, "May"), []string{"A3:D3"}, []string{"a1 1 SE", "merged_cell"}},
		{"from the header down", four, []string{"C1:C2"}, []string{"merged_cell", " 2 ", "b2 3 NO", " 4 "}},
		{"what is repeated is a date", row(2, `<c s="1"><v>45000</v></c>`, "1") + row(3, "", "2"), []string{"A2:A3"}, []string{"cell_is_date", "merged_cell"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tb := tab{name: "May", rows: header + tt.rows}
			if tt.merges != nil {
				tb.merges = mergedCells(tt.merges...)
			}
			f, err := Open(book(t, tb), Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			for range 2 {
				var got []string
				for r, err := range pipeline.Rows(f) {
					if err != nil {
						t.Fatal(err)
					}
					if r.Fault().Code != "" {
						got = append(got, r.Fault().Code)
					} else {
						got = append(got, r.Fields.Session+" "+r.Fields.Phone+" "+r.Fields.PhoneCountry)
					}
				}
				if d := cmp.Diff(tt.want, got); d != "" {
					t.Error(d)
				}
			}
		})
	}
}

func TestMergedHeader(t *testing.T) {
	rows := row(1, "Session ID", "Mobile", "", "Note") + row(2, "a1", "46", "701740605")
	_, err := Open(book(t, tab{name: "May", rows: rows, merges: mergedCells("B1:C1")}), Options{})
	var e *pipeline.Error
	if !errors.As(err, &e) || e.Problem != "the header is merged over several columns" || e.Place.Column != "Mobile" {
		t.Errorf("got %v", err)
	}
}

func TestHiddenColumns(t *testing.T) {
	f, err := Open(book(t, tab{name: "May", rows: head + row(2, "a1", "+46701740605"), cols: `<cols><col min="2" max="3" hidden="1"/></cols>`}), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	want := []string{`column "Mobile" (B), which is read for phone, is hidden`}
	if d := cmp.Diff(want, f.Input().Notices); d != "" {
		t.Error(d)
	}
}
