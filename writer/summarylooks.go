package writer

import (
	"errors"

	"github.com/xuri/excelize/v2"

	"hppsend/pipeline"
)

// summaryLooks are the styles of the first sheet.
type summaryLooks struct {
	title, name, header, text, count, total, check int

	status map[pipeline.Status]int
}

// checked shows a difference that should be zero.
const checked = `"THE COUNTS DO NOT ADD UP: a status was changed, or rows were taken out";` +
	`"THE COUNTS DO NOT ADD UP: rows were added";"The counts add up: each row has one status."`

func (x *xlsxReport) summaryLooks() (summaryLooks, error) {
	font, err := x.book.GetDefaultFont()
	if err != nil {
		return summaryLooks{}, err
	}
	add := func(style *excelize.Style) int {
		id, e := x.book.NewStyle(style)
		err = errors.Join(err, e)
		return id
	}
	top := excelize.Alignment{Vertical: "top"}
	wrap := excelize.Alignment{Vertical: "top", WrapText: true}
	right := excelize.Alignment{Vertical: "top", Horizontal: "right", Indent: 1}
	left := excelize.Alignment{Horizontal: "left"}
	line := []excelize.Border{{Type: "bottom", Color: "BFBFBF", Style: 1}}
	bold := &excelize.Font{Family: font, Size: 11, Bold: true}
	format := checked
	l := summaryLooks{
		title:  add(&excelize.Style{Font: &excelize.Font{Family: font, Size: 16, Bold: true}}),
		name:   add(&excelize.Style{Font: &excelize.Font{Family: font, Size: 11, Color: "595959"}}),
		header: add(painted(font, "1F3864", "FFFFFF", true)),
		text:   add(&excelize.Style{NumFmt: asText, Alignment: &wrap, Border: line}),
		count:  add(&excelize.Style{NumFmt: thousands, Alignment: &right, Border: line}),
		total:  add(&excelize.Style{NumFmt: thousands, Alignment: &right, Font: bold}),
		check:  add(&excelize.Style{CustomNumFmt: &format, Alignment: &left, Font: bold}),
		status: map[pipeline.Status]int{},
	}
	for _, status := range pipeline.Statuses() {
		colours := statusColours[status]
		style := painted(font, colours[0], colours[1], false)
		style.Alignment = &top
		l.status[status] = add(style)
	}
	return l, err
}

// thousands is the number format #,##0.
const thousands = 3
