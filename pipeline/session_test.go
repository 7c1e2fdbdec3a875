package pipeline

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// spellings are the ways in which programs write one UUID.
func spellings(uuid string) []string {
	bare := strings.ReplaceAll(uuid, "-", "")
	var all []string
	for _, s := range []string{
		uuid, "{" + uuid + "}", "(" + uuid + ")", "urn:uuid:" + uuid, "uuid:" + uuid, bare, "{" + bare + "}",
		"urn:uuid:{" + uuid + "}", "urn:uuid:" + bare,
	} {
		all = append(all, s, strings.ToUpper(s), strings.ToUpper(s[:len(s)/2])+s[len(s)/2:])
	}
	return all
}

func TestOneSessionHasOneForm(t *testing.T) {
	const uuid = "abcdef00-0000-4000-8000-00000000ab01"
	defaults := Defaults{SessionFromURL: func(u string) (string, error) { return u, nil }}
	for _, s := range spellings(uuid) {
		if got := CanonicalSession(s); got != uuid || !IsUUID(s) {
			t.Errorf("%s is %s", s, got)
		}
		for name, f := range map[string]Fields{
			"the session column": {Session: s}, "in quotes": {Session: "\u201c" + s + "\u201d "}, "the URL": {URL: s}, "both": {Session: s, URL: uuid}, "the other way": {Session: uuid, URL: s},
		} {
			for _, format := range []SessionFormat{"", AutoSession, UUIDSession, AnySession} {
				defaults.Sessions = format
				if got, finding := defaults.Session(f); got != uuid || finding.Code != "" {
					t.Errorf("%s in %s, as %q: %q, %v", s, name, format, got, finding)
				}
			}
		}
		it := testDefaults.prepare(Row{Fields: Fields{Session: s, Email: mail(1)}})
		if it.Session != uuid || len(it.notices) > 0 {
			t.Errorf("%s is sent as %s, with %v", s, it.Session, it.notices)
		}
	}
	for _, s := range []string{
		"", uuid[1:], uuid + "0", "g" + uuid[1:], "{" + uuid, uuid + "}", "(" + uuid + "}", "{{" + uuid + "}}",
		strings.Replace(uuid, "-", "_", 1), "abcdef0-00000-4000-8000-00000000ab01", "urn:isbn:" + uuid, "urn:", "uuid:",
	} {
		if CanonicalSession(s) != s || IsUUID(s) {
			t.Errorf("%q is taken for a UUID", s)
		}
	}
}

// What other columns hold is no session, however it is written, unless somebody says that ids look so.
func TestWhatIsNoSession(t *testing.T) {
	const (
		phone = "a phone number"
		mail  = "an e-mail address"
		date  = "a date"
		exp   = "a number in exponent form"
		some  = "" // whatever it is called
	)
	for text, want := range map[string]string{
		"46701740605": phone, "+46701740605": phone, "0046701740605": phone, "0701740605": phone, "070-1740605": phone,
		"070-174 06 05": phone, "(070) 174 06 05": phone, "46_70_174_06_05": phone, "070.174.06.05": phone, "070/1740605": phone,
		"+46 (0)70 174 06 05": phone, "46~701740605": phone, "701740605": phone, "1740605": phone, "２０７０１７４０６０５": phone,
		"tel:+46701740605": phone, "tel:46701740605": phone, "Tel-0701740605": phone, "mobile:0701740605": phone, "mob0701740605": phone,
		"SE0701740605": phone, "se-46701740605": phone, "Sweden0701740605": phone, "0701740605x12": phone, "0701740605ext2": phone,
		"p46701740605": phone, "O701740605": phone, "46701740605-46701740606": some, "467O174O6O5": phone, "467017406l5": phone, "WhatsApp46701740605": phone,
		"anna@example.com": mail, "Anna <anna@example.com>": mail, "mailto:anna@example.com": mail, "anna＠example.com": mail, "'anna@example.com'": mail,
		"4.6E+10": exp, "4,67E+10": exp, "4,67017E+10": exp, "46E9": exp, "467e8": exp, "4.67017406e+10": exp, "46701740605E0": exp, "-1E5": exp,
		"2026-11-01": date, "1.11.2026": date, "01.11.2026": date, "1/11/2026": date, "11/1/2026": date, "2026/11/01": date, "20261101": date,
		"2026-11-01 10:30": date, "01-11-26": date, "1-Nov-2026": date, "01-nov": date, "nov-26": date, "Nov26": date, "1-maj-2026": date,
		"1Dez2026": date, "2026-Nov-01": date, "2026-11-01T10:30:00Z": some, "20261101T103000": some, "10:30": some, "10:30PM": some,
		"45962": some, "45962.5": some, "17": some, "0": some, "49,90": some, "49.90": some, "-1": some, "12345678901234567890": some,
		"TRUE": some, "FALSE": some, "true": some, "WAHR": some, "FALSKT": some, "VRAI": some, "NULL": some, "None": some, "nan": some,
		"sms": some, "email": some, "SE": some, "Sweden": some, "Anna": some, "Anna-Maria": some, "anna_andersson": some, "-": some, "--": some, "~": some,
		"#N/A": some, "=A1": some, "a b": some, "a/b": some, "å1": some,
	} {
		for _, f := range []SessionFormat{"", AutoSession, UUIDSession} {
			got, finding := f.session(text, FieldSession, "the session column")
			if got != "" || finding.Code != CodeBadSession {
				t.Errorf("%q is taken for a session by %q", text, f)
			}
			if f != UUIDSession && !strings.Contains(finding.Reason, want) {
				t.Errorf("%q is refused as: %s; want it called %s", text, finding.Reason, want)
			}
			for _, piece := range []string{"0701", "7017", "46E", "anna", "2026", "1740605"} {
				if strings.Contains(strings.ToLower(finding.Reason), strings.ToLower(piece)) {
					t.Errorf("the reason shows the cell: %s", finding.Reason)
				}
			}
		}
		got, finding := AnySession.session(text, FieldSession, "the session column")
		if safe := safeSession(text); safe != (finding.Code == "") || safe && got != text {
			t.Errorf("any takes %q as %q, %v", text, got, finding)
		}
		if offered := strings.Contains(firstOf(AutoSession.session(text, "", "")), "--session-format any"); offered != safeSession(text) {
			t.Errorf("%q: any is offered: %v", text, offered)
		}
	}
	for _, text := range []string{
		"a1", "s-1", "Abc_1", "order-0815x7", "KP9Q2Z", "hpp:1f3a", "01HF3Z9V8K5M6N7P8Q9R0S1T2V", "cus_NffrFeUfNV2Hib", "WjxZqPkTbvLmRs",
		"A-10023", "3f2a9c1d7b", "sess-20261101-7f", "nov1f2a3b",
	} {
		if got, finding := AutoSession.session(text, "", ""); got != text || finding.Code != "" {
			t.Errorf("%q is refused: %v", text, finding)
		}
		if _, finding := UUIDSession.session(text, "", ""); finding.Code != CodeBadSession {
			t.Errorf("%q is taken for a UUID", text)
		}
	}
}

func firstOf(_ string, f Finding) string { return f.Reason }

// Every number of the range for examples is known, however it is spaced and whatever stands before it.
func TestNoPhoneIsASession(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 20_000 {
		digits := fmt.Sprintf("%d", 46701740605+rng.IntN(30))
		if rng.IntN(2) == 0 {
			digits = "0" + digits[2:]
		}
		var b strings.Builder
		b.WriteString([]string{"", "", "+", "00", "tel:", "Tel ", "mobil-", "SE", "("}[rng.IntN(9)])
		for _, d := range digits {
			b.WriteRune(d)
			if rng.IntN(4) == 0 {
				b.WriteString([]string{" ", "-", ".", "/", "_", "~", ") ", ":", "\u00a0"}[rng.IntN(9)])
			}
		}
		text := b.String()
		for _, f := range []Fields{{Session: text, Email: mail(1)}, {Session: text, Phone: "+46701740606"}, {URL: text, Email: mail(1)}} {
			it := testDefaults.prepare(Row{Fields: f})
			if it.session != "" || it.Session != "" || it.finding().Code != CodeBadSession && it.finding().Code != CodeBadURL {
				t.Fatalf("%q is taken for session %q: %v", text, it.session, it.finding())
			}
			if strings.ContainsAny(it.finding().Reason, "0123456789") {
				t.Fatalf("%q is shown: %s", text, it.finding().Reason)
			}
		}
	}
}

// An id that is no UUID, in a row or a file with one that is, stands there by a shift of cells: none of the
// passes sends it, in whatever order the rows stand, and whatever else is known of its session.
func TestSessionThatIsNoUUIDAmongThoseThatAre(t *testing.T) {
	odd := Row{Fields: Fields{Session: "x1", Email: mail(1)}}
	other := Row{Fields: Fields{Session: "x2", Email: mail(2)}}
	beside := odd
	beside.Cells = []Cell{{Text: "x1"}, {Text: " {A3482672-3057-4E6E-A4CC-48CB1CFC4362} "}}
	link := odd
	link.Cells = []Cell{{Text: "x1"}, {Text: "https://example.com/" + id(9)}}
	bad, due, dup := "rejected/bad_session", "pending/not_reached", "skipped/duplicate_session"
	for _, tt := range []struct {
		name   string
		format SessionFormat
		files  [][]Row
		want   []string
	}{
		{"none is a UUID", "", [][]Row{{odd, other, odd}}, []string{due, due, dup}},
		{"one is, behind", AutoSession, [][]Row{{odd, other, odd, byMail(3)}}, []string{bad, bad, bad, due}},
		{"one is, before", "", [][]Row{{byMail(3), odd}}, []string{due, bad}},
		{"one is, and cannot be sent", "", [][]Row{{odd, {Fields: Fields{Session: id(3)}}}}, []string{bad, "rejected/missing_contact"}},
		{"one is, in another file", "", [][]Row{{odd}, {byMail(3)}}, []string{due, due}},
		{"one stands beside it", "", [][]Row{{beside, other}}, []string{bad, due}},
		{"one stands in a link beside it", "", [][]Row{{link}}, []string{due}},
		{"any is taken", AnySession, [][]Row{{odd, beside, byMail(3)}}, []string{due, dup, due}},
		{"only UUIDs are taken", UUIDSession, [][]Row{{odd, byMail(3)}}, []string{bad, due}},
		{"our own check has more to say", "", [][]Row{{mailRow(func(r *Row) { r.Fields.Session = "x1" }, unreadable), byMail(3)}}, []string{"rejected/bad_email", due}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			defaults := testDefaults
			defaults.Sessions = tt.format
			var sources []Source
			for i, rows := range tt.files {
				f := sheet(rows...)
				f.name = fmt.Sprintf("%d.csv", i)
				sources = append(sources, f)
			}
			plan, err := Check(t.Context(), CheckConfig{Rules: Rules{Target: "sandbox"}, Defaults: defaults}, sources...)
			if err != nil {
				t.Fatal(err)
			}
			var sink collected
			fed := 0
			for i, f := range sources {
				if _, err := Report(t.Context(), plan, i, f, Finding{}, &sink); err != nil {
					t.Fatal(err)
				}
				for range newPasses(plan, i, f).begin(t.Context()) {
					fed++
				}
			}
			var got []string
			wanted := 0
			for i, out := range sink.outcomes {
				got = append(got, short(out))
				if out.Code == CodeBadSession && (out.Session != "" || strings.Contains(out.Reason, "x1") || tt.format != UUIDSession && !strings.Contains(out.Reason, "--session-format any")) {
					t.Errorf("row %d says %+v", i, out)
				}
			}
			for _, w := range tt.want {
				if w == due {
					wanted++
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" || plan.Due != wanted || plan.Total.Status[Pending] != wanted || fed != wanted {
				t.Errorf("%d are due, %d are fed, %d wanted: %s", plan.Due, fed, wanted, diff)
			}
		})
	}
}

// A row that another run held when it was checked is not fed either.
func TestShiftedSessionThatIsHeld(t *testing.T) {
	b := canned{}
	b.know("x1", Record{Method: Email, Contact: digestOf(mail(1)), Run: "other", Intent: ForeignIntent})
	list := sheet(Row{Fields: Fields{Session: "x1", Email: mail(1)}}, byMail(3))
	plan, err := Check(t.Context(), CheckConfig{Rules: Rules{Target: "sandbox"}, Defaults: testDefaults, Records: b}, list)
	if err != nil {
		t.Fatal(err)
	}
	for f := range newPasses(plan, 0, list).begin(t.Context()) {
		if f.err != nil || f.job.attempt.Distribution.Session != id(3) {
			t.Errorf("%+v is fed, %v", f.job, f.err)
		}
	}
}
