package pipeline

import (
	"fmt"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// FieldExpires is the name of the field that says when a session expires. It is none of Fields: it is not sent.
const FieldExpires = "expires_at"

// Expiry says when the sessions of rows expire that do not say it.
type Expiry struct {
	Life time.Duration // of a session; 0 where it is not known
	From time.Time     // when the sessions were made
}

// expires gives when the session of a row expires, in Unix seconds; 0 where it is not known. A cell that cannot be read is a
// finding.
func (c CheckConfig) expires(in Input, row Row) (int64, Finding) {
	if i := in.ExpiresAt - 1; i >= 0 && i < len(row.Cells) && !row.Fault().WholeRow() {
		switch at, why := row.Cells[i].moment(in.Date1904, c.Rules.zoneOrLocal()); {
		case why != "":
			return 0, Finding{Code: CodeBadExpiry, Field: FieldExpires, Column: in.Columns[i], Reason: fmt.Sprintf("the cell in column %q says when the session expires, and %s", in.Columns[i], why)}
		case !at.IsZero():
			return at.Unix(), Finding{}
		}
	}
	if c.Defaults.Expires.Life > 0 {
		return c.Defaults.Expires.From.Add(c.Defaults.Expires.Life).Unix(), Finding{}
	}
	return 0, Finding{}
}

// zoneOrLocal is the zone of the rules, or this machine's where they name none.
func (r Rules) zoneOrLocal() *time.Location {
	if r.Zone == "" {
		return time.Local
	}
	return r.zone()
}

// moment reads a cell that holds a time, which is of a zone where it names none; zero for an empty one. A day alone is its
// beginning. Why says what is wrong with it.
func (c Cell) moment(date1904 bool, zone *time.Location) (at time.Time, why string) {
	text := strings.TrimSpace(c.Text)
	switch {
	case text == "":
		return time.Time{}, ""
	case c.Kind == CellNumber:
		if !dateFormat.MatchString(formatNoise.ReplaceAllString(c.Format, "")) {
			return time.Time{}, "it is a number and not a time"
		}
		return serial(text, date1904, zone)
	case c.Kind != CellText:
		return time.Time{}, "it is no time"
	}
	for _, layout := range []string{
		time.RFC3339Nano, "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05 Z07:00", "2006-01-02 15:04:05 -0700", "2006-01-02 15:04:05 MST", "2006-01-02T15:04Z07:00",
	} {
		if at, err := time.Parse(layout, text); err == nil && (!strings.HasSuffix(layout, "MST") || strings.HasSuffix(text, " UTC") || strings.HasSuffix(text, " GMT")) {
			return at, ""
		}
	}
	for _, layout := range []string{
		"2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02",
		"2006/01/02 15:04:05", "2006/01/02 15:04", "2006/01/02", "2.1.2006 15:04:05", "2.1.2006 15:04", "2.1.2006",
	} {
		if at, err := time.ParseInLocation(layout, text, zone); err == nil {
			return at, ""
		}
	}
	return slashed(text, zone)
}

var (
	dateFormat  = regexp.MustCompile(`(?i)[ydh]`)
	formatNoise = regexp.MustCompile(`"[^"]*"|\\.|\[[^\]]*\]|_.|\*.|(?i:red|general|standard)`)
	slashedTime = regexp.MustCompile(`^(\d{1,2})[/-](\d{1,2})[/-](\d{4})(?:,?\s+(.+))?$`)
)

// slashed reads a time of which it is not plain which is the day and which the month, if only one of them can be.
func slashed(text string, zone *time.Location) (time.Time, string) {
	m := slashedTime.FindStringSubmatch(text)
	if m == nil {
		return time.Time{}, "it is none that can be read: write it as 2026-12-24 18:00, or with its zone as 2026-12-24T18:00:00+01:00"
	}
	first, _ := strconv.Atoi(m[1])
	second, _ := strconv.Atoi(m[2])
	if first <= 12 && second <= 12 && first != second {
		return time.Time{}, "it is not plain which is the day and which the month: write it as 2026-12-24 18:00"
	}
	if first > 12 {
		first, second = second, first
	}
	day := fmt.Sprintf("%s-%02d-%02d", m[3], first, second)
	for _, layout := range []string{"2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02 3:04:05 PM", "2006-01-02 3:04 PM", "2006-01-02 "} {
		if at, err := time.ParseInLocation(layout, day+" "+strings.ToUpper(m[4]), zone); err == nil {
			return at, ""
		}
	}
	return time.Time{}, "there is no such time"
}

// serial reads the days since the beginning of 1900, or 1904, that a spreadsheet program keeps of a time.
func serial(text string, date1904 bool, zone *time.Location) (time.Time, string) {
	days, ok := new(big.Rat).SetString(text)
	const most = 2_958_465 // the last day of the year 9999
	if !ok || days.Sign() < 0 || days.Cmp(big.NewRat(most, 1)) > 0 {
		return time.Time{}, "it is no time"
	}
	f, _ := days.Float64()
	whole := int(f)
	seconds := int((f-float64(whole))*86400 + 0.5)
	epoch := time.Date(1899, time.December, 30, 0, 0, 0, 0, time.UTC) // with the 29th of February 1900, which there was not
	if date1904 {
		epoch = time.Date(1904, time.January, 1, 0, 0, 0, 0, time.UTC)
	}
	day := epoch.AddDate(0, 0, whole)
	return time.Date(day.Year(), day.Month(), day.Day(), 0, 0, seconds, 0, zone), ""
}
