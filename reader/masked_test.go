package reader

import (
	"path/filepath"
	"testing"

	"github.com/xuri/excelize/v2"

	"hppsend/pipeline"
)

// A sheet and a column with a contact in their names are found by what the ledger keeps of those, as long as
// one only has that name.
func TestMaskedNamesAreFound(t *testing.T) {
	path := filepath.Join(t.TempDir(), "in.xlsx")
	book := excelize.NewFile()
	defer book.Close()
	for _, sheet := range []string{"for anna@example.com", "for bo@example.com", "for bea@example.com"} {
		if _, err := book.NewSheet(sheet); err != nil {
			t.Fatal(err)
		}
		header := []any{"session_id", "of anna@example.com", "of bo@example.com", "of bea@example.com"}
		if err := book.SetSheetRow(sheet, "A1", &header); err != nil {
			t.Fatal(err)
		}
		if err := book.SetSheetRow(sheet, "A2", &[]any{"f0000000-0000-4000-8000-000000000001", "+46701740605"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := book.SaveAs(path); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		sheet, column string
		found         bool
	}{
		{"for anna@example.com", "of anna@example.com", true},
		{"for a•••@e•••.com", "of a•••@e•••.com", true},
		{"for b•••@e•••.com", "of a•••@e•••.com", false}, // two of them
		{"for a•••@e•••.com", "of b•••@e•••.com", false},
		{"for c•••@e•••.com", "of a•••@e•••.com", false},
	} {
		f, err := Open(path, Options{Sheet: tt.sheet, Map: map[string]string{"phone": tt.column}})
		if (err == nil) != tt.found {
			t.Errorf("%s, %s: %v", tt.sheet, tt.column, err)
		}
		if err != nil {
			continue
		}
		if f.Input().Sheet != "for anna@example.com" {
			t.Errorf("%s is taken for %s", f.Input().Sheet, tt.sheet)
		}
		for row, err := range pipeline.Rows(f) {
			if err != nil || row.Fields.Phone != "+46701740605" {
				t.Errorf("the row is %+v, %v", row, err)
			}
		}
		f.Close()
	}
}
