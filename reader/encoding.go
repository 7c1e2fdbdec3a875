package reader

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/unicode"
)

const byteOrderMark = "\ufeff"

// foreignRun is how many characters on end tell that a stretch of UTF-16 is not.
const foreignRun = 8

// encodingStats is what all bytes of a text say of its encoding. It takes the text as an io.Writer.
type encodingStats struct {
	multi    int // sequences of several bytes that are valid UTF-8
	invalid  int // bytes that are not
	replaced int // U+FFFD, which decoders put for what they cannot read
	badLine  int // where the first invalid byte or replacement is
	line     int
	run      int    // characters on end that are two bytes of ASCII, or one in the other byte order
	foreign  bool   // such a run is too long for chance: UTF-16 in which something else stands
	rest     []byte // a sequence that was cut
	high     highBytes
}

func (c *encodingStats) Write(p []byte) (int, error) {
	n := len(p)
	if len(c.rest) > 0 {
		p = append(c.rest, p...)
		c.rest = nil
	}
	c.count(p, false)
	return n, nil
}

// count goes over the bytes from one that is not ASCII to the next.
func (c *encodingStats) count(p []byte, end bool) {
	all := p
	for len(p) > 0 {
		i := 0
		for i < len(p) && p[i] < utf8.RuneSelf {
			i++
		}
		c.line += bytes.Count(p[:i], []byte{'\n'})
		if i > 0 {
			c.run = 0
		}
		if p = p[i:]; len(p) == 0 {
			return
		}
		if !end && !utf8.FullRune(p) {
			c.rest = append([]byte(nil), p...)
			return
		}
		r, size := utf8.DecodeRune(p)
		switch {
		case r == utf8.RuneError && size == 1:
			c.invalid++
			c.high.add(all, len(all)-len(p), c.line+1)
		case r == utf8.RuneError:
			c.replaced++
			c.multi++
		default:
			c.multi++
		}
		high, low := r>>8, r&0xff
		if low < utf8.RuneSelf && (low == 0 || low >= ' ') && high >= ' ' && high < utf8.RuneSelf || low == 0 && high == '\n' {
			c.run++
		} else {
			c.run = 0
		}
		alien := c.run >= foreignRun || r == '\u0a00' // no character; a line feed with its bytes swapped
		c.foreign = c.foreign || alien
		if (r == utf8.RuneError || alien) && c.badLine == 0 {
			c.badLine = c.line + 1
		}
		p = p[size:]
	}
}

// decoding is how a text becomes UTF-8.
type decoding struct {
	name     string
	encoding encoding.Encoding // nil for UTF-8
	notice   string
	guess    *guess // nil where it is proved, or was named
}

// detectEncoding reads a text to its end and tells its encoding. wanted is the name of an encoding, or empty.
func detectEncoding(r io.Reader, wanted string) (decoding, problem, error) {
	var c encodingStats
	head := make([]byte, 4096)
	n, err := io.ReadFull(r, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return decoding{}, problem{}, err
	}
	head = head[:n]
	r = io.MultiReader(bytes.NewReader(head), r)
	marked := mark(head)
	if marked == markUTF32 || marked == "" && utf32Like(head) {
		return decoding{}, problem{"the file is in UTF-32, which we do not read", "save it again as UTF-8"}, nil
	}
	if wanted != "" {
		enc, name := encodingNamed(wanted)
		if enc == nil {
			return decoding{}, problem{
				fmt.Sprintf("%q is no encoding that we know", wanted),
				"name it as web pages do: utf-8, utf-16le, windows-1252, iso-8859-2 …, or cp850, cp437, macintosh …",
			}, nil
		}
		d := decoding{name: name, encoding: enc}
		switch {
		case name == "utf-8":
			d = decoding{name: "UTF-8"}
		case strings.HasPrefix(name, "utf-16"):
			d.name = strings.ToUpper(name)
			if utf16s[marked] != nil && strings.EqualFold(strings.TrimSpace(wanted), "utf-16") {
				d.name = marked // which of the two is meant
			}
			d.encoding = utf16s[d.name]
		}
		if marked != "" && marked != d.name {
			return d, problem{
				fmt.Sprintf("the file begins with the mark of %s and is not %s", marked, d.name), "leave --encoding out",
			}, nil
		}
		return d.proved(r, &c)
	}
	if enc := utf16s[marked]; enc != nil {
		return decoding{name: marked, encoding: enc}.proved(r, &c)
	}
	if name := utf16(head); marked == "" && name != "" {
		d := decoding{name: name, encoding: utf16s[name]}
		d.notice = "read as " + name + ", by its zero bytes; see that names look right, or name the encoding with --encoding"
		return d.proved(r, &c)
	}
	if _, err := io.Copy(&c, r); err != nil {
		return decoding{}, problem{}, err
	}
	c.count(c.rest, true)
	switch {
	case c.invalid == 0:
		return decoding{name: "UTF-8"}, problem{}, nil
	case c.multi > 0: // hardly any text in Windows-1252 is UTF-8 in one place and not in another
		return decoding{}, problem{
			fmt.Sprintf("the file is in two encodings: in part it is UTF-8, but not on line %d", c.badLine),
			"save it again as UTF-8, or name its encoding with --encoding",
		}, nil
	}
	d, refused := c.high.guessed()
	return d, refused, nil
}

// proved sees that the whole text can be read so.
func (d decoding) proved(r io.Reader, c *encodingStats) (decoding, problem, error) {
	if _, err := io.Copy(c, d.reader(r)); err != nil {
		return d, problem{}, err
	}
	c.count(c.rest, true)
	if c.invalid > 0 || d.encoding != nil && c.replaced > 0 || utf16s[d.name] != nil && c.foreign {
		return d, problem{
			fmt.Sprintf("line %d cannot be read as %s", c.badLine, d.name),
			"name another encoding with --encoding, or save the file again as UTF-8",
		}, nil
	}
	return d, problem{}, nil
}

func (d decoding) reader(r io.Reader) io.Reader {
	if d.encoding == nil {
		return r
	}
	return d.encoding.NewDecoder().Reader(r)
}

var utf16s = map[string]encoding.Encoding{
	"UTF-16LE": unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM),
	"UTF-16BE": unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM),
}

const markUTF32 = "UTF-32"

// utf32Like knows UTF-32 without a mark: no character has its highest byte set, nor is beyond the
// seventeenth plane.
func utf32Like(head []byte) bool {
	little := len(head) >= 8 && bytes.Count(head, []byte{0}) < len(head)
	big := little
	for i := 0; i+4 <= len(head); i += 4 {
		little = little && head[i+3] == 0 && head[i+2] <= 0x10
		big = big && head[i] == 0 && head[i+1] <= 0x10
	}
	return little || big
}

// mark gives the encoding that a text says of itself, or nothing.
func mark(head []byte) string {
	switch {
	case bytes.HasPrefix(head, []byte(byteOrderMark)):
		return "UTF-8"
	case bytes.HasPrefix(head, []byte{0xff, 0xfe, 0, 0}), bytes.HasPrefix(head, []byte{0, 0, 0xfe, 0xff}):
		return markUTF32 // no text begins with NUL
	case bytes.HasPrefix(head, []byte{0xff, 0xfe}):
		return "UTF-16LE"
	case bytes.HasPrefix(head, []byte{0xfe, 0xff}):
		return "UTF-16BE"
	}
	return ""
}

// utf16 knows UTF-16 without a mark by the zero bytes that ASCII has in it, or gives nothing.
func utf16(head []byte) string {
	var zeros [2]int
	for i, b := range head {
		if b == 0 {
			zeros[i%2]++
		}
	}
	least := len(head) / 6 // a third of the characters; names may be in other letters
	switch {
	case zeros[0] == 0 && zeros[1] > least:
		return "UTF-16LE"
	case zeros[1] == 0 && zeros[0] > least:
		return "UTF-16BE"
	}
	return ""
}
