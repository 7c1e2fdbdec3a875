package xlsx

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
)

// look is what a cell style has to do with what a person reads in the cell.
type look struct {
	format *format
	struck bool
}

// unstyled is the look of cells in a book without styles.
var unstyled = look{format: readFormat("")}

// styleReader reads the styles of a book.
type styleReader struct {
	open    []string // the elements that are open
	formats map[int]string
	struck  []bool        // by font
	cells   [][2]int      // number format and font, by style
	changes []Conditional // what conditional formats change, by their number
}

// readStyles reads the styles of a book.
func readStyles(d *xml.Decoder) (*styleReader, error) {
	s := &styleReader{formats: map[int]string{}}
	for {
		token, err := d.Token()
		if err == io.EOF {
			return s, nil
		}
		switch t := token.(type) {
		case xml.StartElement:
			err = s.element(t)
			s.open = append(s.open, t.Name.Local)
		case xml.EndElement:
			s.open = s.open[:len(s.open)-1]
		}
		if err != nil {
			return nil, err
		}
	}
}

func (s *styleReader) within(name string) bool { return slices.Contains(s.open, name) }

// element takes one up. Of what is there once more for older programs (mc:Fallback) only a number
// format counts, which has to be the same.
func (s *styleReader) element(t xml.StartElement) error {
	name := t.Name.Local
	if len(s.open) == 0 && name != "styleSheet" {
		return errors.New("it does not begin with <styleSheet>")
	}
	again := s.within("Fallback")
	switch {
	case name == "numFmt" && s.within("numFmts"):
		id, err := number32(t, "numFmtId")
		code, _ := attr(t, "formatCode")
		if other, twice := s.formats[id]; twice && other != code {
			return fmt.Errorf("the number format %d is there twice", id)
		}
		s.formats[id] = code
		return err
	case name == "font" && s.within("fonts") && !again:
		s.struck = append(s.struck, false)
	case name == "strike" && s.within("fonts") && !again && len(s.struck) > 0:
		s.struck[len(s.struck)-1] = isOn(t)
	case name == "xf" && s.within("cellXfs") && !again:
		format, err := number32(t, "numFmtId")
		font, err2 := number32(t, "fontId")
		s.cells = append(s.cells, [2]int{format, font})
		return errors.Join(err, err2)
	case name == "dxf" && s.within("dxfs") && !again:
		s.changes = append(s.changes, Conditional{})
	case name == "strike" && s.within("dxf") && !again:
		s.changes[len(s.changes)-1].Struck = isOn(t)
	case name == "numFmt" && s.within("dxf") && !again:
		code, _ := attr(t, "formatCode")
		s.changes[len(s.changes)-1].Format = !readFormat(code).asIs
	}
	return nil
}

// looks gives the look of each style; of at least one. Cells of many styles have few formats.
func (s *styleReader) looks() []look {
	formats := map[int]*format{}
	all := make([]look, 0, len(s.cells))
	for _, c := range s.cells {
		f := formats[c[0]]
		if f == nil {
			f = formatOf(c[0], s.formats)
			formats[c[0]] = f
		}
		all = append(all, look{f, c[1] < len(s.struck) && s.struck[c[1]]})
	}
	if len(all) == 0 {
		all = append(all, unstyled)
	}
	return all
}

func attr(t xml.StartElement, name string) (value string, ok bool) {
	for _, a := range t.Attr {
		if a.Name.Local == name && a.Name.Space == "" {
			return a.Value, true
		}
	}
	return "", false
}

// number32 reads an attribute that is a whole number from 0, or 0 where it is not there.
func number32(t xml.StartElement, name string) (int, error) {
	v, ok := attr(t, name)
	if !ok {
		return 0, nil
	}
	n, err := strconv.ParseUint(v, 10, 31)
	if err != nil {
		return 0, fmt.Errorf("%s is no number", name)
	}
	return int(n), nil
}

// isOn reports whether a property that needs no value is set.
func isOn(t xml.StartElement) bool {
	v, ok := attr(t, "val")
	return !ok || isTrue(v)
}
