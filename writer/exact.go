package writer

import (
	"archive/zip"
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"strconv"
	"strings"
)

// exact has numbers written with all their digits. The library cuts off those after the fifteenth, so
// such a number goes through it as a text with a mark at both ends, which becomes a number on the way
// into the archive. The mark is of chance, so that no cell of the input can have it.
type exact struct {
	mark string
	used bool
}

func newExact() *exact { return &exact{mark: "number-" + rand.Text()} }

// cell gives what is to be written for a number.
func (e *exact) cell(f float64) any {
	digits := strconv.FormatFloat(f, 'f', -1, 64)
	significant := strings.Trim(strings.Replace(strings.TrimPrefix(digits, "-"), ".", "", 1), "0")
	if len(significant) <= maxDigits {
		return f
	}
	e.used = true
	return e.mark + digits + e.mark
}

// writer makes numbers of the marked texts on their way to w. The caller closes it, but not w.
func (e *exact) writer(w io.Writer) *exactWriter {
	return &exactWriter{to: w, swaps: [2][2][]byte{
		{[]byte(` t="inlineStr"><is><t>` + e.mark), []byte("><v>")},
		{[]byte(e.mark + "</t></is>"), []byte("</v>")},
	}}
}

type exactWriter struct {
	to    io.Writer
	swaps [2][2][]byte
	held  []byte // it may be the beginning of a mark
}

func (x *exactWriter) Write(p []byte) (int, error) {
	x.held = append(x.held, p...)
	return len(p), x.pass(max(len(x.swaps[0][0]), len(x.swaps[1][0])) - 1)
}

// pass writes all but so many bytes at the end.
func (x *exactWriter) pass(keep int) error {
	for {
		at, swap := -1, 0
		for i, s := range x.swaps {
			if k := bytes.Index(x.held, s[0]); k >= 0 && (at < 0 || k < at) {
				at, swap = k, i
			}
		}
		if at < 0 {
			break
		}
		if _, err := x.to.Write(x.held[:at]); err != nil {
			return err
		}
		if _, err := x.to.Write(x.swaps[swap][1]); err != nil {
			return err
		}
		x.held = x.held[at+len(x.swaps[swap][0]):]
	}
	n := max(0, len(x.held)-keep)
	_, err := x.to.Write(x.held[:n])
	x.held = append(x.held[:0], x.held[n:]...)
	return err
}

// Close writes what was held.
func (x *exactWriter) Close() error { return x.pass(0) }

// exactZip is an archive whose sheets go through exact where that is used.
type exactZip struct {
	*zip.Writer
	exact *exact
	sheet *exactWriter // the one being written
}

func (z *exactZip) Create(name string) (io.Writer, error) {
	if err := z.flush(); err != nil {
		return nil, err
	}
	w, err := z.Writer.Create(name)
	if err != nil || !z.exact.used || !strings.HasPrefix(name, "xl/worksheets/") {
		return w, err
	}
	z.sheet = z.exact.writer(w)
	return z.sheet, nil
}

func (z *exactZip) flush() (err error) {
	if z.sheet != nil {
		err = z.sheet.Close()
		z.sheet = nil
	}
	return err
}

func (z *exactZip) Close() error { return errors.Join(z.flush(), z.Writer.Close()) }
