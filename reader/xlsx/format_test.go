package xlsx

import (
	"slices"
	"testing"
)

func custom(code string) format { return formatOf(164, &code) }

func TestShown(t *testing.T) {
	for _, c := range []struct{ code, digits, want string }{
		{"0000000000", "701740605", "0701740605"},
		{"0000000000", "46701740605", ""}, // it is long enough
		{"0000000000", "0", "0000000000"},
		{`"+"0`, "46701740605", "+46701740605"},
		{`\+0`, "46701740605", "+46701740605"},
		{"+0", "46701740605", "+46701740605"},
		{"+##", "46701740605", "+46701740605"},
		{`"0"0`, "701740605", "0701740605"},
		{`"+46 "0`, "701740605", "+46 701740605"},
		{`\0#`, "701740605", "0701740605"},
		{"000 000 00 00", "701740605", "070 174 06 05"},
		{"000-000 00 00", "701740605", "070-174 06 05"},
		{"(000) 0000000", "701740605", "(070) 1740605"},
		{"00000-00", "12345", "00123-45"},
		{"00000-00", "1234567", ""},
		{"00-00", "1234567", ""}, // the first place takes all the rest
		{"+00-00", "1234567", "+12345-67"},
		{"0???", "5", "0  5"},
		{"00;-00;", "5", "05"}, // the first section is that of positive numbers
		{"[Red]00", "5", "05"},
		{"_-00_-", "5", "05"},
		{"* 00", "5", "05"},
		{"0000000000", "-5", ""},
		{"0000000000", "1.5", ""},
		{"0.00", "5", ""},
		{"#,##0", "5", ""},
		{"00,000", "5", ""},
		{"00%", "5", ""},
		{"00/00", "5", ""}, // a fraction
		{"00E+00", "5", ""},
		{"[<=9999]0000;00 00", "5", ""}, // the section depends on the number
		{"@", "5", ""},
		{"General", "5", ""},
		{"GENERAL", "5", ""},
		{`"+"`, "5", ""}, // no place for a digit
		{`"never closed 0`, "5", ""},
		{"[never closed 0", "5", ""},
		{`0\`, "5", ""},
		{"yyyy00", "5", ""},
		{"", "5", ""},
	} {
		if got := custom(c.code).shown(c.digits); got != c.want {
			t.Errorf("%s in %s is shown as %q, want %q", c.digits, c.code, got, c.want)
		}
	}
}

func TestDates(t *testing.T) {
	for _, code := range []string{
		"yyyy-mm-dd", "dd/mm/yyyy", "D.M.YY", "h:mm AM/PM", "mm:ss.0", "[h]:mm", "[HH]", "[mm]:ss", "[$-407]d. mmmm yyyy",
		"[$-409]mmm\\-yy;@", `d" de "mmmm`, "[Red]yyyy", `yyyy"-W"00`, "ge.m.d",
	} {
		if f := custom(code); !f.date || f.mask != nil || f.code != code {
			t.Errorf("%s is no date: %+v", code, f)
		}
	}
	for _, code := range []string{
		"0", "0.00", "#,##0", "[Red]0", `"day" 0`, `0" hours"`, `\d0`, "_d0", "0*m", "0.00E+00", "@", "General", "general", "# ?/?",
		"[$SEK] 0", "[$€-407]0", "[Magenta]0", "[]0", "[>=100]0", "", `"yyyy`, "0;yyyy",
	} {
		if custom(code).date {
			t.Errorf("%s is a date", code)
		}
	}
}

func TestBuiltInDates(t *testing.T) {
	var dates []int
	for id := range 164 {
		if formatOf(id, nil).date {
			dates = append(dates, id)
		}
	}
	want := []int{14, 15, 16, 17, 18, 19, 20, 21, 22}
	for _, span := range [][2]int{{27, 36}, {45, 47}, {50, 58}, {71, 81}} {
		for id := span[0]; id <= span[1]; id++ {
			want = append(want, id)
		}
	}
	if !slices.Equal(dates, want) {
		t.Errorf("got %v", dates)
	}
	if f := formatOf(0, nil); f.code != "" {
		t.Errorf("General is %q", f.code)
	}
	if f := formatOf(49, nil); f.code != "@" {
		t.Errorf("text is %q", f.code)
	}
}
