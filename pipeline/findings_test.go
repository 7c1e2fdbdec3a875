package pipeline

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// Of every combination of good and bad cells all that is wrong is found, each with its field.
func TestAllFindings(t *testing.T) {
	type cell struct{ text, code string }
	type wrong struct{ Code, Field string }
	combinations := 0
	for _, session := range []cell{{id(1), ""}, {"", CodeMissingSession}, {"a b/c", CodeBadSession}} {
		for _, method := range []cell{{"", ""}, {"sms", ""}, {"email", ""}, {"fax", CodeBadMethod}} {
			for _, phone := range []cell{{"+46701740605", ""}, {"", ""}, {"+12", CodeBadPhone}} {
				for _, country := range []cell{{"", ""}, {"SE", ""}, {"Atlantis", CodeBadCountry}} {
					for _, email := range []cell{{mail(1), ""}, {"", ""}, {"nobody", CodeBadEmail}} {
						var want []wrong
						add := func(code, field string) {
							if code != "" {
								want = append(want, wrong{code, field})
							}
						}
						ofPhone := func() {
							if phone.text != "" {
								add(country.code, FieldPhoneCountry)
								add(phone.code, FieldPhone)
							}
						}
						ofEmail := func() { add(email.code, FieldEmail) }

						add(session.code, FieldSession)
						add(method.code, FieldMethod)
						before := len(want)
						byPhone := method.text == "sms" || method.text == "" && email.text == "" && phone.text != ""
						switch {
						case phone.text == "" && email.text == "":
							add(CodeMissingContact, "")
						case method.code != "":
							ofPhone()
							ofEmail()
						case byPhone:
							if ofPhone(); phone.text == "" {
								add(CodeMissingContact, FieldPhone)
							}
							if len(want) > before {
								ofEmail()
							}
						default:
							if ofEmail(); email.text == "" {
								add(CodeMissingContact, FieldEmail)
							}
							if len(want) > before {
								ofPhone()
							}
						}

						it := testDefaults.prepare(Row{Fields: Fields{
							Session: session.text, Method: method.text, Phone: phone.text, PhoneCountry: country.text, Email: email.text,
						}})
						var got []wrong
						for _, f := range it.findings {
							got = append(got, wrong{f.Code, f.Field})
							if f.Reason == "" || strings.Contains(f.Reason, "nobody") {
								t.Errorf("%s has the reason %q", f.Code, f.Reason)
							}
						}
						if diff := gocmp.Diff(want, got); diff != "" {
							t.Errorf("%q %q %q %q %q (-want +got):\n%s", session.text, method.text, phone.text, country.text, email.text, diff)
						}
						combinations++
					}
				}
			}
		}
	}
	if combinations != 324 {
		t.Errorf("%d combinations", combinations)
	}
}

// What the reader found is told beside what else is wrong, and not twice.
func TestFindingsOfTheReader(t *testing.T) {
	digits := Finding{Code: CodeDigitsLost, Field: FieldPhone, Column: "Mobile", Reason: "digits are lost"}
	date := Finding{Code: CodeCellIsDate, Field: FieldSession, Column: "Session", Reason: "a date"}
	ragged := Finding{Code: CodeRagged, Reason: "a cell too many"}
	for name, test := range map[string]struct {
		row  Row
		want string
	}{
		"a phone, and no session": {Row{Faults: []Finding{digits}}, "digits_lost missing_session"},
		"both":                    {Row{Faults: []Finding{date, digits}}, "cell_is_date digits_lost"},
		"a session, and a bad address": {
			Row{Faults: []Finding{date}, Fields: Fields{Email: "nobody"}}, "cell_is_date bad_email",
		},
		"a phone, and a bad address": {
			Row{Faults: []Finding{digits}, Fields: Fields{Session: id(1), Email: "nobody"}}, "digits_lost bad_email",
		},
		"a phone, beside a good address": {
			Row{Faults: []Finding{digits}, Fields: Fields{Session: id(1), Email: mail(1)}}, "digits_lost",
		},
		"the whole row": {Row{Faults: []Finding{ragged}, Fields: Fields{Session: id(1)}}, "ragged_row"},
		"the whole row, and a session that is none": {
			Row{Faults: []Finding{ragged}, Fields: Fields{Session: "a b/c"}}, "bad_session ragged_row",
		},
	} {
		var got []string
		for _, f := range testDefaults.prepare(test.row).findings {
			got = append(got, f.Code)
		}
		if strings.Join(got, " ") != test.want {
			t.Errorf("%s: %v, want %s", name, got, test.want)
		}
	}
}

// The check counts what else was found, the report names all, and both say in which column.
func TestFindingsAreTold(t *testing.T) {
	file := sheet(
		Row{Fields: Fields{Session: "a b/c", Phone: "+12", Email: "nobody"}},
		Row{Fields: Fields{Session: id(2), Phone: "+12"}},
		Row{Fields: Fields{Session: id(3), Phone: "+12", Email: "nobody"}},
		byMail(4),
	)
	file.mapped = []Mapping{{FieldSession, "Session"}, {FieldPhone, "Mobile"}, {FieldEmail, "Mail"}}
	plan := checked(t, file)
	var sink collected
	tally, err := Report(t.Context(), plan, 0, file, Finding{}, &sink)
	if err != nil {
		t.Fatal(err)
	}
	for name, tally := range map[string]Tally{"check": plan.Total, "report": tally} {
		var got []string
		for _, g := range slices.Concat(tally.Groups, tally.Further) {
			if g.Status == Rejected {
				got = append(got, fmt.Sprintf("%d %s: %.10s", g.Rows, g.Code, g.Places[0].Reason))
			}
		}
		want := []string{"1 bad_session: the sessio", "1 bad_phone: the number", "1 bad_email: the e-mail", "1 bad_email: the e-mail", "2 bad_phone: the number"}
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	out := sink.outcomes[0]
	for i, want := range []Finding{{Code: CodeBadSession, Field: FieldSession, Column: "Session"}, {Code: CodeBadEmail, Field: FieldEmail, Column: "Mail"}, {Code: CodeBadPhone, Field: FieldPhone, Column: "Mobile"}} {
		if i >= len(out.Findings) {
			t.Fatalf("only %v", out.Findings)
		}
		got := out.Findings[i]
		if !strings.Contains(out.Reason, got.Reason) {
			t.Errorf("%q does not say %q", out.Reason, got.Reason)
		}
		if got.Reason = ""; got != want {
			t.Errorf("finding %d is %+v, want %+v", i, got, want)
		}
	}
}
