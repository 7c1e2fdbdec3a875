package xlsx

import (
	"slices"
	"strings"
	"testing"
)

// seen writes what a person sees of a number or a text under a format: "as is", "a date", "unclear", or
// the text.
func seen(code, value string, number bool) string {
	see := readFormat(code).words
	if number {
		see = readFormat(code).number
	}
	what, shown := see(value)
	return map[sight]string{seenAsIs: "as is", seenAsDate: "a date", seenUnclear: "unclear", seenOtherwise: shown}[what]
}

func TestNumbersSeen(t *testing.T) {
	for _, c := range []struct{ code, digits, want string }{
		{"", "40123456", "as is"},
		{"General", "40123456", "as is"},
		{"GENERAL", "491701234567", "as is"},
		{"0", "40123456", "as is"},
		{"0", "40123456.4", "as is"}, // no contact has a fraction
		{"#", "40123456", "as is"},
		{"#", "0", "unclear"}, // LibreOffice and Excel show nothing
		{"#,##0", "40123456", "as is"},
		{"#,##0.00", "40123456", "as is"},
		{"0.0", "-5", "as is"},
		{"0.00E+00", "40123456", "as is"}, // shortened, and no other number
		{"##0.0E+0", "40123456", "as is"},
		{"[Red]0", "40123456", "as is"},
		{"_-0_-", "40123456", "as is"},
		{"* 0", "40123456", "as is"},
		{"[$-409]0", "40123456", "as is"},
		{"[$-en-US]0", "40123456", "as is"},
		{"[$-2000401]0", "40123456", "as is"}, // in Arabic digits
		{"@", "40123456", "as is"},
		{"0;-0;0;@", "40123456", "as is"},
		{"0;-0;;@", "40123456", "as is"},

		// What is added to the digits.
		{"0000000000", "701740605", "0701740605"},
		{"0000000000", "46701740605", "as is"}, // it is long enough
		{"0000000000", "0", "0000000000"},
		{`"+"0`, "46701740605", "+46701740605"},
		{`\+0`, "46701740605", "+46701740605"},
		{"+0", "46701740605", "+46701740605"},
		{"+##", "46701740605", "+46701740605"},
		{`\+#`, "46701740605", "+46701740605"},
		{`"0"0`, "701740605", "0701740605"},
		{`"00"0`, "46701740605", "0046701740605"},
		{`\0#`, "701740605", "0701740605"},
		{`"+45 "0`, "40123456", "+45 40123456"},
		{"[$+45 ]## ## ## ##", "40123456", "+45 40 12 34 56"},
		{"[$+45-406]0", "40123456", "+4540123456"},
		{"[$+45-406]General", "40123456", "+4540123456"},
		{`"+45 "General`, "40123456", "+45 40123456"},
		{`"+45 "general`, "40123456", "+45 40123456"},
		{`General" 45"`, "40123456", "40123456 45"},
		{`"+45 "#,##0`, "40123456", "+45 40123456"}, // how digits are grouped is the country's
		{`"+45"00000000`, "40123456", "+4540123456"},
		{`\4\500000000`, "40123456", "4540123456"},
		{`"45"00000000`, "40123456", "4540123456"},
		{`0" 45"`, "40123456", "40123456 45"},
		{`0"0"`, "40123456", "401234560"},
		{`"＋４５"0`, "40123456", "＋４５40123456"},
		{`[Blue]"+45 "0`, "40123456", "+45 40123456"},
		{`[Color10]"+45 "0`, "40123456", "+45 40123456"},
		{`[Red]"+45 "0;[Blue]"+46 "0`, "40123456", "+45 40123456"},
		{`"+45"0;"-"0;"z"0`, "0", "z0"},
		{`"+45"0;"-"0;"z"0`, "5", "+455"},

		// What parts them.
		{"000 000 00 00", "701740605", "070 174 06 05"},
		{"000-000 00 00", "701740605", "070-174 06 05"},
		{"(000) 0000000", "701740605", "(070) 1740605"},
		{"0#\" \"##\" \"##\" \"##\" \"##", "701740605", "07 01 74 06 05"},
		{"00-00", "1234567", "12345-67"}, // the first place takes all the rest
		{"+00-00", "1234567", "+12345-67"},
		{"## ## ## ##", "40123456", "40 12 34 56"},
		{"##\u00a0##", "1234", "12\u00a034"},
		{"00(0)000000000", "460701740605", "46(0)701740605"}, // as a person reads it, not 460701740605
		{"0-0", "12", "1-2"},
		{"-0", "12", "-12"},
		{"00,000", "5", "00005"},
		{"0_00", "5", "05"},

		// The formats for telephone numbers that Excel has by country.
		{"[<=9999999]###-####;(###) ###-####", "2025550143", "(202) 555-0143"},
		{"[<=9999999]###-####;(###) ###-####", "5550143", "555-0143"},
		{"[<=9999999]###-##-##;(###) ###-##-##", "9123456789", "(912) 345-67-89"},
		{"[<=99999999]####-####;(00) ####-####", "312345678", "(03) 1234-5678"},
		{"[<=99999999]####-####;(0#) ####-####", "312345678", "(03) 1234-5678"},
		{"0##-####-####", "1012345678", "010-1234-5678"},
		{"0##-####-####", "701740605", "unclear"}, // Excel is said to show a zero for each place
		{"0000-000-000", "912345678", "0912-345-678"},
		{"000\\-0000\\-0000", "9012345678", "090-1234-5678"},
		{"[$-F800]0", "40123456", "unclear"}, // Excel shows a date, and LibreOffice the number

		// Conditions.
		{`[>0]"+45 "00000000`, "40123456", "+45 40123456"},
		{`[>50000000]"+45 "0;0`, "40123456", "as is"},
		{`[>50000000]"+45 "0;0`, "60123456", "+45 60123456"},
		{`[>5]"a"0;[<=5]"b"0`, "5", "b5"},
		{`[>9]"a"0;[<5]"b"0;"c"0`, "7", "c7"},
		{`[=7]"a"0;0`, "7", "a7"},
		{`[<>7]"a"0;0`, "7", "as is"},
		{`[>=7]"a"0;0`, "7", "a7"},
		{`[<7]"a"0;0`, "7", "as is"},
		{"[<=9999]0000;00 00", "5", "0005"},
		{"[<5]0", "7", "unclear"},
		{`[>1000]"a"0;"b"0;"c"0`, "5", "unclear"},
		{`0;[>5]"b"0`, "7", "unclear"},
		{`[>0]0`, "-7", "unclear"},
		{`[>x]0`, "7", "unclear"},
		{`[>0][<9]0`, "7", "unclear"},

		// What is not known, what hides or changes the number, and what programs do not agree on.
		{`\+45\ ##\ ##\ ##\ ##`, "40123456", "unclear"}, // LibreOffice drops the 45
		{"0045 ########", "40123456", "unclear"},
		{"4500000000", "40123456", "unclear"},
		{"+46# ### ### ##", "701740605", "unclear"},
		{`[Blue]\+45\ 00000000`, "40123456", "unclear"},
		{`0\ \+45`, "40123456", "unclear"},
		{`"+45 "@`, "40123456", "unclear"},
		{"@@", "40123456", "unclear"},
		{"@;0", "40123456", "unclear"},
		{`"+45 "0.00`, "40123456", "unclear"},
		{`"+45 "0E+0`, "40123456", "unclear"},
		{`"+45 "General`, "491701234567", "unclear"}, // Excel shortens it
		{`"+45 "0`, "40123456.4", "unclear"},
		{`"+45 "0`, "-40123456", "unclear"},
		{"0;-0", "-40123456", "unclear"},
		{"0000000000", "-5", "unclear"},
		{"0000000000", "1.5", "unclear"},
		{"000.0", "5", "unclear"},
		{"0##", "5", "unclear"},
		{"0???", "5", "unclear"},
		{"0%", "70174060500", "unclear"},
		{"0.00%", "70174060500", "unclear"},
		{`0\%`, "7", "7%"},
		{"0,", "40123456", "unclear"}, // in thousands
		{"0,,", "40123456", "unclear"},
		{"#,##0,", "40123456", "unclear"},
		{",0", "40123456", "unclear"},
		{`#,"x"##0`, "40123456", "unclear"},
		{"00.00.00", "40123456", "unclear"},
		{"# ?/?", "5", "unclear"},
		{"00/00", "5", "unclear"},
		{";;;", "40123456", "unclear"},
		{"0;0;0;@;0", "40123456", "unclear"},
		{";;", "40123456", "unclear"},
		{"0;;", "0", "unclear"},
		{`"x"`, "40123456", "unclear"},
		{`"+"`, "5", "unclear"},
		{"*00", "40123456", "unclear"}, // zeros up to the width of the column
		{"*0#", "40123456", "unclear"},
		{"0*0", "40123456", "unclear"},
		{"*+0", "40123456", "unclear"},
		{"[DBNum1]0", "40123456", "unclear"},
		{"[DBNum1][$-804]General", "40123456", "unclear"},
		{"[NatNum1]0", "40123456", "unclear"},
		{"[White]0", "40123456", "unclear"},
		{"[ENG]0", "40123456", "unclear"},
		{"[]0", "40123456", "unclear"},
		{"[$+45-x-y]0", "40123456", "unclear"},
		{"kr0", "40123456", "unclear"},
		{"$0", "40123456", "unclear"},
		{":0", "40123456", "unclear"},
		{"b0", "40123456", "unclear"},
		{"General0", "40123456", "unclear"},
		{"GeneralGeneral", "40123456", "unclear"},
		{"General.0", "40123456", "unclear"},
		{"0;0;0;0;0", "40123456", "unclear"},
		{`"never closed 0`, "5", "unclear"},
		{"[never closed 0", "5", "unclear"},
		{`0\`, "5", "unclear"},
		{"0_", "5", "unclear"},

		{"yyyy00", "5", "a date"},
		{"0;yyyy", "5", "as is"},
		{"0;yyyy", "-5", "a date"},
		{"[h]:mm", "5", "a date"},
	} {
		if got := seen(c.code, c.digits, true); got != c.want {
			t.Errorf("%s under %s is %s, want %s", c.digits, c.code, got, c.want)
		}
	}
}

func TestTextsSeen(t *testing.T) {
	for _, c := range []struct{ code, text, want string }{
		{"", "40123456", "as is"},
		{"General", "40123456", "as is"},
		{"0000000000", "40123456", "as is"},
		{`"+45 "0`, "40123456", "as is"},
		{"@", "40123456", "as is"},
		{"[Red]@", "40123456", "as is"},
		{"_-@_-", "40123456", "as is"},
		{"* @", "40123456", "as is"},
		{`_-* #,##0.00\ "kr"_-;\-* #,##0.00\ "kr"_-;_-* "-"??\ "kr"_-;_-@_-`, "anna@example.com", "as is"},
		{"[$-409]mmm\\-yy;@", "40123456", "as is"},
		{";;", "40123456", "as is"},
		{`"+45 "@`, "40123456", "+45 40123456"},
		{`0;0;0;"+45 "@`, "40123456", "+45 40123456"},
		{`0;"+45 "@`, "40123456", "+45 40123456"},
		{`@".test"`, "anna@example.com", "anna@example.com.test"},
		{`@\x`, "a", "ax"},
		{`"0"@`, "701740605", "0701740605"},
		{"+@", "46701740605", "+46701740605"},
		{"@@", "12", "1212"},
		{"@ @", "12", "12 12"},
		{`\+45@`, "40123456", "unclear"},    // LibreOffice and Excel differ on the digits
		{"[$+45 ]@", "40123456", "unclear"}, // LibreOffice shows the brackets
		{";;;", "40123456", "unclear"},      // it is not seen
		{";;;;", "40123456", "unclear"},     // no program writes so many sections
		{`0;0;0;"45"0;@`, "40123456", "unclear"},
		{`0;0;0;@;\4\50`, "40 12 34 56", "unclear"},
		{`0;0;0;"x"`, "40123456", "unclear"}, // another text is
		{"*0@", "40123456", "unclear"},
		{"[White]@", "40123456", "unclear"},
		{"0@", "40123456", "unclear"},
		{"General@", "40123456", "unclear"},
	} {
		if got := seen(c.code, c.text, false); got != c.want {
			t.Errorf("%s under %s is %s, want %s", c.text, c.code, got, c.want)
		}
	}
}

func TestDates(t *testing.T) {
	for _, code := range []string{
		"yyyy-mm-dd", "dd/mm/yyyy", "D.M.YY", "h:mm AM/PM", "mm:ss.0", "[h]:mm", "[HH]", "[mm]:ss", "[$-407]d. mmmm yyyy",
		"[$-409]mmm\\-yy;@", `d" de "mmmm`, "[Red]yyyy", `yyyy"-W"00`, "ge.m.d", "[$-F800]dddd\\,\\ mmmm\\ dd\\,\\ yyyy", "[$-F400]h:mm:ss\\ AM/PM",
	} {
		if seen(code, "45000", true) != "a date" {
			t.Errorf("%s is no date", code)
		}
	}
	for _, code := range []string{
		"0", "0.00", "#,##0", "[Red]0", `"day" 0`, `0" hours"`, `\d0`, "_d0", "0*m", "0.00E+00", "@", "General", "general", "# ?/?",
		"[$SEK] 0", "[$€-407]0", "[Magenta]0", "[]0", "[>=100]0", "", `"yyyy`, "0;yyyy",
	} {
		if seen(code, "45000", true) == "a date" {
			t.Errorf("%s is a date", code)
		}
	}
}

func TestBuiltInDates(t *testing.T) {
	var dates []int
	for id := range 164 {
		if what, _ := formatOf(id, nil).number("45000"); what == seenAsDate {
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

// What a book writes out under a number is what the number stands for, whatever is built in under it.
func TestOwnFormatsBeforeBuiltIn(t *testing.T) {
	for id := range 200 {
		for code, want := range map[string]string{`"+45 "## ## ## ##`: "+45 40 12 34 56", "d/m/yyyy": "a date", "@": "as is", "": "as is"} {
			f := formatOf(id, map[int]string{id: code})
			what, shown := f.number("40123456")
			if got := map[sight]string{seenAsIs: "as is", seenAsDate: "a date", seenUnclear: "unclear", seenOtherwise: shown}[what]; got != want || f.code != code {
				t.Errorf("%s under %d: %s as %s, want %s", code, id, got, f.code, want)
			}
		}
		if f := formatOf(id, map[int]string{id + 1: "0"}); f.code != formatOf(id, nil).code {
			t.Errorf("%d is %s for a book that does not name it", id, f.code)
		}
	}
}

// Whatever the code is, and whatever the number, what is seen of a whole number has its digits in their
// order, or is said to be unclear.
func FuzzFormat(f *testing.F) {
	for _, code := range []string{"0000000000", `"+45 "0`, "[<=9999999]###-####;(###) ###-####", `[$+45 ]@`, "_-* #,##0.00_-;@", "*", `\`, "[", `"`, ";;;;", "E+", "0E+0"} {
		f.Add(code, uint64(40123456))
	}
	f.Fuzz(func(t *testing.T, code string, n uint64) {
		digits, text := strings.TrimLeft(string(rune('0'+n%10))+"40123456", "0"), "a@b"
		format := readFormat(code)
		if what, shown := format.number(digits); what == seenOtherwise {
			rest := digits
			for _, r := range shown {
				if rest != "" && r == rune(rest[0]) {
					rest = rest[1:]
				}
			}
			if rest != "" {
				t.Errorf("%s under %q is %q", digits, code, shown)
			}
		}
		if what, shown := format.words(text); what == seenOtherwise && !strings.Contains(shown, text) {
			t.Errorf("%s under %q is %q", text, code, shown)
		}
	})
}
