package xlsx

import (
	"strconv"
	"strings"
)

// runs is what the runs of a rich text have to do with what a person reads: 0 for a text that is all of
// one look, which is its cell's.
type runs uint8

const (
	ownStruck   runs = 1 << iota // some run is struck out by its own font
	ownUnstruck                  // some run with a font of its own is not
	ofCell                       // some run has the font of the cell beside runs that have their own
	mixed                        // some characters are raised, lowered or invisible, and some are not
)

// in tells how the text looks in a cell: struck out as a whole, or in part marked, so that a character
// of it may not belong to it.
func (r runs) in(cellStruck bool) (struck, marked bool) {
	if r == 0 {
		return cellStruck, false
	}
	someStruck := r&ownStruck != 0 || r&ofCell != 0 && cellStruck
	someNot := r&ownUnstruck != 0 || r&ofCell != 0 && !cellStruck
	return someStruck && !someNot, r&mixed != 0 || someStruck && someNot
}

// font is what a font does to the characters of a run.
type font struct {
	own      bool // the run has one, and not that of the cell
	struck   bool
	vertical byte // 'p' and 'b' for raised and lowered, else 0
	unseen   bool // white, or of next to no size
}

// join adds a run of a text to those before it. before is the font of the last one with a character.
func (r *runs) join(before *font, f font, first bool) {
	if !first && (f.vertical != before.vertical || f.unseen != before.unseen) {
		*r |= mixed
	}
	switch {
	case !f.own:
		*r |= ofCell
	case f.struck:
		*r |= ownStruck
	default:
		*r |= ownUnstruck
	}
	*before = f
}

// richText appends the text of the element that has just been opened, without how it is read aloud, and
// tells how its runs look.
func (x *scanner) richText(out []byte) ([]byte, runs, error) {
	var all runs
	var before font
	first := true
	for depth := x.depth(); x.depth() >= depth; {
		k, err := x.next()
		switch {
		case err != nil:
			return nil, 0, err
		case k == text && !blank(x.text):
			return nil, 0, errStray
		case k != openTag:
			continue
		}
		switch string(x.name) {
		case "t":
			out, err = x.words(out)
		case "r":
			from := len(out)
			var f font
			if out, f, err = x.run(out); err == nil && !blank(out[from:]) {
				all.join(&before, f, first)
				first = false
			}
		default: // rPh, phoneticPr and whatever comes
			err = x.skip()
		}
		if err != nil {
			return nil, 0, err
		}
	}
	if all == ofCell {
		all = 0
	}
	return out, all, nil
}

// words appends the text of the t that has just been opened.
func (x *scanner) words(out []byte) ([]byte, error) {
	from := len(out)
	out, err := x.plain(out)
	if err != nil {
		return nil, err
	}
	return append(out[:from], unescape(out[from:])...), nil
}

// run appends the text of the r that has just been opened.
func (x *scanner) run(out []byte) ([]byte, font, error) {
	var f font
	for depth := x.depth(); x.depth() >= depth; {
		k, err := x.next()
		switch {
		case err != nil:
			return nil, f, err
		case k == text && !blank(x.text):
			return nil, f, errStray
		case k != openTag:
			continue
		}
		switch string(x.name) {
		case "t":
			out, err = x.words(out)
		case "rPr":
			f, err = x.font()
		default:
			err = x.skip()
		}
		if err != nil {
			return nil, f, err
		}
	}
	return out, f, nil
}

// font reads the rPr that has just been opened.
func (x *scanner) font() (font, error) {
	f := font{own: true}
	for depth := x.depth(); x.depth() >= depth; {
		k, err := x.next()
		if err == nil && k == openTag {
			f.property(string(x.name), x.attrs)
			err = x.skip()
		}
		if err != nil {
			return f, err
		}
	}
	return f, nil
}

// property takes up an element of a font.
func (f *font) property(name string, attrs []attribute) {
	value := func(name string) (string, bool) {
		for _, a := range attrs {
			if string(a.name) == name {
				return string(a.value), true
			}
		}
		return "", false
	}
	val, given := value("val")
	switch name {
	case "strike":
		f.struck = !given || isTrue(val)
	case "vertAlign":
		f.vertical = 0
		if val == "superscript" || val == "subscript" {
			f.vertical = val[2]
		}
	case "sz":
		size, err := strconv.ParseFloat(val, 64)
		f.unseen = f.unseen || err == nil && size < leastSeen
	case "color":
		rgb, _ := value("rgb")
		theme, _ := value("theme")
		_, tinted := value("tint")
		f.unseen = f.unseen || strings.HasSuffix(strings.ToUpper(rgb), "FFFFFF") || theme == "0" && !tinted
	}
}

// leastSeen is the size of a font, in points, below which nobody reads it.
const leastSeen = 4
