package writer

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"

	"hppsend/pipeline"
)

// Summary is what the first sheet of a workbook says of a run. What is empty is left out.
type Summary struct {
	File, Label, Reminder string
	Target, Environment   string
	Run, User, Version    string
	Approved              string   // by whom, and by which plan
	Ending                string   // why the run stopped; empty when it went through
	Overridden            []string // rules that were loosened for the run, and why
	Started, Ended        time.Time
	SentNow               int
}

// Summarise says what the report is about, before Finish. A workbook shows it, the other formats do not.
func (r *Report) Summarise(s Summary) {
	if x, ok := r.enc.(*xlsxReport); ok {
		x.about = s
	}
}

// summarySheet is the name of the first sheet.
const summarySheet = "Summary"

// counted is what the rows of a workbook came to.
type counted struct {
	rows   int
	status map[pipeline.Status]int
	codes  map[found]int
}

type found struct {
	status pipeline.Status
	code   string
}

func (c *counted) add(out pipeline.Outcome) {
	c.rows++
	c.status[out.Status]++
	if out.Code != "" {
		c.codes[found{out.Status, out.Code}]++
	}
}

// summary is the first sheet in the making, once all rows are written. It goes through a stream too,
// since the other ways of excelize lose the value of a formula, which programs that do not calculate show.
type summary struct {
	*xlsxReport
	looks summaryLooks
	to    *excelize.StreamWriter
	row   int // the last that was written
	err   error
}

func (x *xlsxReport) writeSummary() (err error) {
	s := &summary{xlsxReport: x}
	if s.looks, err = x.summaryLooks(); err != nil {
		return err
	}
	landscape, wide, tall, yes, no := "landscape", 1, 0, true, false
	s.try(x.book.SetSheetProps(summarySheet, &excelize.SheetPropsOptions{FitToPage: &yes}))
	s.try(x.book.SetPageLayout(summarySheet, &excelize.PageLayoutOptions{Orientation: &landscape, FitToWidth: &wide, FitToHeight: &tall}))
	s.try(x.book.SetSheetView(summarySheet, 0, &excelize.ViewOptions{ShowGridLines: &no}))
	s.try(x.book.SetSheetDimension(summarySheet, "")) // not known yet
	if s.to, err = x.book.NewStreamWriter(summarySheet); err != nil {
		return err
	}
	for i, width := range []float64{28, 12, adviceWidth, adviceWidth} {
		s.try(s.to.SetColWidth(i+1, i+1, width))
	}
	s.head()
	first := s.statuses()
	s.byCode()
	s.chart(first)
	s.try(s.to.Flush())
	return s.err
}

func (s *summary) try(err error) {
	if s.err == nil {
		s.err = err
	}
}

// line writes the next row.
func (s *summary) line(height float64, cells ...any) {
	s.row++
	s.try(s.to.SetRow(fmt.Sprintf("A%d", s.row), cells, excelize.RowOpts{Height: height}))
}

// words is a cell of text, which no spreadsheet program runs.
func words(text string, style int) excelize.Cell {
	text, _ = fit(text)
	return excelize.Cell{Value: text, StyleID: style}
}

// headRows is how many rows the head of the sheet has, so that the chart has room beside it.
const headRows = 15

// perSecond is a rate for people, to three places.
func perSecond(rate float64) string {
	if rate >= 999.5 {
		return fmt.Sprintf("%.0f", rate)
	}
	return fmt.Sprintf("%.3g", rate)
}

// head says what the report is about.
func (s *summary) head() {
	a := s.about
	s.line(21, words("Report on "+a.File, s.looks.title))
	s.row++
	sent, rate := "", ""
	if took := a.Ended.Sub(a.Started); !a.Started.IsZero() {
		sent = strconv.Itoa(a.SentNow)
		if a.SentNow > 0 && took > 0 {
			rate = perSecond(float64(a.SentNow)/took.Seconds()) + " a second, the check included"
		}
	}
	for _, l := range [][2]string{
		{"Label", a.Label},
		{"Reminder", a.Reminder},
		{"Sent to", a.Target},
		{"Environment", a.Environment},
		{"As user", a.User},
		{"Run", a.Run},
		{"Approved by", a.Approved},
		{"Started (UTC)", moment(a.Started)},
		{"Ended (UTC)", moment(a.Ended)},
		{"Sent by this run", sent},
		{"Messages", rate},
		{"Stopped, because", a.Ending},
		{"Program", a.Version},
	} {
		if l[1] != "" {
			s.line(0, words(l[0], s.looks.name), words(l[1], s.style.text))
		}
	}
	for _, rule := range a.Overridden {
		s.line(0, words("Rule overridden", s.looks.name), words(rule, s.style.text))
	}
	s.row = max(s.row+1, headRows)
}

func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05")
}

func (s *summary) header(first string) {
	var cells []any
	for _, name := range []string{first, "Rows", "What it means", "What to do"} {
		cells = append(cells, words(name, s.looks.header))
	}
	s.line(0, cells...)
}

// adviceWidth is how wide the columns of advice are, in digits; of its text more stands in a line.
const (
	adviceWidth = 58
	adviceChars = 66
)

// counts writes a row of a table: what was counted, with the formula that counts it anew, and what it means.
func (s *summary) counts(name string, status pipeline.Status, n int, formula string, a advice) {
	lines := 1 + (max(len(a.meaning), len(a.todo))-1)/adviceChars // excelize does not find out
	s.line(15*float64(lines), words(name, s.looks.status[status]), excelize.Cell{Value: n, Formula: formula, StyleID: s.looks.count},
		words(a.meaning, s.looks.text), words(a.todo, s.looks.text))
}

// statuses writes the counts by status, and whether they add up; it gives the row of the first.
func (s *summary) statuses() (first int) {
	s.header("Status")
	first = s.row + 1
	for _, status := range pipeline.Statuses() {
		s.counts(string(status), status, s.counted.status[status], s.countIf(colStatus, fmt.Sprintf("A%d", s.row+1)), statusAdvice[status])
	}
	last := s.row
	s.line(0, words("All rows", s.looks.name),
		excelize.Cell{Value: s.counted.rows, Formula: s.countRows(), StyleID: s.looks.total},
		excelize.Cell{Value: 0, Formula: fmt.Sprintf("B%d-SUM(B%d:B%d)", last+1, first, last), StyleID: s.looks.check})
	s.row++
	return first
}

// plainCode are codes that a formula can look for as they stand, without wildcards or comparisons.
var plainCode = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_ .-]{0,199}$`)

// byCode writes the counts by code, where rows have one.
func (s *summary) byCode() {
	if len(s.counted.codes) == 0 {
		return
	}
	s.header("Code")
	statuses := pipeline.Statuses()
	order := slices.SortedFunc(maps.Keys(s.counted.codes), func(a, b found) int {
		return cmp.Or(
			slices.Index(statuses, a.status)-slices.Index(statuses, b.status),
			s.counted.codes[b]-s.counted.codes[a],
			strings.Compare(a.code, b.code))
	})
	folded := map[found]int{} // a formula does not tell capitals from small letters
	for _, f := range order {
		folded[found{f.status, strings.ToLower(f.code)}]++
	}
	for _, f := range order {
		formula := ""
		if plainCode.MatchString(f.code) && folded[found{f.status, strings.ToLower(f.code)}] == 1 {
			formula = s.countIf(colStatus, `"`+string(f.status)+`"`, colCode, fmt.Sprintf("A%d", s.row+1))
		}
		c := pipeline.CodeOf(f.code)
		s.counts(f.code, f.status, s.counted.codes[f], formula, advice{c.Meaning, c.Todo})
	}
}

// countIf counts the rows of all sheets of which our columns are what is asked for: pairs of a column
// and a criterion.
func (s *summary) countIf(pairs ...any) string {
	return s.overSheets(func(sheet string) string {
		var args []string
		for i := 0; i < len(pairs); i += 2 {
			args = append(args, s.rangeOf(sheet, pairs[i].(int)), pairs[i+1].(string))
		}
		return "COUNTIFS(" + strings.Join(args, ",") + ")"
	})
}

// countRows counts the rows of all sheets by hpp_row, which each has.
func (s *summary) countRows() string {
	return s.overSheets(func(sheet string) string { return "COUNTA(" + s.rangeOf(sheet, colRow) + ")" })
}

func (s *summary) overSheets(term func(sheet string) string) string {
	var terms []string
	for n := range s.sheets {
		terms = append(terms, term(s.sheetAt(n+1)))
	}
	return strings.Join(terms, "+")
}

// rangeOf is one of our columns on a sheet, below its header.
func (s *summary) rangeOf(sheet string, column int) string {
	name, err := excelize.ColumnNumberToName(len(s.columns) + column + 1)
	s.try(err)
	return fmt.Sprintf("'%s'!$%s$2:$%[2]s$%d", sheet, name, excelize.TotalRows)
}

// chart shows the counts by status, beside what the report is about.
func (s *summary) chart(first int) {
	last := first + len(pipeline.Statuses()) - 1
	oneColour := false
	s.try(s.book.AddChart(summarySheet, "D2", &excelize.Chart{
		Type: excelize.Bar,
		Series: []excelize.ChartSeries{{
			Name:       fmt.Sprintf("%s!$B$%d", summarySheet, first-1),
			Categories: fmt.Sprintf("%s!$A$%d:$A$%d", summarySheet, first, last),
			Values:     fmt.Sprintf("%s!$B$%d:$B$%d", summarySheet, first, last),
			Fill:       excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{"2F5597"}},
		}},
		Title:      excelize.ChartTitle{Paragraph: []excelize.RichTextRun{{Text: "Rows by status"}}},
		Legend:     excelize.ChartLegend{Position: "none"},
		PlotArea:   excelize.ChartPlotArea{ShowVal: true},
		XAxis:      excelize.ChartAxis{ReverseOrder: true, Font: excelize.Font{Color: "404040"}},
		YAxis:      excelize.ChartAxis{None: true},
		VaryColors: &oneColour,
		Dimension:  excelize.ChartDimension{Width: 410, Height: 250},
	}))
}
