package xlsx

import (
	"encoding/binary"
	"errors"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// wideOrder tells the order of bytes of a text in UTF-16, by its mark or its first tag; nil for others.
func wideOrder(begin []byte) binary.ByteOrder {
	if len(begin) < 2 {
		return nil
	}
	switch [2]byte(begin) {
	case [2]byte{0xff, 0xfe}, [2]byte{'<', 0}:
		return binary.LittleEndian
	case [2]byte{0xfe, 0xff}, [2]byte{0, '<'}:
		return binary.BigEndian
	}
	return nil
}

var errWide = errors.New("it is not UTF-16 throughout")

// wideReader reads UTF-16 as UTF-8, and refuses what is none.
type wideReader struct {
	from  io.Reader
	order binary.ByteOrder
	units []byte // read and not yet decoded
	out   []byte // decoded and not yet given
	err   error
}

func (w *wideReader) Read(p []byte) (int, error) {
	for len(w.out) == 0 && w.err == nil {
		w.more()
	}
	n := copy(p, w.out)
	w.out = w.out[n:]
	if n == 0 {
		return 0, w.err
	}
	return n, nil
}

// more decodes what is read next, but for half a character at the end.
func (w *wideReader) more() {
	var buf [4096]byte
	n, err := w.from.Read(buf[:])
	w.units = append(w.units, buf[:n]...)
	w.out = w.out[:0]
	at := 0
	for ; len(w.units)-at >= 2; at += 2 {
		r := rune(w.order.Uint16(w.units[at:]))
		if utf16.IsSurrogate(r) {
			if len(w.units)-at < 4 {
				break
			}
			if r = utf16.DecodeRune(r, rune(w.order.Uint16(w.units[at+2:]))); r == utf8.RuneError {
				w.err = errWide
				return
			}
			at += 2
		}
		w.out = utf8.AppendRune(w.out, r)
	}
	w.units = append(w.units[:0], w.units[at:]...)
	if w.err = err; err == io.EOF && len(w.units) > 0 {
		w.err = errWide
	}
}
