package xlsx

import (
	"bytes"
	"errors"
	"io"
)

// Bounds of what one part may ask for. A cell has 32,767 characters at most.
const (
	tokenMost      = 4 << 20 // bytes of one tag, or of one stretch of text
	depthMost      = 256     // elements inside one another
	attributesMost = 256     // of one tag
)

// kind is what a token is.
type kind uint8

const (
	openTag kind = iota + 1
	closeTag
	text
	endOfPart
)

// scanner gives the tokens of an XML part, one after another, and refuses what is not well formed. It
// knows as much of XML as spreadsheets use: no document type, no encoding but UTF-8 and UTF-16, and of namespaces
// only that names have the prefix of the root element. An empty element gives an opening and a closing
// tag.
type scanner struct {
	r   io.Reader
	buf []byte
	pos int
	eof bool

	name    []byte // of an opening tag: without a prefix if it has the root's, else empty
	attrs   []attribute
	text    []byte // decoded
	decoded []byte // where text lies when it is not as written

	prefix  []byte // of the root element, with its colon
	open    []byte // the full names of the open elements, one after another
	lengths []int
	closing bool // the tag just given was of an empty element
	rooted  bool // the root element has begun
	begun   bool // something has been read
	wide    bool // the part is in UTF-16
}

func newScanner(r io.Reader) *scanner {
	return &scanner{r: r, buf: make([]byte, 0, 64<<10)}
}

var (
	errCut     = errors.New("it ends in the middle")
	errOutside = errors.New("there is text outside the elements")
)

// depth is how many elements are open.
func (x *scanner) depth() int { return len(x.lengths) }

// next gives the next token that matters; comments and instructions do not.
func (x *scanner) next() (kind, error) {
	if x.closing {
		x.closing = false
		x.pop()
		return closeTag, nil
	}
	for {
		for x.pos == len(x.buf) {
			if x.eof && (x.depth() > 0 || !x.rooted) {
				return 0, errCut
			}
			if x.eof {
				return endOfPart, nil
			}
			if err := x.fill(); err != nil {
				return 0, err
			}
		}
		var k kind
		var err error
		if x.buf[x.pos] == '<' {
			k, err = x.readMarkup()
		} else {
			k, err = x.readText()
		}
		if k != 0 || err != nil {
			return k, err
		}
	}
}

// fill reads more behind what is there.
func (x *scanner) fill() error {
	if x.pos > 0 {
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
	free := x.buf[len(x.buf):cap(x.buf)]
	if !x.begun {
		return x.begin(free)
	}
	n, err := x.r.Read(free)
	x.buf = x.buf[:len(x.buf)+n]
	if err == io.EOF {
		x.eof = true
		return nil
	}
	return err
}

// begin reads the first bytes, which tell UTF-16.
func (x *scanner) begin(free []byte) error {
	x.begun = true
	n, err := io.ReadAtLeast(x.r, free, 2)
	if order := wideOrder(free[:n]); order != nil {
		x.r = &wideReader{from: io.MultiReader(bytes.NewReader(bytes.Clone(free[:n])), x.r), order: order}
		x.wide = true
		return nil
	}
	x.buf = free[:n]
	if x.eof = err == io.EOF || err == io.ErrUnexpectedEOF; x.eof {
		return nil
	}
	return err
}

// upTo passes over so many bytes, gives those up to the mark, and passes over the mark too.
func (x *scanner) upTo(mark string, from int) ([]byte, error) {
	for at := from; ; {
		if i := bytes.Index(x.buf[min(len(x.buf), x.pos+at):], []byte(mark)); i >= 0 {
			given := x.buf[x.pos+from : x.pos+at+i]
			x.pos += at + i + len(mark)
			return given, nil
		}
		if x.eof {
			return nil, errCut
		}
		at = max(at, len(x.buf)-x.pos-len(mark)+1)
		if err := x.fill(); err != nil {
			return nil, err
		}
	}
}

// readText reads up to the next tag, or the end; it gives no kind outside the elements.
func (x *scanner) readText() (kind, error) {
	for at := 0; ; {
		if i := bytes.IndexByte(x.buf[x.pos+at:], '<'); i >= 0 {
			at += i
			raw := x.buf[x.pos : x.pos+at]
			x.pos += at
			return x.giveText(x.decode(raw))
		}
		at = len(x.buf) - x.pos
		if x.eof {
			raw := x.buf[x.pos:]
			x.pos = len(x.buf)
			return x.giveText(x.decode(raw))
		}
		if err := x.fill(); err != nil {
			return 0, err
		}
	}
}

func (x *scanner) giveText(decoded []byte, err error) (kind, error) {
	switch x.text = decoded; {
	case err != nil:
		return 0, err
	case x.depth() > 0:
		return text, nil
	case !x.rooted:
		decoded = bytes.TrimPrefix(decoded, []byte("\ufeff"))
	}
	if !blank(decoded) {
		return 0, errOutside
	}
	return 0, nil
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
	case len(rest) > 1 && classes[rest[1]]&nameStart != 0: // as nearly always
		return openTag, x.readTag()
	case x.closesTop(rest): // as nearly always where none opens
		x.pos += len("</>") + len(x.top())
		x.pop()
		return closeTag, nil
	case bytes.HasPrefix(rest, []byte("</")):
		full, err := x.upTo(">", 2)
		if err == nil && (x.depth() == 0 || !bytes.Equal(trimSpace(full), x.top())) {
			err = errors.New("an element is closed that is not the last one opened")
		}
		if err == nil {
			x.pop()
		}
		return closeTag, err
	case bytes.HasPrefix(rest, []byte("<?")):
		return 0, x.readInstruction()
	case bytes.HasPrefix(rest, []byte("<!--")):
		return 0, x.readComment()
	case bytes.HasPrefix(rest, []byte("<![CDATA[")):
		raw, err := x.upTo("]]>", len("<![CDATA["))
		switch {
		case err == nil && x.depth() == 0:
			err = errOutside
		case err == nil:
			_, err = legal(raw)
		}
		x.text = bytes.ReplaceAll(bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n")), []byte("\r"), []byte("\n"))
		return text, err
	case bytes.HasPrefix(rest, []byte("<!")):
		return 0, errors.New("it declares a document type, which no spreadsheet does")
	}
	return 0, errors.New("a tag has no name")
}

func (x *scanner) readComment() error {
	raw, err := x.upTo("--", len("<!--"))
	if err == nil {
		_, err = legal(raw)
	}
	for err == nil && x.pos == len(x.buf) && !x.eof {
		err = x.fill()
	}
	if err == nil && !bytes.HasPrefix(x.buf[x.pos:], []byte(">")) {
		return errors.New("a comment is not closed")
	}
	x.pos++
	return err
}

// readInstruction passes over an instruction, and minds the encoding if it is the XML declaration.
func (x *scanner) readInstruction() error {
	raw, err := x.upTo("?>", len("<?"))
	if err != nil {
		return err
	}
	if _, err := legal(raw); err != nil {
		return err
	}
	target, rest := word(raw)
	if string(target) != "xml" {
		return nil
	}
	if x.rooted {
		return errors.New("its XML declaration is not at the beginning")
	}
	if err := x.readAttributes(rest, escape); err != nil {
		return err
	}
	for _, a := range x.attrs {
		if string(a.name) != "encoding" {
			continue
		}
		switch v := string(bytes.ToLower(a.value)); {
		case x.wide && v != "utf-16" && v != "utf-16le" && v != "utf-16be":
			return errors.New("it is in UTF-16, and says otherwise")
		case !x.wide && v != "utf-8" && v != "us-ascii":
			return errors.New("it is not in UTF-8")
		}
	}
	return nil
}

// closesTop reports whether the closing tag of the element that was opened last follows, without white space.
func (x *scanner) closesTop(rest []byte) bool {
	if len(rest) < 2 || rest[1] != '/' || x.depth() == 0 {
		return false
	}
	top := x.top()
	rest = rest[2:]
	return len(rest) > len(top) && rest[len(top)] == '>' && bytes.Equal(rest[:len(top)], top)
}

func (x *scanner) top() []byte {
	return x.open[len(x.open)-x.lengths[len(x.lengths)-1]:]
}

// pop closes the element that was opened last.
func (x *scanner) pop() {
	n := x.lengths[len(x.lengths)-1]
	x.lengths = x.lengths[:len(x.lengths)-1]
	x.open = x.open[:len(x.open)-n]
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
