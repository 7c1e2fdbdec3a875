package reader

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"hppsend/pipeline"
)

// TestSecondLists puts a title and more rows under a list, in each column, with blank lines or a repeated
// header between, in a text and in a workbook. Without rows behind them the same words are a footnote.
func TestSecondLists(t *testing.T) {
	rows := func(from, to int) (rows [][]string) {
		for i := from; i < to; i++ {
			rows = append(rows, []string{fmt.Sprintf("c0000000-0000-4000-8000-%012d", i), fmt.Sprintf("+467017406%02d", 5+i), "n"})
		}
		return rows
	}
	header := []string{"session_id", "phone", "name"}
	for _, words := range []string{"do not send", "Opted out:", "STOP", "Liste 2", "nicht senden"} {
		for column := range header {
			for blanks := range 3 {
				for _, again := range []bool{false, true} {
					for _, behind := range []int{0, 3} {
						title := make([]string, len(header))
						title[column] = words
						table := append([][]string{header}, rows(0, 4)...)
						for range blanks {
							table = append(table, make([]string, len(header)))
						}
						table = append(table, title)
						if again {
							table = append(table, header)
						}
						table = append(table, rows(4, 4+behind)...)
						// A name alone between two rows, in its own column, may be a row that lost the rest.
						refused := behind > 0 && (column == 0 || blanks > 0 || again)
						for _, path := range []string{asCSV(t, table), asBook(t, table)} {
							if got := refusal(t, path); strings.Contains(got, "another list") != refused || got != "" && !refused {
								t.Errorf("%s: %q in column %d behind %d blank lines, header again %v, %d rows behind: %q", filepath.Ext(path), words, column, blanks, again, behind, got)
							}
						}
					}
				}
			}
		}
	}
}

func asCSV(t *testing.T, table [][]string) string {
	t.Helper()
	var b strings.Builder
	for _, cells := range table {
		b.WriteString(strings.Join(cells, ",") + "\n")
	}
	return file(t, "in.csv", b.String())
}

func asBook(t *testing.T, table [][]string) string {
	t.Helper()
	book := excelize.NewFile()
	defer book.Close()
	for i, cells := range table {
		for j, text := range cells {
			if at, err := excelize.CoordinatesToCellName(j+1, i+1); text != "" && (err != nil || book.SetCellStr("Sheet1", at, text) != nil) {
				t.Fatal(at)
			}
		}
	}
	path := filepath.Join(t.TempDir(), "in.xlsx")
	if err := book.SaveAs(path); err != nil {
		t.Fatal(err)
	}
	return path
}

// refusal is why a file is refused as a whole, or nothing.
func refusal(t *testing.T, path string) string {
	t.Helper()
	f, err := Open(path, Options{})
	if err == nil {
		defer f.Close()
		for _, rowErr := range pipeline.Rows(f) {
			err = rowErr
		}
	}
	var refused *pipeline.Error
	if err != nil && !errors.As(err, &refused) {
		t.Fatal(err)
	}
	if refused == nil {
		return ""
	}
	return refused.Problem
}
