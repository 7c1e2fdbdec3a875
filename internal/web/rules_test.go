package web_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hppsend/internal/campaign"
	"hppsend/internal/desk"
	"hppsend/internal/web"
	"hppsend/pipeline"
)

// sendAlone sends an upload as somebody who needs nobody else, and waits for its end.
func (c *client) sendAlone(id string) {
	c.t.Helper()
	c.get("/uploads/" + id + "/preview").form("form.ask").submit("Send").is(303)
	c.until(id, "done")
}

// in is the browser of the same person, who reads another language.
func (c *client) in(language string) *client {
	other := c.another()
	other.with.Set("Accept-Language", language)
	return other
}

// alone has one person who sends, by some rules.
func alone(rules func(*campaign.Options)) plan {
	return plan{approvers: desk.Approvers{}, web: func(c *web.Config) { c.Notice = "" }, desk: func(c *desk.Config) {
		for i := range c.Accounts {
			c.Accounts[i].Options.Send.Wait = true
			rules(&c.Accounts[i].Options)
		}
	}}
}

// TestRules takes a list through all rules: the preview names each with what it holds back, in three languages, and so does
// the page of approval; what is left is sent, and the rows say what became of the others.
func TestRules(t *testing.T) {
	t.Parallel()
	configured := filepath.Join(t.TempDir(), "blocked.txt")
	if err := os.WriteFile(configured, []byte("block@example.com\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	h := alone(func(o *campaign.Options) {
		o.Fallback = true
		o.Suppress = campaign.Lists{Paths: []string{configured}, Country: "SE"}
		o.Restraints = campaign.Restraints{
			Cooldown: 7 * 24 * time.Hour, PerContact: string(pipeline.FirstSession), Zone: "Europe/Stockholm", Home: "Europe/Stockholm", SessionLife: 48 * time.Hour, SessionFrom: time.Now(), BySoonest: true,
			Allowances: []pipeline.Allowance{{Messages: 5000, Per: pipeline.Day}, {Messages: 1000, Per: pipeline.Hour, Method: pipeline.SMS}, {Messages: 9000, Per: pipeline.Week}},
			Preflight:  pipeline.Preflight{Age: 90 * time.Minute},
			Holidays:   &pipeline.Holidays{National: true, Dates: []pipeline.HolidayDate{{Year: 1999, Month: 12, Day: 31}}},
		}
		if err := o.Restraints.Hours.UnmarshalText([]byte("daily 00:00-23:59")); err != nil {
			t.Error(err)
		}
		o.Restraints.Holidays.National = false // today may be one
	}).open(t)
	ada := h.person("Ada", all...)
	first, _ := ada.bring("first.csv", "session_id,email\n"+session(1)+",cool@example.com\n")
	ada.get("/uploads/"+first+"/preview").says("Rules in force", "Cool-down 7 days since the last message of another campaign 0", "Columns that say who must not be messaged no rule 0")
	ada.sendAlone(first)
	ada.listed("optouts.csv", "contact\nanna@example.com\n+46 70-174 06 05\n")

	text := "session_id,phone,email,Unsubscribed\n"
	for i, row := range []string{
		",out@example.com,yes", "+46701740605,bo@example.com,", ",block@example.com,no", ",cool@example.com,", ",two@example.com,", ",two@example.com,", ",fine@example.com,",
	} {
		text += session(10+i) + "," + row + "\n"
	}
	id, p := ada.bring("rules.csv", text)
	path := "/uploads/" + id
	p = p.at("reading").says("The file has columns that seem to say who must not be messaged.", "The column Unsubscribed")
	ada.get(path + "/preview").is(303)
	f := p.form("form.reading")
	if f.value("wish.0") != "" || f.value("map.email") != "email" || f.value("map.session_id") != "session_id" {
		t.Errorf("it is shown as if somebody had said what it means, or what else was read is not: %v", f.fields(nil))
	}
	f.submit("go on").is(303).follow().at("reading").says("Say what each of them means.")
	p = f.set("wish.0", "else").submit("go on").is(303).follow().at("preview").says("5,000 messages a day")
	if got := p.text(); !strings.Contains(got, "Columns that say who must not be messaged no rule 0") {
		t.Errorf("it is taken for an opt-out: %s", p.gist())
	}
	f = p.click("Read").at("reading").form("form.reading")
	if f.value("wish.0") != "else" {
		t.Errorf("what was said is not shown again: %q", f.value("wish.0"))
	}
	p = f.set("wish.0", "out").submit("go on").is(303).follow().at("preview")
	english := []string{
		"Columns that say who must not be messaged Unsubscribed: who has opted out 1", "blocked.txt (1 contact, of the configuration)", "optouts.csv (2 contacts, since ", "by Ada) 2",
		"People with several sessions the first only 1", "Cool-down 7 days since the last message of another campaign 1", "5,000 messages a day", "SMS: 1,000 messages an hour",
		"9,000 messages a week", "Sending hours daily 00:00-23:59, where the recipient is", "Europe/Stockholm for those of whom that is not known", "Holidays 1 date of the configuration",
		"Rows that would go too late sessions expire 2 days after they were made", "the soonest to expire go first", "The other contact of a row is tried where Klarna refuses the first for what it is",
		"Row 3: the person is on the suppression list optouts.csv, line 3", "Row 4: the person is on the suppression list blocked.txt, line 1", "Row 2:", "Row 5:", "Row 7:",
		"Sessions are looked at before their calls at most 90 minutes before; what is paid, cancelled or expired is left out what is unclear waits",
		"to be sent 2", "the first message goes on", "The row itself says that the person has opted out.",
	}
	p.says(english...).hides("+46701740605", "anna@example.com")
	ada.in("sv").get(path+"/preview").says("Regler som gäller", "Unsubscribed: den som har avböjt 1", "optouts.csv (2 kontakter, sedan ", "av Ada) 2", "blocked.txt (1 kontakt, från konfigurationen)",
		"7 dagar sedan det senaste meddelandet i en annan kampanj 1", "5 000 meddelanden per dag", "bara den första 1", "Raden själv säger att personen har avböjt.")
	ada.in("de").get(path+"/preview").says("Geltende Regeln", "Unsubscribed: wer widersprochen hat 1", "optouts.csv (2 Kontakte, seit ", "von Ada) 2", "7 Tage seit der letzten Nachricht einer anderen Kampagne 1",
		"5.000 Nachrichten am Tag", "nur die erste 1")
	ada.sendAlone(id)
	ada.get(path + "/approval").is(200).says("Rules in force")
	p = ada.get(path + "/reading").is(200).says("The column Unsubscribed")
	if p.doc.Find("fieldset#wish[disabled] input[value=out][checked]").Length() != 1 {
		t.Errorf("what was said cannot be seen any more, or be changed: %s", p.gist())
	}
	p = ada.get(path+"/rows?status=skipped").says("opted_out", "suppressed", "same_contact", "cooling_down", "line 3", "A suppression list names the person")
	if n := p.doc.Find("tbody tr").Length(); n != 5 {
		t.Errorf("%d rows were skipped", n)
	}
	ada.in("sv").get(path + "/rows?status=skipped").says("En spärrlista har med personen")
	if sent := h.box.Stats().Sent; sent != 3 {
		t.Errorf("%d messages went out", sent)
	}
}

// TestOptOutColumns says of several columns what each means; one of the account's configuration holds whatever is said.
func TestOptOutColumns(t *testing.T) {
	t.Parallel()
	h := alone(func(o *campaign.Options) {
		o.OptOut, o.NoOptOut = []string{"Do not  call"}, []string{"Newsletter consent"}
	}).open(t)
	uma := h.person("Uma", desk.Uploader, desk.Approver)
	text := "session_id,email,DO NOT CALL,Marketing consent,Newsletter consent\n" +
		session(1) + ",a@example.com,yes,yes,no\n" + session(2) + ",b@example.com,,no,no\n" + session(3) + ",c@example.com,,yes,no\n"
	id, p := uma.bring("two.csv", text)
	path := "/uploads/" + id
	p = p.at("reading").says("The column Do not call says who must not be messaged: the configuration of the account has it so.", "The column Marketing consent", "The column Newsletter consent")
	if n := p.doc.Find("#wish input[type=radio]").Length(); n != 4 {
		t.Errorf("%d answers are offered", n)
	}
	p = p.form("form.reading").set("wish.0", "out").submit("go on").is(303).follow().at("preview")
	p.says("to be sent 1", "DO NOT CALL: who has opted out", "Marketing consent: who has not agreed", "messaged DO NOT CALL: who has opted out Marketing consent: who has not agreed 2")
	// a form that says of the configured column that it means something else is not believed
	uma.post(path+"/reading", "hidden", "refuse", "method", "auto", "prefer", "email", "wishes", "1",
		"wish", "Do not call", "wish.0", "else", "wish", "Marketing consent", "wish.1", "else").is(303)
	uma.get(path+"/preview").says("to be sent 2", "messaged DO NOT CALL: who has opted out 1")
	for _, bad := range []string{"nonsense", "0"} {
		uma.post(path+"/reading", "hidden", "refuse", "method", "auto", "prefer", "email", "wishes", "1", "wish", "x", "wish.0", bad).is(422).says("This is none of the choices.")
	}
	uma.post(path+"/reading", "hidden", "refuse", "method", "auto", "prefer", "email", "wishes", "1", "wish", " ", "wish.0", "out").is(422).says("This is none of the choices.")

	// cells of which nobody knows what they say are all told of
	text = "session_id,email,DO NOT CALL,Newsletter consent\n" + session(1) + ",a@example.com,perhaps,\n" + session(2) + ",b@example.com,,\n" + session(3) + ",c@example.com,who knows,\n"
	_, p = uma.bring("unclear.csv", text)
	p.at("reading").says("Row 2", "Row 4")
	if n := strings.Count(p.text(), "nobody here knows whether this says"); n != 2 {
		t.Errorf("of the cells %d are told of: %s", n, p.gist())
	}
}

// TestSuppressionLists brings, replaces and removes lists as an administrator of two accounts; what cannot be read is shown
// line by line, masked.
func TestSuppressionLists(t *testing.T) {
	t.Parallel()
	h := plan{accounts: []string{north, south}, desk: func(c *desk.Config) {
		c.Accounts[0].Options.Suppress = campaign.Lists{Country: "SE", Paths: []string{"/etc/hppsend/global.csv"}}
	}}.open(t)
	h.secret("0701740605", "nobody@example")
	ada := h.personIn("Ada", map[string][]desk.Role{north: {desk.Administrator}, south: {desk.Administrator}})
	uma := h.person("Uma", desk.Uploader)
	uma.get("/lists").is(403)
	uma.get("/").hides("/lists")
	p := ada.get("/").click("Suppression lists").is(200).says("global.csv", "of the configuration", "None yet.")
	bad := "contact\nanna@example.com\nnobody@example\n070\nMr Smith\n"
	p = p.form("form[action='/lists']").set("account", south).set("country", "Norway").file("file", "optouts.csv", bad).submit("Bring").is(422)
	p.says("3 lines of the list cannot be read", "Lines that cannot be read", "Row 3", "Row 4", "Row 5").hides("nobody@example", "Mr Smith")
	f := p.form("form[action='/lists']")
	if f.value("account") != south || f.value("country") != "Norway" {
		t.Errorf("what was typed is gone: %v", f.fields(nil))
	}
	f.set("unreadable", "2").file("file", "optouts.csv", bad).submit("Bring").is(422).says("3 lines of the list cannot be read")
	f.set("unreadable", "x").file("file", "optouts.csv", bad).submit("Bring").is(422).says("This is no number of lines.")
	f.set("unreadable", "").set("country", "Atlantis").file("file", "optouts.csv", bad).submit("Bring").is(422).says("This is no country.")
	f.set("unreadable", "4").set("country", "").file("file", "optouts.csv", "anna@example.com\n").submit("Bring").is(422).says("All lines of the list can be read")
	f.set("unreadable", "").file("file", "optouts.csv", "").submit("Bring").is(422).says("The file is empty, or none was chosen.")
	f.file("file", "optouts.csv", "name;age\nx;1\n").submit("Bring").is(422).says("The suppression list has no column of phone numbers")
	ada.sendList(field{name: "account", value: south}).is(422).says("No file came with this.")
	many := "contact\nanna@example.com\n" + strings.Repeat("x\n", 501)
	f.file("file", "many.csv", many).submit("Bring").is(422).says("501 lines of the list cannot be read", "And 1 more.")

	p = f.set("unreadable", "3").set("country", "SE").file("file", "optouts.csv", bad).submit("Bring").is(303).follow().says("The list holds from now on", "optouts.csv", "3 lines cannot be read", "Ada")
	f = p.form("form[action='/lists']").set("account", south).file("file", "longer.csv", "anna@example.com\nbo@example.com\n")
	id := p.doc.Find("#replaces option:contains('optouts.csv')").AttrOr("value", "")
	p = f.set("replaces", id).submit("Bring").is(303).follow().says("longer.csv 2")
	if strings.Contains(p.text(), "optouts.csv") {
		t.Error("the list that was replaced is still there")
	}
	f.set("replaces", id).submit("Bring").is(409).says("The list is not here any more.")
	f.set("replaces", "").submit("Bring").is(409).says("This list is here already.")
	p.form("form[action$='/remove']").submit("").is(303).follow().says("The list holds no longer.", "None yet.")
	ada.post("/lists/" + id + "/remove").is(404)
	ada.get("/audit").says("list_add", "list_replace", "list_remove", "2 contacts").hides("longer.csv")
}

// closed are hours that begin some hours from now, wherever now is in the day.
func closed(t *testing.T, o *campaign.Options) {
	t.Helper()
	hours := "daily 20:00-21:00"
	if time.Now().UTC().Hour() >= 12 {
		hours = "daily 03:00-04:00"
	}
	if err := o.Restraints.Hours.UnmarshalText([]byte(hours)); err != nil {
		t.Error(err)
	}
	o.Restraints.Home, o.Restraints.Zone = "UTC", "UTC"
}

// waits fails the test until the page of an upload that is being sent says why it waits.
func (c *client) waits(id, why string) *page {
	c.t.Helper()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		p := c.get("/uploads/" + id + "/progress").is(200)
		if strings.Contains(p.text(), why) {
			return p
		}
		if time.Now().After(end) {
			c.t.Fatalf("it does not say %q: %s", why, p.gist())
		}
	}
}

// TestWaiting has rows wait for a quota, and for their hour: the page says so and until when, in three languages, and the rows
// that are left by a stop are pending.
func TestWaiting(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		rules      func(*campaign.Options)
		en, sv, de string
		sent       int
	}{
		"a quota": {
			func(o *campaign.Options) {
				o.Restraints.Allowances, o.Restraints.Zone = []pipeline.Allowance{{Messages: 2, Per: pipeline.Week}}, "UTC"
			},
			"as many messages were sent as may be in that time", "så många meddelanden som får skickas", "so viele Nachrichten gesendet, wie erlaubt sind", 2,
		},
		"hours": {
			func(o *campaign.Options) { closed(t, o) },
			"it is not an hour at which they may be messaged", "inte en tid då de får meddelanden", "keine Uhrzeit, zu der sie Nachrichten bekommen dürfen", 0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := alone(tt.rules).open(t)
			uma := h.person("Uma", desk.Uploader, desk.Approver)
			id, p := uma.bring("five.csv", five())
			p.at("preview").says("the first message goes on").form("form.ask").submit("Send").is(303)
			p = uma.waits(id, tt.en).says("It waits until ")
			year := fmt.Sprint(time.Now().Year())
			if next := fmt.Sprint(time.Now().AddDate(0, 0, 8).Year()); !strings.Contains(p.text(), year) && !strings.Contains(p.text(), next) {
				t.Errorf("it does not say until when: %s", p.gist())
			}
			uma.in("sv").waits(id, tt.sv)
			uma.in("de").waits(id, tt.de)
			uma.post("/uploads/" + id + "/stop").is(303)
			uma.until(id, "stopped")
			uma.get("/uploads/"+id+"/rows?status=pending").says(fmt.Sprintf("pending %d", 5-tt.sent), pipeline.StopSignal)
			if sent := h.box.Stats().Sent; sent != tt.sent {
				t.Errorf("%d messages went out", sent)
			}
		})
	}
}

// TestTooLate has sessions that expire before the next hours: such a file cannot be sent, and says what would help; where
// rows that are late are left out, they are, and say so.
func TestTooLate(t *testing.T) {
	t.Parallel()
	late := func(skip bool) func(*campaign.Options) {
		return func(o *campaign.Options) {
			closed(t, o)
			o.Rate = 1
			o.Restraints.Preflight = pipeline.Preflight{Age: time.Hour, SendUnclear: true}
			o.Restraints.SessionLife, o.Restraints.SessionFrom, o.Restraints.SkipLate = 2*time.Hour, time.Now(), skip
		}
	}
	uma := alone(late(false)).open(t).person("Uma", desk.Uploader, desk.Approver)
	_, p := uma.bring("five.csv", five())
	p.at("preview").says("5 rows would not go before their sessions expire: it cannot be sent so.", "Row 2: the session expires on", "With these hours all would go in time:", "Else bring the file without these rows", "at most 1 hour before; what is paid, cancelled or expired is left out what is unclear is sent").
		form("form.ask").submit("Send").is(422).says("There are rows that would not go before their sessions expire.")

	uma = alone(late(true)).open(t).person("Uma", desk.Uploader, desk.Approver)
	id, p := uma.bring("five.csv", five())
	p.at("preview").says("There is nothing to send.", "Rows that would go too late sessions expire 2 hours after they were made they are left out 5", "By rate, quotas and hours the session would have expired")
	uma.in("de").get("/uploads/" + id + "/preview").says("2 Stunden nach ihrer Anlage")
}

// TestBrowserLists brings a list in a browser, and says of a file what its column means: the pages are such that everybody can
// use them.
func TestBrowserLists(t *testing.T) {
	h := newHouse(t)
	ada := h.person("Ada", all...)
	ada.listed("optouts.csv", "person2@example.com\nperson3@example.com\n")
	w := ada.window()
	w.at("/lists")
	w.looked("lists")
	id, _ := ada.bring("rules.csv", "session_id,email,Unsubscribed\n"+session(1)+",person1@example.com,yes\n"+session(2)+",person2@example.com,\n"+session(3)+",person4@example.com,\n")
	w.at("/uploads/" + id + "/reading")
	w.looked("reading with a question")
	ada.get("/uploads/"+id+"/reading").form("form.reading").set("wish.0", "out").submit("go on").is(303)
	w.at("/uploads/" + id + "/preview")
	if n := eval[int](w, "document.querySelectorAll('main details').length"); n != 2 {
		t.Errorf("%d rules leave somebody out", n)
	}
	w.looked("preview with rules")
}
