package reader

import (
	"errors"
	"iter"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hppsend/pipeline"
)

// rowsOf gives rows in which a header may be, one a string, cells separated by |.
func rowsOf(rows ...string) iter.Seq2[candidate, error] {
	return func(yield func(candidate, error) bool) {
		for i, r := range rows {
			if !yield(candidate{row: i + 1, line: i + 1, names: strings.Split(r, "|")}, nil) {
				return
			}
		}
	}
}

// mapped writes what a header was taken for.
func mapped(h header) string {
	var b strings.Builder
	for _, c := range h.fields {
		b.WriteString(c.field + "=" + letters(c.at) + " ")
	}
	return strings.TrimSpace(b.String())
}

func TestHeaderLanguages(t *testing.T) {
	const all = "session_id=A method=B phone=C phone_country=D email=E"
	tests := map[string]string{
		"canonical":          "session_id|method|phone|phone_country|email",
		"case and spaces":    " SESSION ID |Method|PHONE|Phone-Country|E_Mail",
		"no word breaks":     "SessionId|METHOD|PhoneNumber|PhoneCountryCode|EmailAddress",
		"English":            "Klarna session ID|Channel|Mobile number|Country|E-mail address",
		"German":             "Sitzungs-ID|Versandart|Handynummer|Länderkürzel|E-Mail-Adresse",
		"German, no dots":    "Sitzungsnummer|Kanal|Rufnummer|Landerkurzel|E-Mail",
		"Swedish":            "Sessions-ID|Kontaktmetod|Mobilnummer|Landskod|E-postadress",
		"Norwegian":          "Økt-ID|Metode|Tlf.|Landkode|E-postadresse",
		"Norwegian, plain":   "Okt-id|Metode|Mobiltlf|Land|Epost",
		"Danish":             "Sessionsnr.|Metode|Mobiltelefon|Landekode|E-mailadresse",
		"Finnish":            "Istunnon tunnus|Lähetystapa|Puhelinnumero|Maakoodi|Sähköpostiosoite",
		"Dutch":              "Sessie-ID|Verzendmethode|Mobiel nummer|Landcode|E-mailadres",
		"French":             "Identifiant de session|Méthode d’envoi|N° de téléphone|Code pays|Adresse e-mail",
		"French, decomposed": "Nume\u0301ro de session|Me\u0301thode|Te\u0301le\u0301phone|Pays|Courriel",
		"Spanish":            "ID de sesión|Método|Teléfono móvil|País|Correo electrónico",
		"Italian":            "ID sessione|Metodo|Cellulare|Paese|Indirizzo e-mail",
		"Polish":             "ID sesji|Kanał|Numer telefonu|Kraj|Adres e-mail",
		"Portuguese":         "ID da sessão|Método|Telemóvel|Código do país|Endereço de e-mail",
	}
	for name, row := range tests {
		t.Run(name, func(t *testing.T) {
			h, _, err := (finder{options: Options{}}).find(pipeline.Place{File: "f.csv"}, rowsOf(row))
			if err != nil {
				t.Fatal(err)
			}
			if got := mapped(h); got != all {
				t.Errorf("got %s", got)
			}
		})
	}
}

// TestHeadersOfExports has the headers as programs that hold customers write them.
func TestHeadersOfExports(t *testing.T) {
	for name, tc := range map[string]struct{ row, want string }{
		"Google Contacts":         {"Name|E-mail 1 - Type|E-mail 1 - Value|E-mail 2 - Value|Phone 1 - Type|Phone 1 - Value|Phone 2 - Value|session_id", "session_id=H phone=F email=C"},
		"WooCommerce":             {"Order Number|Billing First Name|Billing Email|Billing Phone|Billing Country|Shipping Phone|Session ID", "session_id=G phone=D email=C"},
		"WooCommerce, the table":  {"order_id|billing_email|billing_phone|session_id", "session_id=D phone=C email=B"},
		"Shopify, orders":         {"Name|Email|Financial Status|Billing Phone|Billing Country|Session ID", "session_id=F phone=D email=B"},
		"Salesforce, a report":    {"Full Name|Contact: Email|Contact: Mobile|Session", "session_id=D phone=C email=B"},
		"Salesforce, Data Loader": {"ID|NAME|MOBILEPHONE|EMAIL|SESSION_ID__C|SESSION_ID", "session_id=F phone=C email=D"},
		"Salesforce, persons":     {"PersonEmail|PersonMobilePhone|session_id", "session_id=C phone=B email=A"},
		"HubSpot":                 {"Record ID|First Name|Email|Mobile Phone Number|Session ID", "session_id=E phone=D email=C"},
		"Mailchimp":               {"Email Address|First Name|SMS Phone Number|Session ID", "session_id=D phone=C email=A"},
		"Outlook":                 {"First Name|E-mail Address|Mobile Phone|Home Phone|session_id", "session_id=E phone=C email=B"},
	} {
		h, _, err := (finder{options: Options{}}).find(pipeline.Place{File: "f.csv"}, rowsOf(tc.row))
		if err != nil || mapped(h) != tc.want {
			t.Errorf("%s: %s, %v; want %s", name, mapped(h), err, tc.want)
		}
	}
	for _, row := range []string{"Email|Billing Email|session_id", "Phone|Billing Phone|session_id|Email", "Phone Number|Mobile Phone Number|Email|session_id"} {
		if h, _, err := (finder{options: Options{}}).find(pipeline.Place{File: "f.csv"}, rowsOf(row)); err == nil || !strings.Contains(err.Error(), "two columns could be") {
			t.Errorf("%s: %s, %v", row, mapped(h), err)
		}
	}
}

// A synonym that stands for two fields would depend on chance.
func TestSynonymsAreUnique(t *testing.T) {
	of := map[string]string{}
	for field, names := range synonyms {
		for _, n := range names {
			key := fold(n)
			if key == "" || of[key] != "" && of[key] != field {
				t.Errorf("%q is for %s and for %s", n, field, of[key])
			}
			of[key] = field
		}
	}
	for _, n := range reportColumns {
		if of[fold(n)] != "" {
			t.Errorf("%q of a report is taken for %s", n, of[fold(n)])
		}
	}
}

func TestHeaderLeavesOtherColumns(t *testing.T) {
	for _, name := range []string{
		"Order ID", "id", "Reference", "Customer e-mail status", "Email opt-in", "Phone verified", "Session date",
		"Session status", "URL", "Payment method", "Zahlungsart", "Status", "Billing country", "", "***", "Phone 2",
	} {
		h, _, err := (finder{options: Options{AnyOptOut: true}}).find(pipeline.Place{}, rowsOf("session_id|"+name+"|phone"))
		if err != nil {
			t.Errorf("%q: %v", name, err)
		} else if got := mapped(h); got != "session_id=A phone=C" {
			t.Errorf("%q: %s", name, got)
		}
	}
}

func TestFindHeader(t *testing.T) {
	tests := []struct {
		name    string
		opt     Options
		rows    []string
		row     int
		fields  string
		skipped int
	}{
		{"titles above", Options{}, []string{"Reminders, May", "", "made by finance|2026", "Session|Phone"}, 4, "session_id=A phone=B", 2},
		{"the row is named", Options{HeaderRow: 2}, []string{"Session|Phone", "Session|Email"}, 2, "session_id=A email=B", 0},
		{"columns are named", Options{Map: map[string]string{"session_id": "Ref", "phone": "Nummer"}}, []string{"x|y|z", "Ref|a|Nummer"}, 2, "session_id=A phone=C", 1},
		{"named in another case", Options{Map: map[string]string{"phone": "MY-PHONE"}}, []string{"session|my phone"}, 1, "session_id=A phone=B", 0},
		{"named as written first", Options{Map: map[string]string{"phone": "Mobile"}}, []string{"session|mobile|Mobile"}, 1, "session_id=A phone=C", 0},
		{"named ends a doubt", Options{Map: map[string]string{"phone": "Mobile"}}, []string{"session|phone|Mobile"}, 1, "session_id=A phone=C", 0},
		{"left out on purpose", Options{Map: map[string]string{"phone": ""}}, []string{"session|phone|mobile|mail"}, 1, "session_id=A email=D", 0},
		{"named for another field", Options{Map: map[string]string{"email": "Kontakt", "phone_country": "Land"}}, []string{"session|Kontakt|Land|country"}, 1, "session_id=A phone_country=C email=B", 0},
		{"a link instead of an id", Options{}, []string{"distribution_url|email"}, 1, "distribution_url=A email=B", 0},
		{"unnamed and repeated columns of others", Options{}, []string{"a||a|session|phone||"}, 1, "session_id=D phone=E", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h, found, err := (finder{options: tt.opt}).find(pipeline.Place{}, rowsOf(tt.rows...))
			if err != nil || !found {
				t.Fatal(found, err)
			}
			if h.row != tt.row || mapped(h) != tt.fields || h.skipped != tt.skipped {
				t.Errorf("row %d, %s, %d passed over", h.row, mapped(h), h.skipped)
			}
		})
	}
}

func TestHeaderRefused(t *testing.T) {
	tests := []struct {
		name    string
		opt     Options
		rows    []string
		problem string
		todo    string
	}{
		{
			"two candidates",
			Options{},
			[]string{"Session|Phone|Mobile"},
			`f.csv, row 1: two columns could be phone: "Phone" (B) and "Mobile" (C)`,
			`say which one it is: --map phone="Phone" or --map phone="Mobile"`,
		},
		{
			"twice the same",
			Options{},
			[]string{"Session|Phone|Phone"},
			`f.csv, row 1: two columns could be phone: "Phone" (B) and "Phone" (C)`,
			"give each column a name of its own, or remove one",
		},
		{
			"named column not there",
			Options{Map: map[string]string{"phone": "Fon"}},
			[]string{"Session|Phone|Mail"},
			`f.csv, row 1: there is no column "Fon", which --map names for phone`,
			`the columns are "Session", "Phone", "Mail"`,
		},
		{
			"named column twice",
			Options{Map: map[string]string{"phone": "P"}},
			[]string{"Session|P|P"},
			`f.csv, row 1: there are 2 columns "P", which --map names for phone`,
			`give each column a name of its own; the columns are "Session", "P", "P"`,
		},
		{
			"no session",
			Options{},
			[]string{"Order ID|Phone"},
			"f.csv, row 1: no column holds the session (session_id or distribution_url)",
			`name it with --map session_id="Column"; the columns are "Order ID", "Phone"`,
		},
		{
			"no contact",
			Options{},
			[]string{"", "Session|Name"},
			"f.csv, row 2: no column holds a contact (phone or email)",
			`name one with --map phone="Column" or --map email="Column"; the columns are "Session", "Name"`,
		},
		{
			"contact left out",
			Options{Map: map[string]string{"phone": ""}},
			[]string{"Session|Phone"},
			"f.csv, row 1: no column holds a contact (phone or email)",
			`name one with --map phone="Column" or --map email="Column"; the columns are "Session", "Phone"`,
		},
		{
			"nothing of ours",
			Options{},
			[]string{"a|b"},
			"f.csv: no header with our columns in the first 50 rows",
			`the header needs session_id or distribution_url, and phone or email; name other columns with --map, ` +
				`such as --map session_id="Column", and its row with --header-row; the columns are "a", "b"`,
		},
		{
			"data is not shown",
			Options{},
			[]string{"0aa|ann@example.com|+46701740605"},
			"f.csv: no header with our columns in the first 50 rows",
			`the header needs session_id or distribution_url, and phone or email; name other columns with --map, ` +
				`such as --map session_id="Column", and its row with --header-row`,
		},
		{
			"the row named is another",
			Options{HeaderRow: 2},
			[]string{"Session|Phone", "x|y"},
			"f.csv, row 2: the row is not a header with our columns",
			`the header needs session_id or distribution_url, and phone or email; name other columns with --map, ` +
				`such as --map session_id="Column", and its row with --header-row; the columns are "x", "y"`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := (finder{options: tt.opt}).find(pipeline.Place{File: "f.csv"}, rowsOf(tt.rows...))
			var e *pipeline.Error
			if !errors.As(err, &e) {
				t.Fatalf("got %v", err)
			}
			if d := cmp.Diff([]string{tt.problem, tt.todo}, []string{e.Error(), e.Hint()}); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestDelimiter(t *testing.T) {
	const ids = "1aaa;ann@example.com\n"
	tests := []struct {
		name, in string
		opt      Options
		want     rune
	}{
		{"comma", "session_id,phone\na,1\n", Options{}, ','},
		{"semicolon", "session_id;phone\na;1\n", Options{}, ';'},
		{"tab", "session_id\tphone\na\t1\n", Options{}, '\t'},
		{"pipe", "session_id|phone\na|1\n", Options{}, '|'},
		{"caret", "session_id^phone\na^1\n", Options{}, '^'},
		{"sep line", "sep=|\nsession_id|phone\n", Options{}, '|'},
		{"sep line with CRLF", "SEP=;\r\nsession_id;phone\r\n", Options{}, ';'},
		{"sep line with CR", "sep=;\rsession_id;phone\r", Options{}, ';'},
		{"a sep line of more than a character", "sep=§\nsession_id;phone\n", Options{}, ';'},
		{"given", "a;b,c;d\n", Options{Delimiter: ';'}, ';'},
		{"decimal commas everywhere", "session_id;phone;sum\na;1;1,50\nb;2;2,50\n", Options{}, ';'},
		{"commas in quotes", "session_id;phone;x\na;1;\"a,b,c\"\nb;2;\"a,b,c\"\n", Options{}, ';'},
		{"the header decides against a steadier count", "session_id;phone;a,b,c\n1;2\n3;4;5;6,,\n", Options{}, ';'},
		{"steadiest without a header", "x;y,z\n" + ids + ids + ids, Options{}, ';'},
		{"a title above", "Reminders, May, all\nsession_id;phone\na;1\n", Options{}, ';'},
		{"one column", "session_id\na\nb\n", Options{}, 0},
		{"prose", "Dear all\nsee below\n", Options{}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			st, _ := (finder{options: tt.opt}).style(tt.in)
			if rune(st.comma) != tt.want {
				t.Errorf("got %q", st.comma)
			}
		})
	}
}

// What one broken row suggests must not change how the sound ones are read.
func TestStyle(t *testing.T) {
	const head = "session_id,name,phone,email\n"
	rows := func(cells ...string) string { return strings.Join(cells, "\n") + "\n" }
	sound := rows("a1,'q',1,x", "a2,Bo,1,x", "a3,Cy,1,x")
	path := rows(`a1,\\host\ann,1,x`, `a2,\\host\bo,1,x`, "a3,Cy,1,x")
	tests := []struct {
		name, in string
		want     style
	}{
		{"a stray quote and a cell in single ones", head + sound + rows(`a4,"Di,1,x`), style{',', '"', false}},
		{"two stray quotes and two cells in single ones", head + sound + sound + rows(`a4,"Di,1,x`, `a5,"Ed,1,x`), style{',', '"', false}},
		{"one row that single quotes would mend", head + sound + rows("a4,'Doe, Di',1,x"), style{',', '"', false}},
		{"a quote inside cells", head + sound + rows(`a4,24" 'q',1,x`, `a5,24" 'q',1,x`), style{',', '"', false}},
		{"two of them", head + sound + rows("a4,'Doe, Di',1,x", "a5,'Doe, Ed',1,x"), style{',', '\'', false}},
		{"a quoted header", "'session_id','name','phone','email'\n" + rows("'a1','Ann','1','x'"), style{',', '\'', false}},
		{"two, but another cell is in double quotes", head + rows(`a1,"Doe, Ann",1,x`, "a4,'Doe, Di',1,x", "a5,'Doe, Ed',1,x"), style{',', '"', false}},
		{"backslashes before quotes, and no quoted cell", head + rows(`a1,24\" disc,1,x`, `a2,12\" disc,1,x`, `a3,7\" disc,1,x`), style{',', '"', false}},
		{"and one broken row", head + rows(`a1,24\" disc,1,x`, `a2,12\" disc,1,x`, `a3,"7\" disc,1,x`), style{',', '"', false}},
		{"in tabs", strings.ReplaceAll(head+rows(`a1,24\" disc,1,x`, `a2,12\" disc,1,x`, `a3,a "b,1,x`), ",", "\t"), style{'\t', '"', false}},
		{"one delimiter behind a path", head + path + rows(`a4,C:\,5,1,x`), style{',', '"', false}},
		{"escaped delimiters", head + rows(`a1,Doe\, Ann,1,x`, `a2,Doe\, Bo,1,x`, "a3,Cy,1,x"), style{',', '"', true}},
		{"escaped quotes", head + rows(`a1,"24\" disc, new",1,x`, `a2,"12\" disc, old",1,x`, "a3,Cy,1,x"), style{',', '"', true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if st, _ := (finder{}).style(tt.in); st != tt.want {
				t.Errorf("got %q %q %t", st.comma, st.quote, st.escapes)
			}
		})
	}
}
