package reader

import (
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"hppsend/pipeline"
)

// TestWishesInHeaders has headers as programs and people write them, in twelve languages.
func TestWishesInHeaders(t *testing.T) {
	for _, group := range []struct {
		want  meaning
		names string
	}{
		{optOut, `Unsubscribed|unsubscribed_at|Unsubscribe date|Unsubscribed from all email|Email Opt Out|HasOptedOutOfEmail|Email_Opt_Out__c|Opted out|opt-out|SMS OPTOUT|
			Do Not Call|DoNotCall|do_not_contact|Do not e-mail|DNC|DNC flag|UNSUB_TIME|No marketing|Blacklisted|Consent withdrawn|consent_revoked|No consent|GDPR delete request|
			Abgemeldet|Abgemeldet am|Newsletter-Abmeldung|Werbesperre|Kontaktsperre|Nicht anrufen|Keine Werbung|Einwilligung widerrufen|Ohne Einwilligung|
			Avregistrerad|Avanmäld|Avprenumererad|Ring inte|NIX|NIX-registrerad|Reklamspärr|Samtycke återkallat|Inget samtycke|
			Avmeldt|Ikke ring|Reservert mot markedsføring|Samtykke trukket tilbake|Afmeldt|Frameldt|Ring ikke|Robinson|
			Markkinointikielto|Älä soita|Suostumus peruutettu|Ei suostumusta|
			Uitgeschreven|Afgemeld|Niet bellen|Geen toestemming|
			Désinscrit|Désinscription|Désabonné|Ne pas appeler|Ne pas contacter|Consentement retiré|Bloctel|
			Dado de baja|Baja|No llamar|No contactar|Lista Robinson|Consentimiento revocado|
			Disiscritto|Non contattare|Non chiamare|Consenso revocato|
			Wypisany|Nie dzwonić|Nie kontaktować się|Sprzeciw|Zgoda wycofana|Brak zgody na kontakt - sprzeciw|
			Descadastrado|Não ligar|Não contactar|Consentimento revogado`},
		{consent, `consent|Consent date|Newsletter consent|Marketing permission|Marketing consent|Accepts Marketing|Accepts SMS Marketing|accepts_email_marketing|GDPR|GDPR consent|
			Email opt-in|OPTIN_TIME|OptIn|Double opt-in|SMS opt in|Opted In|Subscribed|Newsletter|
			Einwilligung|Werbeeinwilligung|DSGVO-Einwilligung|DSGVO|Werbeerlaubnis|Einverständnis|
			Samtycke|Samtycke till utskick|Godkänner marknadsföring|Nyhetsbrev|Samtykke|Samtykke til markedsføring|Markedsføringstilladelse|Nyhedsbrev|
			Suostumus|Markkinointilupa|Uutiskirje|Toestemming|Toestemming nieuwsbrief|Nieuwsbrief|
			Consentement|Consentement RGPD|RGPD|Consentimiento|Acepta publicidad|Consenso|Consenso marketing|
			Zgoda|Zgoda na marketing|RODO|Consentimento|LGPD|Aceita marketing`},
		{unsaid, `Name|Order ID|Subscription|Subscription ID|Subscriptions|Option|Options|Opted|Customer status|Status|Phone verified|Call|Calls|Contact|Contact person|Do|
			Customer e-mail status|Unsubscribe URL|unsubscribe_link|Adopting|Shipping options|Note|Notes|Marketing channel|Campaign|Amount|Currency|Call before delivery|
			Permission set id|Laptop outlet|Date|Country|Locale|Language|Consignment|Consignee|Concept|Phone 1 - Type|E-mail 2 - Value|Financial Status|Record ID|
			First Name|Last Name|MEMBER_RATING|LEID|EUID|Notes|Tags|hpp_status|hpp_reason|hpp_note|session_id|method|Versandart|Zahlungsart|Anmeldedatum|Kundennummer|
			Reservert antall|Average|AVG|Bajada|Bajas|Zgodność|Rodowód|Sanktion|***|`},
	} {
		for _, name := range strings.Split(group.names, "|") {
			name = strings.TrimSpace(name)
			if got := wishOf(name); got != group.want {
				t.Errorf("%q is taken for %d, want %d", name, got, group.want)
			}
		}
	}
}

// TestNoHeaderOfOursIsAWish holds the words against every synonym of a field of ours, every column of a report, and
// every header of the inputs that the reader is tested with.
func TestNoHeaderOfOursIsAWish(t *testing.T) {
	for field, names := range synonyms {
		for _, n := range names {
			if wishOf(n) != unsaid {
				t.Errorf("%q, which is %s, is taken for a wish", n, field)
			}
		}
	}
	for _, n := range reportColumns {
		if wishOf(n) != unsaid {
			t.Errorf("%q of a report is taken for a wish", n)
		}
	}
	files, err := filepath.Glob("../testdata/inputs/*.csv")
	if err != nil || len(files) < 20 {
		t.Fatal(len(files), err)
	}
	files = append(files, "../testdata/campaign.csv")
	for _, file := range files {
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		r := csv.NewReader(f)
		r.LazyQuotes, r.FieldsPerRecord = true, -1
		for range 5 {
			names, err := r.Read()
			if err != nil {
				break
			}
			for _, n := range names {
				for _, n := range strings.Split(n, ";") {
					if wishOf(n) != unsaid {
						t.Errorf("%s: %q is taken for a wish", file, n)
					}
				}
			}
		}
		f.Close()
	}
}

// TestWishesInCells says what each cell means under either kind of header.
func TestWishesInCells(t *testing.T) {
	for _, group := range []struct {
		cells           string
		optOut, consent string // the row: out, in, or ? where nobody knows
	}{
		{"yes|Yes|Y|TRUE|true|t|1|1.0|x|X|✓|☑|Ja|JA|ja |j|WAHR|sant|sann|sand|kyllä|TOSI|oui|Vrai|Sí|si|VERDADERO|sì|vero|tak|PRAWDA|sim|verdadeiro|waar|'1|on", "out", "in"},
		{"no|No|N|FALSE|f|0|0.0|✗|☐|Nein|falsch|nej|FALSKT|nei|usann|ei|epätosi|non|faux|falso|nie|fałsz|não|nee|onwaar|off", "in", "out"},
		{"| |\u00a0|-|–|NULL|null|0000-00-00|0000-00-00 00:00:00", "in", "out"},
		{"2026-05-01|2026-05-01T10:00:00Z|2026-05-01 10:00|2026-05-01 10:00:00.123 +0200|01.05.2026|1/5/2026|5/1/26|01-05-2026 10:00|20260501|May 1, 2026|1 May 2026|5/1/2026 10:00 AM", "out", "in"},
		{"unsubscribed|Opted Out|opt-out|withdrawn|revoked|DO NOT CALL|Never subscribed|abgemeldet|Widerrufen|avregistrerad|Avanmäld|avmeldt|afmeldt|peruutettu|uitgeschreven|Désinscrit|désabonnée|baja|dado de baja|disiscritto|wypisana|Descadastrado|pending", "out", "out"},
		{"subscribed|Opted In|opt-in|granted|Confirmed|zugestimmt|erteilt|samtyckt|påmeldt|tilmeldt|annettu|akkoord|inscrit|abonnée|suscrito|iscritta|zapisany|udzielona|aceito", "in", "in"},
		{"maybe|2|7|1714557600|45000.5|yes?|yes no|no (see note)|ask her|N/A|#N/A|weekly|anna@example.com|+46701740605|32.13.2026 x|" + strings.Repeat("x", 100), "?", "?"},
	} {
		for _, cell := range strings.Split(group.cells, "|") {
			for header, want := range map[meaning]string{optOut: group.optOut, consent: group.consent} {
				got := "?"
				if out, known := header.optedOut(said(cell)); known {
					got = map[bool]string{true: "out", false: "in"}[out]
				}
				if got != want {
					t.Errorf("%q under a header of kind %d: %s, want %s", cell, header, got, want)
				}
			}
		}
	}
}

// A word that meant two things would depend on chance.
func TestWishesAreUnique(t *testing.T) {
	of := map[string]meaning{}
	for means, text := range wishWords {
		for _, w := range foldAll(text) {
			if was, ok := of[w]; w == "" || ok && was != means {
				t.Errorf("%q means %d and %d", w, means, was)
			}
			of[w] = means
		}
	}
	if len(of) < 150 {
		t.Errorf("%d words", len(of))
	}
}

// optOuts reads a file, and gives which rows have opted out, by their numbers.
func optOuts(t *testing.T, path string, opt Options) (string, pipeline.Input, error) {
	t.Helper()
	f, err := Open(path, opt)
	if err != nil {
		return "", pipeline.Input{}, err
	}
	defer f.Close()
	var out []string
	for row, err := range pipeline.Rows(f) {
		if err != nil {
			return "", f.Input(), err
		}
		if row.OptedOut != "" {
			out = append(out, fmt.Sprintf("%d %s", row.Row, row.OptedOut))
		}
	}
	return strings.Join(out, ", "), f.Input(), nil
}

const wishTable = `session_id,phone,Email Opt Out,Consent
a1,+46701740601,,yes
a2,+46701740602,x,yes
a3,+46701740603,no,no
a4,+46701740604,2026-05-01,
a5,+46701740605,0,1
`

func TestOptOutColumns(t *testing.T) {
	path := listFile(t, "in.csv", wishTable)
	tests := []struct {
		why         string
		holds, not  []string
		want, error string
	}{
		{"nothing is said", nil, nil, "", `row 1, column "Email Opt Out": this column, and "Consent", seem to say who is not to be messaged`},
		{"of one nothing is said", []string{"Email Opt Out"}, nil, "", `column "Consent": this column seems to say who is not to be messaged`},
		{"both hold", []string{"email-opt-out", "Consent"}, nil, "3 Email Opt Out, 4 Consent, 5 Email Opt Out", ""},
		{"one holds", []string{"Email Opt Out"}, []string{"consent"}, "3 Email Opt Out, 5 Email Opt Out", ""},
		{"the other", []string{"Consent"}, []string{"Email Opt Out"}, "4 Consent, 5 Consent", ""},
		{"neither", nil, []string{"Consent", "Email Opt Out"}, "", ""},
		{"a column that is not there", []string{"Consent", "Email Opt Out", "Gone"}, nil, "", `there is no column "Gone", which --opt-out names`},
		{"another", nil, []string{"Consent", "Email Opt Out", "Gone"}, "", `there is no column "Gone", which --no-opt-out names`},
		{"both are said", []string{"Consent", "Email Opt Out"}, []string{"Consent"}, "", "name the same column"},
		{"the phone", []string{"Consent", "Email Opt Out", "phone"}, nil, "", "read for something else"},
	}
	for _, tc := range tests {
		got, in, err := optOuts(t, path, Options{OptOut: tc.holds, NoOptOut: tc.not})
		if tc.error != "" {
			if !errors.Is(err, pipeline.BadInput) || !strings.Contains(err.Error(), tc.error) || pipeline.Hint(err) == "" {
				t.Errorf("%s: %v", tc.why, err)
			}
			continue
		}
		if err != nil || got != tc.want || len(in.OptOut) != len(tc.holds) {
			t.Errorf("%s: %q, %v, %v; want %q", tc.why, got, in.OptOut, err, tc.want)
		}
	}
	if got, _, err := optOuts(t, path, Options{AnyOptOut: true}); err != nil || got != "" {
		t.Errorf("of a file that is only reported on: %q, %v", got, err)
	}
	// A column that nobody knows.
	path = listFile(t, "in.csv", "session_id,email,Stop\na1,anna@example.com,ja\na2,bo@example.com,\n")
	if got, _, err := optOuts(t, path, Options{OptOut: []string{"Stop"}}); err != nil || got != "2 Stop" {
		t.Errorf("%q, %v", got, err)
	}
	// Two of one name.
	path = listFile(t, "in.csv", "session_id,email,DNC,dnc\na1,anna@example.com,,1\na2,bo@example.com,1,\na3,c@example.com,,\n")
	if got, _, err := optOuts(t, path, Options{OptOut: []string{"Dnc"}}); err != nil || got != "2 dnc, 3 DNC" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestUnclearOptOuts(t *testing.T) {
	path := listFile(t, "in.csv", "session_id,email,DNC\na1,anna@example.com,maybe\na2,bo@example.com,1\na3,c@example.com,070-1740605\n,,3\n")
	_, _, err := optOuts(t, path, Options{OptOut: []string{"DNC"}})
	if !errors.Is(err, pipeline.BadInput) {
		t.Fatal(err)
	}
	for _, want := range []string{`row 2, column "DNC"`, `row 4, column "DNC"`, "opted out: 2"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("it says %v, not %s", err, want)
		}
	}
	for _, never := range []string{"row 3", "row 5", "1740605", "maybe"} {
		if strings.Contains(err.Error(), never) {
			t.Errorf("it says %v", err)
		}
	}
}

func TestOptOutsInBooks(t *testing.T) {
	f := excelize.NewFile()
	defer f.Close()
	date, err := f.NewStyle(&excelize.Style{NumFmt: 14})
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range []any{true, false, 1, 0, "yes", nil, 46143} {
		row := i + 2
		f.SetSheetRow("Sheet1", fmt.Sprintf("A%d", row), &[]any{fmt.Sprintf("a%d", row), "+46701740605", v})
	}
	f.SetSheetRow("Sheet1", "A1", &[]any{"session_id", "phone", "Unsubscribed"})
	f.SetCellStyle("Sheet1", "C8", "C8", date)
	path := filepath.Join(t.TempDir(), "in.xlsx")
	if err := f.SaveAs(path); err != nil {
		t.Fatal(err)
	}
	opt := Options{OptOut: []string{"Unsubscribed"}}
	if got, _, err := optOuts(t, path, opt); err != nil || got != "2 Unsubscribed, 4 Unsubscribed, 6 Unsubscribed, 8 Unsubscribed" {
		t.Errorf("%q, %v", got, err)
	}
	if _, _, err := optOuts(t, path, Options{}); !errors.Is(err, pipeline.BadInput) || !strings.Contains(pipeline.Hint(err), `--opt-out "Unsubscribed"`) {
		t.Errorf("%v, %s", err, pipeline.Hint(err))
	}
	for why, change := range map[string]func() error{
		"a number that is no date":     func() error { return f.SetCellInt("Sheet1", "C3", 46143) },
		"an error":                     func() error { return f.SetCellFormula("Sheet1", "C3", "NA()") },
		"merged with the row above it": func() error { return f.MergeCell("Sheet1", "C2", "C3") },
	} {
		if err := change(); err != nil {
			t.Fatal(err)
		}
		other := filepath.Join(t.TempDir(), "in.xlsx")
		if err := f.SaveAs(other); err != nil {
			t.Fatal(err)
		}
		if _, _, err := optOuts(t, other, opt); !errors.Is(err, pipeline.BadInput) || !strings.Contains(err.Error(), "row 3") && !strings.Contains(err.Error(), "merged") {
			t.Errorf("%s: %v", why, err)
		}
	}
	// What was typed into a cell counts.
	mended := opt
	mended.Mends = []Mend{{Sheet: "Sheet1", Row: 2, Column: 2, Text: "no"}, {Sheet: "Sheet1", Row: 3, Column: 2, Text: "yes"}}
	if got, _, err := optOuts(t, path, mended); err != nil || !strings.HasPrefix(got, "3 Unsubscribed, 4") {
		t.Errorf("%q, %v", got, err)
	}
}

// TestColumnsBeside reads the contacts that are not sent to: --map leaves them out, or names another column.
func TestColumnsBeside(t *testing.T) {
	const table = "session_id,phone,mobile,email,name\na1,0701740601,,anna@example.com,Ann\na2,,0701740602,bo@example.com,Bo\n"
	for _, tc := range []struct {
		why   string
		of    map[string]string
		want  string
		phone string
	}{
		{"left out", map[string]string{"phone": ""}, "2 phone 0701740601, 3 phone 0701740602", ""},
		{"another is named", map[string]string{"phone": "mobile"}, "2 phone 0701740601", "0701740602"},
		{"the address is left out", map[string]string{"phone": "phone", "email": ""}, "2 email anna@example.com, 3 phone 0701740602, 3 email bo@example.com", "0701740601"},
	} {
		for name, path := range map[string]string{
			"csv": listFile(t, "in.csv", table), "xlsx": bookOf(t, strings.Split(strings.ReplaceAll(strings.TrimSpace(table), ",", "|"), "\n")),
		} {
			f, err := Open(path, Options{Map: tc.of})
			if err != nil {
				t.Errorf("%s, %s: %v", tc.why, name, err)
				continue
			}
			var got []string
			phone := ""
			for row, err := range pipeline.Rows(f) {
				if err != nil {
					t.Fatal(err)
				}
				for _, c := range row.Also {
					got = append(got, fmt.Sprint(row.Row, " ", c.Field, " ", c.Text))
				}
				phone += row.Fields.Phone
			}
			if all := strings.Join(got, ", "); all != tc.want || phone != tc.phone || len(f.Input().Also) == 0 {
				t.Errorf("%s, %s: %q, sent to %q, of %v", tc.why, name, all, phone, f.Input().Also)
			}
			f.Close()
		}
	}
}
