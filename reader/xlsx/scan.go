package xlsx

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// tokenMost bounds one tag or one stretch of text, in bytes. A cell has 32,767 characters at most.
const tokenMost = 4 << 20

// kind is what a token is.
type kind uint8

const (
	openTag kind = iota + 1
	closeTag
	text
	endOfPart
)

// attribute is one of a tag's. Its bytes are valid until the next token; value is not decoded.
type attribute struct{ name, value []byte }

// scanner gives the tokens of an XML part, one after another, and refuses what is not well formed. It
// knows as much of XML as spreadsheets use: no document type, and no encoding but UTF-8. An empty
// element gives an opening and a closing tag.
type scanner struct {
	r    io.Reader
	buf  []byte
	pos  int
	eof  bool
	read int64 // bytes before buf

	name    []byte // of a tag, without its prefix
	attrs   []attribute
	text    []byte // decoded
	decoded []byte // where text lies when it is not as written

	open    []byte // the full names of the open elements, one after another
	lengths []int
	closing bool // the tag just given was of an empty element
	rooted  bool // the root element has begun
}

func newScanner(r io.Reader) *scanner { return &scanner{r: r, buf: make([]byte, 0, 64<<10)} }

var errCut = errors.New("it ends in the middle")

// depth is how many elements are open.
func (x *scanner) depth() int { return len(x.lengths) }

// next gives the next token that matters; comments and instructions do not.
func (x *scanner) next() (kind, error) {
	if x.closing {
		x.closing = false
		return closeTag, x.pop(x.top())
	}
	for {
		if x.pos == len(x.buf) {
			if err := x.fill(); err != nil {
				return 0, err
			}
			if x.pos == len(x.buf) {
				if x.depth() > 0 || !x.rooted {
					return 0, errCut
				}
				return endOfPart, nil
			}
		}
		if x.buf[x.pos] != '<' {
			if err := x.readText(); err != nil {
				return 0, err
			}
			if x.depth() == 0 {
				if len(bytes.TrimSpace(bytes.TrimPrefix(x.text, []byte("\ufeff")))) > 0 {
					return 0, errors.New("there is text outside the elements")
				}
				continue
			}
			return text, nil
		}
		switch k, err := x.readMarkup(); {
		case err != nil:
			return 0, err
		case k != 0:
			return k, nil
		}
	}
}

// fill reads more behind what is there.
func (x *scanner) fill() error {
	if x.eof {
		return nil
	}
	if x.pos > 0 {
		x.read += int64(x.pos)
		n := copy(x.buf, x.buf[x.pos:])
		x.buf, x.pos = x.buf[:n], 0
	}
	if len(x.buf) == cap(x.buf) {
		if cap(x.buf) >= tokenMost {
			return errors.New("a tag or a text is too long")
		}
		bigger := make([]byte, len(x.buf), 2*cap(x.buf))
		copy(bigger, x.buf)
		x.buf = bigger
	}
	n, err := x.r.Read(x.buf[len(x.buf):cap(x.buf)])
	x.buf = x.buf[:len(x.buf)+n]
	if err == io.EOF {
		x.eof = true
		return nil
	}
	return err
}

// upTo makes sure that the buffer holds the mark, and gives where it ends, counted from pos.
func (x *scanner) upTo(mark string, from int) (int, error) {
	for {
		if i := bytes.Index(x.buf[min(len(x.buf), x.pos+from):], []byte(mark)); i >= 0 {
			return from + i + len(mark), nil
		}
		if x.eof {
			return 0, errCut
		}
		from = max(from, len(x.buf)-x.pos-len(mark)+1)
		if err := x.fill(); err != nil {
			return 0, err
		}
	}
}

// readText reads up to the next tag, or the end.
func (x *scanner) readText() error {
	n, err := x.upTo("<", 0)
	switch {
	case err == nil:
		n--
	case errors.Is(err, errCut):
		n = len(x.buf) - x.pos
	default:
		return err
	}
	raw := x.buf[x.pos : x.pos+n]
	x.pos += n
	x.text, err = x.decode(raw)
	return err
}

// readMarkup reads a tag, or passes over what is none: it then gives no kind.
func (x *scanner) readMarkup() (kind, error) {
	for len(x.buf)-x.pos < len("<![CDATA[") && !x.eof {
		if err := x.fill(); err != nil {
			return 0, err
		}
	}
	rest := x.buf[x.pos:]
	switch {
	case bytes.HasPrefix(rest, []byte("<?")):
		return 0, x.pass("?>", 2)
	case bytes.HasPrefix(rest, []byte("<!--")):
		return 0, x.pass("-->", 4)
	case bytes.HasPrefix(rest, []byte("<![CDATA[")):
		n, err := x.upTo("]]>", 9)
		if err != nil {
			return 0, err
		}
		if x.depth() == 0 {
			return 0, errors.New("there is text outside the elements")
		}
		raw := x.buf[x.pos+9 : x.pos+n-3]
		x.pos += n
		x.text = raw
		return text, legal(raw)
	case bytes.HasPrefix(rest, []byte("<!")):
		return 0, errors.New("it declares a document type, which no spreadsheet does")
	case bytes.HasPrefix(rest, []byte("</")):
		n, err := x.upTo(">", 2)
		if err != nil {
			return 0, err
		}
		full := bytes.TrimRight(x.buf[x.pos+2:x.pos+n-1], " \t\r\n")
		x.pos += n
		return closeTag, x.pop(full)
	}
	return openTag, x.readTag()
}

func (x *scanner) pass(mark string, from int) error {
	n, err := x.upTo(mark, from)
	x.pos += n
	return err
}

// readTag reads an opening tag with its attributes.
func (x *scanner) readTag() error {
	n, err := x.upTo(">", 1)
	for ; err == nil && !balanced(x.buf[x.pos:x.pos+n]); n, err = x.upTo(">", n) { // a > inside a value
	}
	if err != nil {
		return err
	}
	tag := x.buf[x.pos+1 : x.pos+n-1]
	x.pos += n
	if empty := bytes.HasSuffix(tag, []byte("/")); empty {
		x.closing = true
		tag = tag[:len(tag)-1]
	}
	full, rest := word(tag)
	if len(full) == 0 {
		return errors.New("a tag has no name")
	}
	if x.depth() == 0 && x.rooted {
		return errors.New("there is a second root element")
	}
	x.rooted = true
	x.open = append(x.open, full...)
	x.lengths = append(x.lengths, len(full))
	x.name = local(full)
	x.attrs = x.attrs[:0]
	for {
		trimmed := bytes.TrimLeft(rest, " \t\r\n")
		if len(trimmed) == 0 {
			return nil
		}
		if len(trimmed) == len(rest) {
			return errors.New("the attributes of a tag are not parted")
		}
		var a attribute
		a.name, rest = word(trimmed)
		rest = bytes.TrimLeft(rest, " \t\r\n")
		if len(a.name) == 0 || len(rest) == 0 || rest[0] != '=' {
			return errors.New("a tag has an attribute without a value")
		}
		rest = bytes.TrimLeft(rest[1:], " \t\r\n")
		if len(rest) == 0 || rest[0] != '"' && rest[0] != '\'' {
			return errors.New("the value of an attribute is not quoted")
		}
		end := bytes.IndexByte(rest[1:], rest[0])
		if end < 0 {
			return errors.New("the value of an attribute is not closed")
		}
		a.value, rest = rest[1:1+end], rest[end+2:]
		if bytes.IndexByte(a.value, '<') >= 0 {
			return errors.New("the value of an attribute has a <")
		}
		if err := legal(a.value); err != nil {
			return err
		}
		for _, b := range x.attrs {
			if bytes.Equal(a.name, b.name) {
				return fmt.Errorf("a tag has the attribute %s twice", a.name)
			}
		}
		x.attrs = append(x.attrs, a)
	}
}

// balanced tells whether every quote in a tag is closed.
func balanced(tag []byte) bool {
	var quote byte
	for _, c := range tag {
		switch {
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case c == quote:
			quote = 0
		}
	}
	return quote == 0
}

// word splits a name off.
func word(b []byte) (name, rest []byte) {
	for i, c := range b {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '_', c == ':', c >= 0x80:
		case i > 0 && (c >= '0' && c <= '9' || c == '-' || c == '.'):
		default:
			return b[:i], b[i:]
		}
	}
	return b, nil
}

func local(full []byte) []byte { return full[bytes.IndexByte(full, ':')+1:] }

// attr gives the decoded value of an attribute without a prefix.
func (x *scanner) attr(name string) (string, bool, error) {
	for _, a := range x.attrs {
		if string(a.name) == name {
			v, err := x.decode(a.value)
			return string(v), true, err
		}
	}
	return "", false, nil
}

func (x *scanner) top() []byte {
	return x.open[len(x.open)-x.lengths[len(x.lengths)-1]:]
}

// pop closes the element that was opened last.
func (x *scanner) pop(full []byte) error {
	if x.depth() == 0 || !bytes.Equal(full, x.top()) {
		return fmt.Errorf("an element is closed that is not open: %q", full)
	}
	x.name = local(full)
	n := x.lengths[len(x.lengths)-1]
	x.lengths = x.lengths[:len(x.lengths)-1]
	x.open = x.open[:len(x.open)-n]
	return nil
}

// skip passes over the rest of the element whose opening tag was just given.
func (x *scanner) skip() error {
	for depth := x.depth(); x.depth() >= depth; {
		if _, err := x.next(); err != nil {
			return err
		}
	}
	return nil
}

// legal refuses what XML does not allow in a text.
func legal(b []byte) error {
	ascii := true
	for _, c := range b {
		if c < ' ' && c != '\t' && c != '\n' && c != '\r' {
			return fmt.Errorf("there is a control character, %#02x", c)
		}
		ascii = ascii && c < utf8.RuneSelf
	}
	if !ascii && !utf8.Valid(b) {
		return errors.New("it is not UTF-8 throughout")
	}
	return nil
}

// decode resolves the entities and line ends of a text. What it gives is valid until the next call.
func (x *scanner) decode(raw []byte) ([]byte, error) {
	if err := legal(raw); err != nil {
		return nil, err
	}
	if bytes.IndexByte(raw, '&') < 0 && bytes.IndexByte(raw, '\r') < 0 {
		return raw, nil
	}
	out := x.decoded[:0]
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; c {
		case '&':
			end := bytes.IndexByte(raw[i:], ';')
			if end < 0 {
				return nil, errors.New("there is a bare &")
			}
			r, err := entity(raw[i+1 : i+end])
			if err != nil {
				return nil, err
			}
			out = utf8.AppendRune(out, r)
			i += end
		case '\r':
			if i+1 == len(raw) || raw[i+1] != '\n' {
				out = append(out, '\n')
			}
		default:
			out = append(out, c)
		}
	}
	x.decoded = out
	return out, nil
}

func entity(name []byte) (rune, error) {
	switch string(name) {
	case "lt":
		return '<', nil
	case "gt":
		return '>', nil
	case "amp":
		return '&', nil
	case "quot":
		return '"', nil
	case "apos":
		return '\'', nil
	}
	if len(name) > 1 && len(name) < 12 && name[0] == '#' {
		digits, base := name[1:], rune(10)
		if digits[0] == 'x' {
			digits, base = digits[1:], 16
		}
		r := rune(0)
		for _, c := range digits {
			d := rune(99)
			switch {
			case c >= '0' && c <= '9':
				d = rune(c - '0')
			case c >= 'a' && c <= 'f':
				d = rune(c-'a') + 10
			case c >= 'A' && c <= 'F':
				d = rune(c-'A') + 10
			}
			if r = r*base + d; d >= base || r > utf8.MaxRune {
				return 0, fmt.Errorf("there is an unknown entity, %q", name)
			}
		}
		if len(digits) > 0 && utf8.ValidRune(r) && (r >= ' ' || r == '\t' || r == '\n' || r == '\r') {
			return r, nil
		}
	}
	return 0, fmt.Errorf("there is an unknown entity, %q", name)
}
