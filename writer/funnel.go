package writer

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/xuri/excelize/v2"

	"hppsend/pipeline"
)

// funnelMark is how a workbook of ours on how sessions came out is known again: it may be replaced by a newer one.
const funnelMark = "hppsend track"

// FunnelAbout is what a workbook says of where its figures are from. What is empty is left out.
type FunnelAbout struct {
	Title  string // of what: a run, a label
	Target string
	At     time.Time
	Zone   string // that hours are told in
}

// funnelHeader is over the figures, in the order of funnelFigures.
var funnelHeader = []string{"Sent", "Opened", "Completed", "Cancelled", "Expired", "Under way", "Waiting", "Unseen", "Uncertain"}

func funnelFigures(s pipeline.Stages) []int {
	return []int{s.Sent, s.Opened, s.Completed, s.Cancelled, s.Expired, s.UnderWay, s.Waiting, s.Unseen, s.Uncertain}
}

// WriteFunnel writes a workbook with charts to a path: where nothing is yet, or such a workbook of an earlier time. An
// error is a *[pipeline.Error].
func WriteFunnel(path string, f pipeline.Funnel, about FunnelAbout) error {
	d, err := newDraft(path, "")
	if err != nil {
		return err
	}
	defer d.discard()
	if err = writeFunnel(d, f, about); err == nil {
		_, err = d.finish()
	}
	if err == nil {
		err = d.place(path, isFunnel)
	}
	if errors.Is(err, fs.ErrExist) {
		return &pipeline.Error{
			Kind: pipeline.Usage, Problem: path + " is there already, and is no workbook of hppsend track", Todo: "name another place with -o, or move it away",
		}
	}
	if err != nil {
		return d.fault(err)
	}
	return nil
}

// isFunnel reports whether a file is a workbook that WriteFunnel has written.
func isFunnel(path string) (bool, error) {
	book, err := excelize.OpenFile(path, excelize.Options{UnzipSizeLimit: 64 << 20, UnzipXMLSizeLimit: 8 << 20})
	if err != nil { // it is something else
		return false, nil
	}
	defer book.Close()
	props, err := book.GetDocProps()
	return err == nil && props.Identifier == funnelMark, nil
}

// funnelBook is a workbook in the making.
type funnelBook struct {
	*excelize.File
	title, head, count int // styles
	err                error
}

func (b *funnelBook) try(err error) {
	if b.err == nil {
		b.err = err
	}
}

func writeFunnel(to *draft, f pipeline.Funnel, about FunnelAbout) error {
	b := &funnelBook{File: excelize.NewFile()}
	defer b.Close()
	b.styles()
	b.try(b.SetDocProps(&excelize.DocProperties{Identifier: funnelMark, Creator: "hppsend", Title: "How it went"}))
	b.try(b.SetSheetName("Sheet1", "Funnel"))
	b.overview(f, about)
	for _, a := range pipeline.Aspects() {
		b.aspect(a, f.Parts(a), about)
	}
	if b.err != nil {
		return b.err
	}
	return b.Write(to)
}

// page has a sheet printed on one page.
func (b *funnelBook) page(sheet string) {
	landscape, one, yes, no := "landscape", 1, true, false
	b.try(b.SetSheetProps(sheet, &excelize.SheetPropsOptions{FitToPage: &yes}))
	b.try(b.SetPageLayout(sheet, &excelize.PageLayoutOptions{Orientation: &landscape, FitToWidth: &one, FitToHeight: &one}))
	b.try(b.SetSheetView(sheet, 0, &excelize.ViewOptions{ShowGridLines: &no}))
}

func (b *funnelBook) styles() {
	style := func(s *excelize.Style) int {
		id, err := b.NewStyle(s)
		b.try(err)
		return id
	}
	format := "#,##0"
	b.title = style(&excelize.Style{Font: &excelize.Font{Bold: true, Size: 14}})
	b.head = style(&excelize.Style{Font: &excelize.Font{Bold: true}, Border: []excelize.Border{{Type: "bottom", Color: "404040", Style: 1}}, Alignment: &excelize.Alignment{WrapText: true, Vertical: "bottom"}})
	b.count = style(&excelize.Style{CustomNumFmt: &format})
}

// text writes a cell of text, which no spreadsheet program runs.
func (b *funnelBook) text(sheet, cell, value string, style int) {
	value, _ = fit(value)
	b.try(b.SetCellStr(sheet, cell, value))
	if style != 0 {
		b.try(b.SetCellStyle(sheet, cell, cell, style))
	}
}

func (b *funnelBook) number(sheet, cell string, n int) {
	b.try(b.SetCellInt(sheet, cell, int64(n)))
	b.try(b.SetCellStyle(sheet, cell, cell, b.count))
}

// overview has the whole as a list, and as bars.
func (b *funnelBook) overview(f pipeline.Funnel, about FunnelAbout) {
	const sheet, first = "Funnel", 7
	b.page(sheet)
	b.try(b.SetColWidth(sheet, "A", "A", 30))
	b.try(b.SetColWidth(sheet, "B", "B", 12))
	b.text(sheet, "A1", "How it went: "+about.Title, b.title)
	b.text(sheet, "A2", "At "+about.Target, 0)
	b.text(sheet, "A3", "As was known on "+about.At.Format("2006-01-02 15:04 MST"), 0)
	b.text(sheet, "A4", "Opened is whatever was ever seen beyond WAITING, however it ended. A session that was sent in two rounds counts in both.", 0)
	b.text(sheet, "A6", "Sessions", b.head)
	b.text(sheet, "B6", "Messages", b.head)
	figures := funnelFigures(f.Total)
	for i, name := range funnelHeader {
		b.text(sheet, fmt.Sprintf("A%d", first+i), name, 0)
		b.number(sheet, fmt.Sprintf("B%d", first+i), figures[i])
	}
	last := first + len(funnelHeader) - 2 // but for the uncertain ones, which are a part of those sent
	oneColour := false
	b.try(b.AddChart(sheet, "D6", &excelize.Chart{
		Type: excelize.Bar,
		Series: []excelize.ChartSeries{{
			Name: sheet + "!$B$6", Categories: fmt.Sprintf("%s!$A$%d:$A$%d", sheet, first, last), Values: fmt.Sprintf("%s!$B$%d:$B$%d", sheet, first, last),
			Fill: excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{"2F5597"}},
		}},
		Title:  excelize.ChartTitle{Paragraph: []excelize.RichTextRun{{Text: "From sent to completed"}}},
		Legend: excelize.ChartLegend{Position: "none"}, PlotArea: excelize.ChartPlotArea{ShowVal: true}, VaryColors: &oneColour,
		XAxis:     excelize.ChartAxis{ReverseOrder: true, Title: axisTitle("What became of the session"), Font: axisFont},
		YAxis:     excelize.ChartAxis{MajorGridLines: true, Title: axisTitle("Messages"), Font: axisFont},
		Dimension: excelize.ChartDimension{Width: 640, Height: 380},
	}))
}

// axisFont is dark enough to be read; the usual one is not.
var axisFont = excelize.Font{Color: "404040"}

func axisTitle(text string) excelize.ChartTitle {
	return excelize.ChartTitle{Paragraph: []excelize.RichTextRun{{Text: text}}}
}

// maxBars is how many values of an aspect a chart shows; the sheet has them all.
const maxBars = 24

// aspect has the figures by each value of an aspect, and the first of them as columns.
func (b *funnelBook) aspect(a pipeline.Aspect, parts []pipeline.Part, about FunnelAbout) {
	sheet := map[pipeline.Aspect]string{
		pipeline.ByMethod: "Method", pipeline.ByCountry: "Country", pipeline.ByHour: "Hour", pipeline.ByLabel: "Label", pipeline.ByReminder: "Reminder",
	}[a]
	if sheet == "" || len(parts) == 0 {
		return
	}
	_, err := b.NewSheet(sheet)
	b.try(err)
	b.page(sheet)
	b.try(b.SetColWidth(sheet, "A", "A", 24))
	b.try(b.SetColWidth(sheet, "B", "J", 12))
	b.text(sheet, "A1", AspectTitle(a, about.Zone), b.title)
	const head = 3
	b.text(sheet, "A3", sheet, b.head)
	for i, name := range funnelHeader {
		b.text(sheet, cellAt(i+2, head), name, b.head)
	}
	for row, p := range parts {
		b.text(sheet, cellAt(1, head+1+row), PartName(a, p.Value), 0)
		for i, n := range funnelFigures(p.Stages) {
			b.number(sheet, cellAt(i+2, head+1+row), n)
		}
	}
	last := head + min(len(parts), maxBars)
	chart := &excelize.Chart{
		Type:  excelize.Col,
		Title: excelize.ChartTitle{Paragraph: []excelize.RichTextRun{{Text: AspectTitle(a, about.Zone)}}}, Legend: excelize.ChartLegend{Position: "bottom"},
		XAxis: excelize.ChartAxis{Title: axisTitle(sheet), Font: axisFont}, YAxis: excelize.ChartAxis{MajorGridLines: true, Title: axisTitle("Messages"), Font: axisFont},
		PlotArea: excelize.ChartPlotArea{ShowVal: len(parts) <= 6}, Dimension: excelize.ChartDimension{Width: 760, Height: 380},
	}
	for i, colour := range []string{"A5A5A5", "2F5597", "548235"} { // sent, opened, completed
		column, err := excelize.ColumnNumberToName(i + 2)
		b.try(err)
		chart.Series = append(chart.Series, excelize.ChartSeries{
			Name:       fmt.Sprintf("%s!$%s$%d", sheet, column, head),
			Categories: fmt.Sprintf("%s!$A$%d:$A$%d", sheet, head+1, last), Values: fmt.Sprintf("%s!$%s$%d:$%[2]s$%[4]d", sheet, column, head+1, last),
			Fill: excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{colour}},
		})
	}
	b.try(b.AddChart(sheet, "L3", chart))
}

func cellAt(column, row int) string {
	name, err := excelize.CoordinatesToCellName(column, row)
	if err != nil { // both are small
		panic(err)
	}
	return name
}

// AspectTitle says in words by what something is counted.
func AspectTitle(a pipeline.Aspect, zone string) string {
	switch a {
	case pipeline.ByMethod:
		return "By method"
	case pipeline.ByCountry:
		return "By country of the phone number"
	case pipeline.ByHour:
		return "By hour of sending, " + zone
	case pipeline.ByLabel:
		return "By label"
	case pipeline.ByReminder:
		return "By reminder"
	}
	return string(a)
}

// PartName is the name of a value of an aspect, also of the empty one.
func PartName(a pipeline.Aspect, value string) string {
	switch {
	case value != "":
		return value
	case a == pipeline.ByReminder:
		return "(first round)"
	case a == pipeline.ByCountry:
		return "(by e-mail)"
	}
	return "(none)"
}
