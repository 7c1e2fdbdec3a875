package main

import (
	"archive/zip"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"

	"github.com/xuri/excelize/v2"

	"hppsend/internal/contact"
	"hppsend/reader"
)

// checking is the part check: the real check, the reading alone, and what bounds them.
func (b *bench) checking(ctx context.Context) ([]measure, error) {
	var measures []measure
	for _, kind := range []string{csvInput, inlineInput, sharedInput} {
		input, err := b.input(ctx, kind, b.rows)
		if err != nil {
			return nil, err
		}
		tasks := []string{"read", "excelize", "inflate", "scan"}
		if kind == csvInput {
			tasks = []string{"read", "encoding-csv", "contacts"}
		}
		measures = append(measures, func(ctx context.Context) error {
			s, err := b.program(ctx, "check", input).timed(b.rows, 0)
			b.results.add(checkName("hppsend check", kind), s)
			return err
		})
		for _, task := range tasks {
			measures = append(measures, func(ctx context.Context) error {
				s, err := own(ctx, task, input)
				if err == nil && s.Rows != b.rows {
					err = fmt.Errorf("%s: %s has given %d rows of %d", kind, task, s.Rows, b.rows)
				}
				b.results.add(checkName(task, kind), s)
				return err
			})
		}
	}
	return measures, nil
}

// checkName is what a task is called in the table.
func checkName(task, kind string) string {
	switch task {
	case "read":
		task = "the reading alone"
	case "encoding-csv":
		task = "encoding/csv (bound)"
	case "contacts":
		task = "the contact work alone, on all cores (bound)"
	case "excelize":
		task = "excelize.Rows"
	case "inflate":
		task = "inflating alone"
	case "scan":
		task = "inflating and a bare byte scan (bound)"
	}
	return fmt.Sprintf("check %s: %s", kind, task)
}

// read opens a file and reads all rows, as each pass of the program does.
func read(args []string) (func() (int, error), error) {
	return func() (rows int, err error) {
		f, err := reader.Open(args[0], reader.Options{})
		if err != nil {
			return 0, err
		}
		defer f.Close()
		for _, err := range f.Rows() {
			if err != nil {
				return rows, err
			}
			rows++
		}
		return rows, nil
	}, nil
}

func encodingCSV(args []string) (func() (int, error), error) {
	return func() (rows int, err error) {
		err = eachRecord(args[0], func([]string) { rows++ })
		return rows, err
	}, nil
}

// eachRecord gives every record of a CSV file but the header.
func eachRecord(path string, do func([]string)) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	r := csv.NewReader(f)
	if _, err := r.Read(); err != nil {
		return err
	}
	for {
		record, err := r.Read()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		do(record)
	}
}

// contacts does to the contacts of a CSV file what the check does, on all cores.
func contacts(args []string) (func() (int, error), error) {
	var rows [][3]string // phone, country, email
	err := eachRecord(args[0], func(r []string) { rows = append(rows, [3]string{r[2], r[3], r[4]}) })
	return func() (int, error) {
		cores := runtime.GOMAXPROCS(0)
		errs := make([]error, cores)
		var wg sync.WaitGroup
		for w := range cores {
			wg.Go(func() {
				for _, r := range rows[len(rows)*w/cores : len(rows)*(w+1)/cores] {
					country, _ := contact.Country(r[1])
					if _, err := contact.ParsePhone(r[0], country); err != nil && r[0] != "" {
						errs[w] = err
					}
					if _, err := contact.ParseEmail(r[2]); err != nil && r[2] != "" {
						errs[w] = err
					}
				}
			})
		}
		wg.Wait()
		for _, err := range errs {
			if err != nil {
				return 0, fmt.Errorf("a contact of the inputs is no contact: %w", err)
			}
		}
		return len(rows), nil
	}, err
}

func excelizeRows(args []string) (func() (int, error), error) {
	return func() (n int, err error) {
		f, err := excelize.OpenFile(args[0], excelize.Options{RawCellValue: true})
		if err != nil {
			return 0, err
		}
		defer f.Close()
		rows, err := f.Rows("Sheet1")
		if err != nil {
			return 0, err
		}
		defer rows.Close()
		for ; rows.Next(); n++ {
			if _, err := rows.Columns(); err != nil {
				return n, err
			}
		}
		return n - 1, rows.Error() // less the header
	}, nil
}

// inflate inflates every part; it counts the rows by the way, which costs nothing beside it.
func inflate(args []string) (func() (int, error), error) {
	var rows int
	err := eachPart(args[0], func(chunk []byte) { rows += countRows(chunk) })
	return func() (int, error) { return rows - 1, eachPart(args[0], func([]byte) {}) }, err
}

// inflateAndScan inflates every part and looks at each byte once.
func inflateAndScan(args []string) (func() (int, error), error) {
	return func() (rows int, err error) {
		err = eachPart(args[0], func(chunk []byte) { rows += countRows(chunk) })
		return rows - 1, err
	}, nil
}

// countRows counts the rows by the first two bytes of their tags. A tag that is cut between two chunks
// is put together by eachPart.
func countRows(chunk []byte) (rows int) {
	last := byte(0)
	for _, c := range chunk {
		if c == 'r' && last == '<' {
			rows++
		}
		last = c
	}
	return rows
}

// eachPart inflates every part of a workbook, in chunks that never end with the first byte of a tag.
func eachPart(path string, do func([]byte)) error {
	z, err := zip.OpenReader(path)
	if err != nil {
		return err
	}
	defer z.Close()
	buf := make([]byte, 64<<10)
	for _, part := range z.File {
		r, err := part.Open()
		if err != nil {
			return err
		}
		kept := 0
		for err == nil {
			var n int
			n, err = r.Read(buf[kept:])
			n += kept
			kept = 0
			if n > 0 && buf[n-1] == '<' && err == nil {
				n, kept = n-1, 1
			}
			do(buf[:n])
			if kept == 1 {
				buf[0] = '<'
			}
		}
		if r.Close(); err != io.EOF {
			return err
		}
	}
	return nil
}
