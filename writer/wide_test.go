package writer

import (
	"fmt"
	"path/filepath"
	"testing"

	"hppsend/pipeline"
)

// BenchmarkWide writes a report of one row that is as wide as a sheet may nearly be: the time for a
// column must not grow with the columns.
func BenchmarkWide(b *testing.B) {
	for _, columns := range []int{1000, 4000, 16000} {
		b.Run(fmt.Sprint(columns), func(b *testing.B) {
			in, row := pipeline.Input{}, pipeline.Row{}
			for i := range columns {
				in.Columns = append(in.Columns, fmt.Sprintf("column %d", i))
				row.Cells = append(row.Cells, pipeline.Cell{Text: "x"})
			}
			for b.Loop() {
				r, err := Create(filepath.Join(b.TempDir(), "wide.xlsx"), pipeline.XLSX, in, false)
				if err != nil {
					b.Fatal(err)
				}
				if err := r.Write(row, pipeline.Outcome{}); err != nil {
					b.Fatal(err)
				}
				if _, err := put(r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
