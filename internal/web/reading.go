package web

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"hppsend/internal/campaign"
	"hppsend/internal/desk"
	"hppsend/pipeline"
	"hppsend/reader"
)

type readingView struct {
	uploadView
	Look     reader.Look
	Looked   []mistake // why nothing can be shown of the file
	Sheet    *desk.Sheet
	Reading  desk.Reading
	Columns  []lookedColumn
	Fields   []string
	Picked   map[string]string // column by field
	Headers  []reader.LookRow  // rows that may be the header
	Refused  []mistake
	Unsaid   bool // it is refused since nobody has said what a column of Wishes means
	Wishes   []wish
	Encoding []string
	Mends    int // cells that were changed
}

// wish is a column that says who must not be messaged, or seems to.
type wish struct {
	Column string
	Says   string // what somebody has said of it, of wishWords; empty for nothing
	Fixed  bool   // by the configuration of the account
}

// What is said of such a column.
const (
	saysWho  = "out"
	saysElse = "else"
)

// wishes gives the columns that say who must not be messaged, and those that seem to, each with what was said of it.
func (v *readingView) wishes(account campaign.Reading) {
	add := func(columns []string, says string) {
		for _, column := range columns {
			if column = folded(column); !slices.ContainsFunc(v.Wishes, func(w wish) bool { return strings.EqualFold(w.Column, column) }) {
				fixed := slices.ContainsFunc(account.OptOut, func(c string) bool { return strings.EqualFold(folded(c), column) })
				v.Wishes = append(v.Wishes, wish{column, says, fixed})
			}
		}
	}
	add(v.Sheet.Unsaid, "")
	add(account.OptOut, saysWho)
	add(v.Reading.OptOut, saysWho)
	add(v.Reading.NoOptOut, saysElse)
}

// saidOf takes what a form says of such columns.
func (c *call) saidOf(r *desk.Reading) bool {
	f := c.r.PostForm
	if f.Get("wishes") == "" { // they were not shown
		return true
	}
	r.OptOut, r.NoOptOut = nil, nil
	for i, column := range f["wish"] {
		switch f.Get("wish." + strconv.Itoa(i)) {
		case saysWho:
			r.OptOut = append(r.OptOut, column)
		case saysElse:
			r.NoOptOut = append(r.NoOptOut, column)
		case "":
		default:
			return false
		}
	}
	return true
}

// lookedColumn is a column with its first cells.
type lookedColumn struct {
	Name, Field string
	Cells       []string
}

// readFields are the fields in the order of the page.
var readFields = []string{
	pipeline.FieldSession, pipeline.FieldURL, pipeline.FieldPhone, pipeline.FieldPhoneCountry, pipeline.FieldEmail, pipeline.FieldMethod,
	pipeline.FieldExpires,
}

// encodings are those that people may choose from.
var encodings = []string{"utf-8", "windows-1252", "windows-1250", "windows-1251", "iso-8859-2", "macintosh", "utf-16le", "shift_jis", "gb18030", "euc-kr", "big5"}

// FieldName is a field in the reader's language.
func (s speaker) FieldName(field string) string {
	return map[string]string{
		pipeline.FieldSession: s.T("Session id"), pipeline.FieldURL: s.T("Distribution URL"), pipeline.FieldPhone: s.T("Phone number"),
		pipeline.FieldPhoneCountry: s.T("Country of the phone number"), pipeline.FieldEmail: s.T("E-mail address"), pipeline.FieldMethod: s.T("Method"),
		pipeline.FieldExpires: s.T("When the session expires"),
	}[field]
}

func (c *call) showReading() error { return c.readingPage(nil) }

func (c *call) readingPage(problem error) error {
	u, err := c.seat.Upload(c.ctx(), c.id())
	if err != nil {
		return err
	}
	sheet, err := c.seat.Sheet(c.ctx(), u, false)
	if err != nil {
		return err
	}
	v := readingView{
		uploadView: c.uploadPage(u, "reading", c.say.T("What the file is taken for")), Sheet: sheet, Reading: u.Reading, Fields: readFields,
		Picked: map[string]string{}, Encoding: encodings, Refused: c.refusals(sheet.Refused),
		Unsaid: len(sheet.Unsaid) > 0,
	}
	account, _, err := c.seat.Account(u.Account)
	if err != nil {
		return err
	}
	v.wishes(account.Reading)
	v.Mistakes = c.mistakes(problem)
	mends, err := c.seat.Mends(c.ctx(), u)
	if err != nil {
		return err
	}
	for _, m := range mends {
		if !m.Own {
			v.Mends++
		}
	}
	var refused error
	if v.Look, refused = c.seat.Look(c.ctx(), u, 30); refused != nil {
		v.Looked = c.mistakes(refused)
	}
	v.Headers = v.Look.Rows[:min(len(v.Look.Rows), 15)]
	for _, m := range sheet.Input.Mapped {
		v.Picked[m.Field] = m.Column
	}
	for field, column := range u.Reading.Map {
		v.Picked[field] = column
	}
	v.fillColumns()
	if v.Clear {
		if err := c.seat.Looked(c.ctx(), u, "reading"); err != nil {
			return err
		}
	} else {
		v.Columns = nil
		v.Headers = nil
	}
	return c.shown("reading", v, problem)
}

// fillColumns takes the columns from the header row, and five cells of each from the rows under it.
func (v *readingView) fillColumns() {
	header := cmp.Or(v.Reading.HeaderRow, v.Sheet.Input.HeaderRow)
	at := max(0, slices.IndexFunc(v.Look.Rows, func(r reader.LookRow) bool { return r.Number == header }))
	if len(v.Look.Rows) == 0 {
		return
	}
	for field, column := range v.Picked {
		v.Picked[field] = folded(column)
	}
	for i, name := range v.Look.Rows[at].Cells {
		name = folded(name)
		col := lookedColumn{Name: name}
		for field, column := range v.Picked {
			if column == name && name != "" {
				col.Field = field
			}
		}
		for _, row := range v.Look.Rows[at+1:] {
			if i < len(row.Cells) && row.Cells[i] != "" && len(col.Cells) < 5 {
				col.Cells = append(col.Cells, row.Cells[i])
			}
		}
		v.Columns = append(v.Columns, col)
	}
}

// folded is a header as browsers give it back, with its spaces and line ends folded; so the reader compares it, too.
func folded(name string) string { return strings.Join(strings.Fields(name), " ") }

// read takes what a person says about how the file is read.
func (c *call) read() error {
	u, err := c.seat.Upload(c.ctx(), c.id())
	if err != nil {
		return err
	}
	f := c.r.PostForm
	r := u.Reading
	r.Sheet, r.Delimiter, r.Encoding = f.Get("sheet"), f.Get("delimiter"), f.Get("encoding")
	r.HeaderRow, _ = strconv.Atoi(f.Get("header_row"))
	r.Country, r.Hidden, r.Method, r.Prefer = strings.TrimSpace(f.Get("country")), f.Get("hidden"), f.Get("method"), f.Get("prefer")
	r.Ragged, r.Unusual = f.Get("ragged"), f.Get("unusual")
	r.BarePhone, r.Each, r.RetryRejected = f.Get("bare_phone") == "on", f.Get("each") == "on", f.Get("retry_rejected") == "on"
	r.Label, r.Reminder = strings.TrimSpace(f.Get("label")), strings.TrimSpace(f.Get("reminder"))
	if f.Get("columns") != "" { // the columns were shown
		r.Map = map[string]string{}
		for _, field := range readFields {
			column := f.Get("map." + field)
			if said, ok := u.Reading.Map[field]; column != f.Get("was."+field) || ok && said == column {
				r.Map[field] = column
			}
		}
		if len(r.Map) == 0 {
			r.Map = nil
		}
	}
	known := c.saidOf(&r)
	if r.Sheet != u.Reading.Sheet || r.HeaderRow != u.Reading.HeaderRow || r.Delimiter != u.Reading.Delimiter || r.Encoding != u.Reading.Encoding {
		r.Map, r.OptOut, r.NoOptOut = nil, nil, nil // they were of another header
	}
	if !known || !chosen(r.Hidden, "refuse", "skip", "send") || !chosen(r.Method, "auto", "sms", "email") || !chosen(r.Prefer, "sms", "email") ||
		!chosen(r.Ragged, "", "refuse", "pad") || !chosen(r.Unusual, "", "send", "refuse") {
		return c.readingPage(&desk.Refusal{Code: desk.Invalid, Problem: "this is none of the choices", Todo: "choose one of them"})
	}
	changed, err := c.seat.Read(c.ctx(), u.ID, r)
	if err != nil {
		return c.readingPage(err)
	}
	sheet, err := c.seat.Sheet(c.ctx(), changed, false)
	if err != nil {
		return err
	}
	if sheet.Refused != nil || f.Get("stay") != "" {
		return c.said("/uploads/"+u.ID+"/reading", "read")
	}
	if sheet.Bad() > 0 {
		return c.said("/uploads/"+u.ID+"/problems", "read")
	}
	return c.said("/uploads/"+u.ID+"/preview", "read")
}

func chosen(value string, any ...string) bool { return slices.Contains(any, value) }

// Delimiters are those that people may choose from, with their names.
func (readingView) Delimiters() [][2]string {
	return [][2]string{{",", "comma"}, {";", "semicolon"}, {"tab", "tab"}, {"|", "bar"}}
}
