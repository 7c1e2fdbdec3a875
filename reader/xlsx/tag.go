package xlsx

import (
	"bytes"
	"errors"
	"fmt"
)

// attribute is one of a tag's. Its bytes are valid until the next token; value is not decoded.
type attribute struct{ name, value []byte }

// readTag reads an opening tag with its attributes.
func (x *scanner) readTag() error {
	n, seen, err := x.tagEnd()
	if err != nil {
		return err
	}
	tag := x.buf[x.pos+1 : x.pos+n-1]
	x.pos += n
	if bytes.HasSuffix(tag, []byte("/")) {
		x.closing = true
		tag = tag[:len(tag)-1]
	}
	full, rest := word(tag)
	colon := 0
	if seen&prefixed != 0 {
		colon = bytes.IndexByte(full, ':') + 1
	}
	switch {
	case x.depth() == 0 && x.rooted:
		return errors.New("there is a second root element")
	case x.depth() == depthMost:
		return errors.New("its elements are too deep inside one another")
	case !x.rooted:
		x.rooted = true
		x.prefix = bytes.Clone(full[:colon])
	}
	x.open = append(x.open, full...)
	x.lengths = append(x.lengths, len(full))
	x.name = nil
	if bytes.Equal(full[:colon], x.prefix) {
		x.name = full[colon:]
	}
	return x.readAttributes(rest, seen)
}

// tagEnd counts the bytes of a tag, in whose values a > may stand, and gives the classes of all of them.
func (x *scanner) tagEnd() (n int, seen class, err error) {
	var quote byte
	for at := 1; ; {
		rest := x.buf[x.pos+at:]
		for i, c := range rest {
			k := classes[c]
			seen |= k
			switch {
			case k&(markup|quotes) == 0:
			case c == quote:
				quote = 0
			case c == '<':
				return 0, 0, errors.New("there is a < inside a tag")
			case quote != 0:
			case c == '>':
				n = at + i + 1
				seen, err = seen.legal(x.buf[x.pos : x.pos+n])
				return n, seen, err
			default:
				quote = c
			}
		}
		if at = len(x.buf) - x.pos; x.eof {
			return 0, 0, errCut
		}
		if err := x.fill(); err != nil {
			return 0, 0, err
		}
	}
}

// readAttributes reads those of a tag in which these classes of bytes were seen.
func (x *scanner) readAttributes(rest []byte, seen class) error {
	x.attrs = x.attrs[:0]
	for {
		before := len(rest)
		rest = trimLeft(rest)
		if len(rest) == 0 {
			return nil
		}
		if len(rest) == before {
			return errors.New("the attributes of a tag are not parted")
		}
		var a attribute
		a.name, rest = word(rest)
		if rest = trimLeft(rest); len(a.name) == 0 || len(rest) == 0 || rest[0] != '=' {
			return errors.New("a tag has an attribute without a value")
		}
		rest = trimLeft(rest[1:])
		if len(rest) == 0 || classes[rest[0]]&quotes == 0 {
			return errors.New("the value of an attribute is not quoted")
		}
		end := bytes.IndexByte(rest[1:], rest[0])
		if end < 0 {
			return errors.New("the value of an attribute is not closed")
		}
		a.value, rest = rest[1:1+end], rest[end+2:]
		if seen&escape != 0 && bytes.IndexByte(a.value, '&') >= 0 {
			if _, err := x.decode(a.value); err != nil {
				return err
			}
		}
		for _, b := range x.attrs {
			if bytes.Equal(a.name, b.name) {
				return fmt.Errorf("a tag has the attribute %s twice", a.name)
			}
		}
		if len(x.attrs) == attributesMost {
			return errors.New("a tag has too many attributes")
		}
		x.attrs = append(x.attrs, a)
	}
}

// word splits a name off.
func word(b []byte) (name, rest []byte) {
	if len(b) == 0 || classes[b[0]]&nameStart == 0 {
		return nil, b
	}
	for i, c := range b {
		if classes[c]&(nameStart|nameRest) == 0 {
			return b[:i], b[i:]
		}
	}
	return b, nil
}
