package xlsx

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"
)

// class is what a byte may mean in XML, several at once.
type class uint16

const (
	control   class = 1 << iota // forbidden
	wide                        // of a character beyond ASCII
	escape                      // & and carriage return, which stand for something else
	markup                      // < and >
	quotes                      // " and '
	space                       // what parts attributes
	nameStart                   // may begin a name
	nameRest                    // may only go on with one
	prefixed                    // the colon behind a prefix
)

// classes has the class of each byte.
var classes = func() (c [256]class) {
	for i := range c {
		switch b := byte(i); {
		case b == '\r':
			c[i] = escape | space
		case b == ' ' || b == '\t' || b == '\n':
			c[i] = space
		case b < ' ':
			c[i] = control
		case b == '&':
			c[i] = escape
		case b == '<' || b == '>':
			c[i] = markup
		case b == '"' || b == '\'':
			c[i] = quotes
		case b >= utf8.RuneSelf:
			c[i] = wide | nameStart
		case b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b == '_':
			c[i] = nameStart
		case b == ':':
			c[i] = nameStart | prefixed
		case b >= '0' && b <= '9' || b == '-' || b == '.':
			c[i] = nameRest
		}
	}
	return c
}()

// legal refuses what XML does not allow anywhere, and gives the classes of the bytes.
func legal(b []byte) (seen class, err error) {
	for _, c := range b {
		seen |= classes[c]
	}
	return seen.legal(b)
}

// legal is for bytes whose classes have been seen.
func (seen class) legal(b []byte) (class, error) {
	if seen&control != 0 {
		return seen, errors.New("there is a control character")
	}
	if seen&wide != 0 && !utf8.Valid(b) {
		return seen, errors.New("it is not UTF-8 throughout")
	}
	return seen, nil
}

// trimLeft cuts white space off the beginning.
func trimLeft(b []byte) []byte {
	for len(b) > 0 && classes[b[0]]&space != 0 {
		b = b[1:]
	}
	return b
}

// trimSpace cuts it off both ends.
func trimSpace(b []byte) []byte {
	b = trimLeft(b)
	for len(b) > 0 && classes[b[len(b)-1]]&space != 0 {
		b = b[:len(b)-1]
	}
	return b
}

func blank(b []byte) bool { return len(trimLeft(b)) == 0 }

// decode resolves the entities and line ends of a text. What it gives is valid until the next call.
func (x *scanner) decode(raw []byte) ([]byte, error) {
	seen, err := legal(raw)
	if err != nil {
		return nil, err
	}
	if seen&markup != 0 && bytes.Contains(raw, []byte("]]>")) {
		return nil, errors.New("there is a ]]> where nothing ends")
	}
	if seen&escape == 0 {
		return raw, nil
	}
	out := x.decoded[:0]
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; c {
		case '&':
			end := bytes.IndexByte(raw[i:min(len(raw), i+len("&#x10FFFF;"))], ';')
			if end < 0 {
				return nil, errors.New("there is a bare &")
			}
			r, ok := entity(string(raw[i+1 : i+end]))
			if !ok { // it may be a text that we should not show
				return nil, errors.New("there is an unknown entity, or a bare &")
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

var entities = map[string]rune{"lt": '<', "gt": '>', "amp": '&', "quot": '"', "apos": '\''}

func entity(name string) (r rune, ok bool) {
	if r, ok := entities[name]; ok {
		return r, true
	}
	digits, ok := strings.CutPrefix(name, "#")
	base := 10
	if hex, cut := strings.CutPrefix(digits, "x"); cut {
		digits, base = hex, 16
	}
	n, err := strconv.ParseUint(digits, base, 31)
	r = rune(n)
	return r, ok && err == nil && utf8.ValidRune(r) && (r >= ' ' || r == '\t' || r == '\n' || r == '\r')
}
