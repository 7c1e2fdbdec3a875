package writer

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"

	"hppsend/pipeline"
)

// styles are the looks of cells, by their number in the workbook.
type styles struct {
	book                   *excelize.File
	theirHeader, ourHeader int
	text, lines            int // text, and text of several lines
	count                  int // our numbers
	status                 map[pipeline.Status]int
	formats                map[string]int // of numbers, by format code
}

// statusColours are background and writing. The word in the cell says the same.
var statusColours = map[pipeline.Status][2]string{
	pipeline.Delivered: {"C6EFCE", "006100"},
	pipeline.Rejected:  {"FFC7CE", "9C0006"},
	pipeline.Failed:    {"F8CBAD", "843C0C"},
	pipeline.Uncertain: {"FFEB9C", "7F6000"},
	pipeline.Skipped:   {"E7E6E6", "595959"},
	pipeline.Pending:   {"DDEBF7", "1F4E78"},
}

// asText is the number format "@": a spreadsheet program leaves such a cell alone when it is edited,
// where +46701740605 or 0701740605 would otherwise become a number.
const asText = 49

func newStyles(book *excelize.File) (*styles, error) {
	s := &styles{book: book, status: map[pipeline.Status]int{}, formats: map[string]int{"": 0, "General": 0}}
	font, err := book.GetDefaultFont() // a style that names a colour alone would fall back to another
	if err != nil {
		return nil, err
	}
	if s.theirHeader, err = book.NewStyle(painted(font, "D9D9D9", "000000", true)); err != nil {
		return nil, err
	}
	if s.ourHeader, err = book.NewStyle(painted(font, "1F3864", "FFFFFF", true)); err != nil {
		return nil, err
	}
	if s.text, err = book.NewStyle(&excelize.Style{NumFmt: asText}); err != nil {
		return nil, err
	}
	wrapped := &excelize.Style{NumFmt: asText, Alignment: &excelize.Alignment{WrapText: true}}
	if s.lines, err = book.NewStyle(wrapped); err != nil {
		return nil, err
	}
	left := &excelize.Alignment{Horizontal: "left"} // not against the text of the next column
	if s.count, err = book.NewStyle(&excelize.Style{Alignment: left}); err != nil {
		return nil, err
	}
	for _, status := range pipeline.Statuses() { // in an order, so that the same rows make the same bytes
		c := statusColours[status]
		if s.status[status], err = book.NewStyle(painted(font, c[0], c[1], false)); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func painted(font, background, writing string, bold bool) *excelize.Style {
	return &excelize.Style{
		NumFmt: asText,
		Fill:   excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{background}},
		Font:   &excelize.Font{Family: font, Size: 11, Color: writing, Bold: bold},
	}
}

func (s *styles) header(ours bool) int {
	if ours {
		return s.ourHeader
	}
	return s.theirHeader
}

// localDates are the built-in formats that show a date in the way of the reader's country, by the code
// they stand under. Written as a custom code they would show it in the American way to everybody.
var localDates = map[string]int{"mm-dd-yy": 14, "m/d/yy h:mm": 22, "m/d/yy hh:mm": 22}

// format gives the style of numbers with a format code.
func (s *styles) format(code string) (int, error) {
	if id, ok := s.formats[code]; ok {
		return id, nil
	}
	style := &excelize.Style{CustomNumFmt: &code}
	if builtin, ok := localDates[code]; ok {
		style = &excelize.Style{NumFmt: builtin}
	}
	id, err := s.book.NewStyle(style)
	if err == nil {
		s.formats[code] = id
	}
	return id, err
}

// truth shows a bool, for programs that would show it as 1 or 0.
const truth = `"TRUE";"TRUE";"FALSE"`

// width is that of a column, in characters: rows are not known when it is set.
func width(name, field string) float64 {
	if w, ok := widths[name]; ok {
		return w
	}
	if w, ok := widths[field]; ok {
		return w
	}
	const filterButton = 4
	return float64(min(max(utf8.RuneCountInString(name)+filterButton, 12), 40))
}

var widths = map[string]float64{
	"session_id": 40, "distribution_url": 40, "phone": 18, "email": 32,
	"hpp_row": 11, "hpp_status": 14, "hpp_code": 26, "hpp_reason": 64, "hpp_method": 15, "hpp_sent_to": 32,
	"hpp_http_status": 19, "hpp_attempts": 16, "hpp_correlation_id": 40, "hpp_time": 22, "hpp_target": 34,
	"hpp_run": 40, "hpp_note": 64, "hpp_raw": 40,
}

var decimal = regexp.MustCompile(`^-?(0|[1-9]\d*)(\.\d+)?$`)

// maxDigits is how many significant digits a spreadsheet program keeps of a number.
const maxDigits = 15

// native gives the value that a cell had in its workbook: a float64, a bool or a string. A whole number
// with more digits than a spreadsheet program keeps, or with leading zeros, is text.
func native(c pipeline.Cell) any {
	switch c.Kind {
	case pipeline.CellBool:
		if c.Text == "TRUE" || c.Text == "FALSE" {
			return c.Text == "TRUE"
		}
	case pipeline.CellNumber:
		whole, _, _ := strings.Cut(strings.TrimPrefix(c.Text, "-"), ".")
		if !decimal.MatchString(c.Text) || len(strings.TrimRight(whole, "0")) > maxDigits {
			break
		}
		if f, err := strconv.ParseFloat(c.Text, 64); err == nil && !math.IsInf(f, 0) {
			return f
		}
	}
	return c.Text
}

// fit makes a text fit into a cell, and says what was lost of it: a cell holds 32,767 UTF-16 units, and
// no control characters but tab and line ends, for which excelize writes U+FFFD.
func fit(text string) (fitted, loss string) {
	if strings.ContainsFunc(text, unfit) || !utf8.ValidString(text) {
		text, loss = strings.Map(replaceUnfit, text), "had characters that a workbook cannot hold"
	}
	if len(text) <= excelize.TotalCellChars || utf16Len(text) <= excelize.TotalCellChars {
		return text, loss
	}
	units := 0
	for i, r := range text {
		if units += utf16.RuneLen(r); units > excelize.TotalCellChars-1 {
			return text[:i] + "…", "was cut to the 32,767 characters that a cell of a workbook holds"
		}
	}
	return text, loss
}

func unfit(r rune) bool {
	return r < 0x20 && r != '\t' && r != '\n' && r != '\r' || r == 0xfffe || r == 0xffff
}

func replaceUnfit(r rune) rune {
	if unfit(r) {
		return utf8.RuneError
	}
	return r
}

func utf16Len(text string) (units int) {
	for _, r := range text {
		units += utf16.RuneLen(r)
	}
	return units
}
