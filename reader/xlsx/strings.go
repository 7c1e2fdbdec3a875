package xlsx

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"unicode/utf16"
)

// table is the strings that cells share: all of them in one, where each begins, and the runs of those
// that are of more than one look.
type table struct {
	text  string
	begin []uint32
	runs  map[int]runs
}

// runsBytes is about what an entry of table.runs takes.
const runsBytes = 32

var errStray = errors.New("there is text where none can be")

func (t *table) at(i int) (text string, r runs, ok bool) {
	if t == nil || i < 0 || i >= len(t.begin) {
		return "", 0, false
	}
	end := len(t.text)
	if i+1 < len(t.begin) {
		end = int(t.begin[i+1])
	}
	if len(t.runs) > 0 {
		r = t.runs[i]
	}
	return t.text[t.begin[i]:end], r, true
}

// readTable reads the string table of a book from a part of some size, and takes so many bytes at most.
func readTable(r io.Reader, size, most int64) (*table, error) {
	x := newScanner(r)
	size = min(size, most)
	t := &table{begin: make([]uint32, 0, size/32), runs: map[int]runs{}} // of about as many bytes each
	var all strings.Builder
	all.Grow(int(size)) // what stays empty takes no memory; to grow would take twice as much
	var one []byte
	if err := x.root("sst"); err != nil {
		return nil, err
	}
	for {
		k, err := x.next()
		switch {
		case err != nil:
			return nil, err
		case k == endOfPart:
			t.text = all.String()
			return t, nil
		case k == text && !blank(x.text):
			return nil, errStray
		case k != openTag:
		case string(x.name) != "si":
			if err := x.skip(); err != nil {
				return nil, err
			}
		default:
			t.begin = append(t.begin, uint32(all.Len()))
			var r runs
			if one, r, err = x.richText(one[:0]); err != nil {
				return nil, err
			}
			all.Write(one)
			if r != 0 {
				t.runs[len(t.begin)-1] = r
			}
			if int64(all.Len()+4*len(t.begin)+runsBytes*len(t.runs)) > min(most, math.MaxUint32) {
				return nil, errors.New("its strings are too many")
			}
		}
	}
}

// root reads up to the root element, which has to have a name.
func (x *scanner) root(name string) error {
	k, err := x.next()
	if err == nil && (k != openTag || string(x.name) != name) {
		err = fmt.Errorf("it does not begin with <%s>", name)
	}
	return err
}

// plain appends the text of the element that has just been opened, which has no other elements in it.
func (x *scanner) plain(out []byte) ([]byte, error) {
	for {
		switch k, err := x.next(); {
		case err != nil:
			return nil, err
		case k == text:
			out = append(out, x.text...)
		case k == closeTag:
			return out, nil
		default:
			return nil, errors.New("there is an element inside a text")
		}
	}
}

// unescape resolves _x000D_ and the like, by which a text holds what XML does not allow.
func unescape(b []byte) []byte {
	if !bytes.Contains(b, []byte("_x")) {
		return b
	}
	var out []byte
	for i := 0; i < len(b); i++ {
		unit, ok := escaped(b[i:])
		if !ok {
			out = append(out, b[i])
			continue
		}
		r := rune(unit)
		i += len("_x0000_") - 1
		if utf16.IsSurrogate(r) {
			if low, ok := escaped(b[i+1:]); ok && utf16.DecodeRune(r, rune(low)) != '\uFFFD' {
				r = utf16.DecodeRune(r, rune(low))
				i += len("_x0000_")
			}
		}
		out = append(out, string(r)...)
	}
	return out
}

// escaped reads one _xHHHH_ at the beginning.
func escaped(b []byte) (unit uint16, ok bool) {
	if len(b) < 7 || b[0] != '_' || b[1] != 'x' || b[6] != '_' {
		return 0, false
	}
	for _, c := range b[2:6] {
		switch {
		case c >= '0' && c <= '9':
			unit = unit<<4 + uint16(c-'0')
		case c >= 'a' && c <= 'f':
			unit = unit<<4 + uint16(c-'a') + 10
		case c >= 'A' && c <= 'F':
			unit = unit<<4 + uint16(c-'A') + 10
		default:
			return 0, false
		}
	}
	return unit, true
}
