package main

import (
	"archive/zip"
	"bufio"
	"compress/flate"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/xuri/excelize/v2"

	"hppsend/pipeline"
	"hppsend/writer"
)

// The names that goals compare.
const (
	reportCSV  = "report CSV: package writer"
	reportXLSX = "report XLSX: package writer"
	plainCSV   = "report CSV: encoding/csv (bound)"
	plainXLSX  = "report XLSX: excelize.StreamWriter (bound)"
	quickXLSX  = "report XLSX: excelize.StreamWriter, flate.BestSpeed"
)

// reporting is the part report: the report of delivered rows, and the libraries that write the same cells.
func (b *bench) reporting(context.Context) ([]measure, error) {
	rows := strconv.Itoa(b.rows)
	var measures []measure
	for _, m := range []struct{ name, task, file, how string }{
		{reportCSV, "report", "out.csv", "csv"},
		{plainCSV, "write-csv", "out.csv", ""},
		{reportXLSX, "report", "out.xlsx", "xlsx"},
		{plainXLSX, "write-xlsx", "out.xlsx", "default"},
		{quickXLSX, "write-xlsx", "out.xlsx", "quick"},
	} {
		measures = append(measures, func(ctx context.Context) error {
			path := filepath.Join(b.folder, m.file)
			defer os.Remove(path)
			s, err := own(ctx, m.task, path, rows, m.how)
			b.results.add(m.name, s)
			return err
		})
	}
	return measures, nil
}

// delivered is the row of a person in a report.
func delivered(i int) (pipeline.Row, pipeline.Outcome) {
	p := personAt(i)
	row := pipeline.Row{Place: pipeline.Place{Row: i + 2}}
	for _, text := range p.cells() {
		row.Cells = append(row.Cells, pipeline.Cell{Text: text})
	}
	sentTo, _ := p.contacts()
	out := pipeline.Outcome{
		Session: p.session, Status: pipeline.Delivered, Method: pipeline.Method(p.method), SentTo: sentTo,
		HTTPStatus: 204, Attempts: 1, CorrelationID: p.session, Target: "https://api.example.com", Run: "x6wqbghde2uo",
		Time: time.Date(2026, 11, 23, 14, 42, 0, 0, time.UTC),
	}
	return row, out
}

// deliveries are a thousand rows, made before the time counts, to be written over and over.
func deliveries() (rows []pipeline.Row, outs []pipeline.Outcome) {
	for i := range 1000 {
		row, out := delivered(i)
		rows, outs = append(rows, row), append(outs, out)
	}
	return rows, outs
}

func report(args []string) (func() (int, error), error) {
	path, n, err := target(args)
	rows, outs := deliveries()
	return func() (int, error) {
		in := pipeline.Input{Path: path, Columns: columns, Sheet: "Sheet1"}
		r, err := writer.Create(path, pipeline.Format(args[2]), in, false)
		if err != nil {
			return 0, err
		}
		defer r.Abort()
		for i := range n {
			row := rows[i%len(rows)]
			row.Row = i + 2
			if err := r.Write(row, outs[i%len(outs)]); err != nil {
				return i, err
			}
		}
		_, err = r.Commit()
		return n, err
	}, err
}

// texts are the cells of a report's row.
func texts(row pipeline.Row, out pipeline.Outcome) []string {
	var cells []string
	for _, c := range row.Cells {
		cells = append(cells, c.Text)
	}
	return append(cells, strconv.Itoa(row.Row), string(out.Status), out.Code, out.Reason, string(out.Method), out.SentTo,
		strconv.Itoa(out.HTTPStatus), strconv.Itoa(out.Attempts), out.CorrelationID, out.Time.Format(time.RFC3339), out.Target, out.Run)
}

// tabled gives the header and the rows that the libraries write by themselves.
func tabled() (header []string, rows [][]string) {
	own := writer.Columns()
	header = append(slices.Clone(columns), own[:len(own)-1]...)
	ours, outs := deliveries()
	for i := range ours {
		rows = append(rows, texts(ours[i], outs[i]))
	}
	return header, rows
}

func writeCSV(args []string) (func() (int, error), error) {
	path, n, err := target(args)
	header, rows := tabled()
	return func() (int, error) {
		f, err := os.Create(path)
		if err != nil {
			return 0, err
		}
		w := csv.NewWriter(f)
		w.Write(header)
		for i := range n {
			row := rows[i%len(rows)]
			row[len(columns)] = strconv.Itoa(i + 2)
			w.Write(row)
		}
		w.Flush()
		return n, errors.Join(w.Error(), f.Sync(), f.Close())
	}, err
}

func writeXLSX(args []string) (func() (int, error), error) {
	path, n, err := target(args)
	header, rows := tabled()
	return func() (int, error) {
		f, err := os.Create(path)
		if err != nil {
			return 0, err
		}
		out := bufio.NewWriter(f)
		book := excelize.NewFile(excelize.Options{TmpDir: filepath.Dir(path)})
		defer book.Close()
		if args[2] == "quick" {
			book.SetZipWriter(func(io.Writer) excelize.ZipWriter {
				z := zip.NewWriter(out)
				z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestSpeed) })
				return z
			})
		}
		w, err := book.NewStreamWriter("Sheet1")
		if err != nil {
			return 0, err
		}
		cells := make([]any, len(header))
		for i := range n + 1 {
			row := header
			if i > 0 {
				row = rows[(i-1)%len(rows)]
			}
			for c, text := range row {
				if cells[c] = text; text == "" {
					cells[c] = nil
				}
			}
			if i > 0 {
				cells[len(columns)] = i + 1
			}
			if err := w.SetRow(fmt.Sprintf("A%d", i+1), cells); err != nil {
				return i, err
			}
		}
		if err := w.Flush(); err != nil {
			return n, err
		}
		var to io.Writer = out
		if args[2] == "quick" {
			to = io.Discard // it writes through its own archive
		}
		return n, errors.Join(book.Write(to), out.Flush(), f.Sync(), f.Close())
	}, err
}
