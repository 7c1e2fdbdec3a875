package writer

import (
	"io"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/xuri/excelize/v2"

	"hppsend/pipeline"
)

// On two cores of an AMD EPYC with Go 1.26.8, a row of 4 cells and our 12:
//
//	CSV 3 µs, XLSX 17-20 µs, JSON lines 10 µs; excelize's StreamWriter alone 22-28 µs (it compresses more).
//	1,048,575 rows of XLSX: 17 s, 78 MB of memory at most, 81 MB of file.
const benchRows = 20_000

func benchInput() (pipeline.Input, pipeline.Row) {
	in := pipeline.Input{Columns: []string{"session_id", "phone", "country", "amount"}}
	row := texts(2, session, "+46701740605", "SE", "199.5")
	row.Cells[3].Kind, row.Cells[3].Format = pipeline.CellNumber, "0.00"
	return in, row
}

func benchmarkReport(b *testing.B, format pipeline.Format) {
	in, row := benchInput()
	for b.Loop() {
		r, err := Create(filepath.Join(b.TempDir(), "out"), format, in, false)
		if err != nil {
			b.Fatal(err)
		}
		for n := range benchRows {
			row.Row = n + 2
			if err := r.Write(row, sample()); err != nil {
				b.Fatal(err)
			}
		}
		if _, err := put(r); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchRows, "ns/row")
}

func BenchmarkCSV(b *testing.B)   { benchmarkReport(b, pipeline.CSV) }
func BenchmarkXLSX(b *testing.B)  { benchmarkReport(b, pipeline.XLSX) }
func BenchmarkJSONL(b *testing.B) { benchmarkReport(b, pipeline.JSONL) }

// BenchmarkStreamWriter writes the same cells with excelize alone: what BenchmarkXLSX can hope for.
func BenchmarkStreamWriter(b *testing.B) {
	in, row := benchInput()
	t := table{columns: in.Columns}
	for b.Loop() {
		f := excelize.NewFile(excelize.Options{TmpDir: b.TempDir()})
		w, err := f.NewStreamWriter("Sheet1")
		if err != nil {
			b.Fatal(err)
		}
		for n := range benchRows {
			var cells []any
			for _, c := range row.Cells {
				cells = append(cells, c.Text)
			}
			ours, err := t.values(row, sample())
			if err != nil {
				b.Fatal(err)
			}
			for _, v := range ours {
				cells = append(cells, v)
			}
			if err := w.SetRow("A"+strconv.Itoa(n+1), cells); err != nil {
				b.Fatal(err)
			}
		}
		if err := w.Flush(); err != nil {
			b.Fatal(err)
		}
		if err := f.Write(io.Discard); err != nil {
			b.Fatal(err)
		}
		f.Close()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchRows, "ns/row")
}
