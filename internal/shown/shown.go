// Package shown shows texts of others, such as names of files, so that a reader sees what is there: they
// begin no line, move no cursor and turn no text round. Text is for people, JSON for machines.
package shown

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// odd tells what is no letter, mark, number, punctuation, symbol or blank: control and direction
// characters, line separators, what has no width, and what no font knows.
func odd(r rune) bool { return !strconv.IsGraphic(r) }

// Text gives a text with every odd character, and each byte that is not UTF-8, written out: \u202e, \x9b.
// The result is one line.
func Text(s string) string {
	if utf8.ValidString(s) && !strings.ContainsFunc(s, odd) {
		return s
	}
	var out []byte
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && size == 1:
			out = fmt.Appendf(out, `\x%02x`, s[0])
		case !odd(r):
			out = append(out, s[:size]...)
		case r > 0xffff:
			out = fmt.Appendf(out, `\U%08x`, r)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
		s = s[size:]
	}
	return string(out)
}

// JSON gives a writer that passes JSON on with the odd characters in its strings escaped, so that lines may
// be looked at on a terminal; what a machine reads out of them stays the same. Each call of Write has to
// hold whole values, as those of encoding/json and log/slog do.
func JSON(w io.Writer) io.Writer { return jsonWriter{w} }

type jsonWriter struct{ to io.Writer }

func (j jsonWriter) Write(p []byte) (int, error) {
	var out []byte // p up to done, escaped
	done := 0
	for i := 0; i < len(p); {
		r, size := rune(p[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRune(p[i:])
		}
		if r >= 0x7f && odd(r) { // below, encoders escape all but the ends of their lines
			out = append(out, p[done:i]...)
			if hi, lo := utf16.EncodeRune(r); r > 0xffff {
				out = fmt.Appendf(out, `\u%04x\u%04x`, hi, lo)
			} else {
				out = fmt.Appendf(out, `\u%04x`, r)
			}
			done = i + size
		}
		i += size
	}
	if done == 0 {
		return j.to.Write(p)
	}
	if _, err := j.to.Write(append(out, p[done:]...)); err != nil {
		return 0, err
	}
	return len(p), nil
}
