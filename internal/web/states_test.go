package web_test

import (
	"bytes"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"hppsend/internal/desk"
	"hppsend/internal/hpp"
	"hppsend/internal/web"
)

// What pages say in states that the way of TestWholeWay does not come by. That every way of every template is taken
// by some test is seen to by TestMain.

// TestReadingChoices says everything that can be said of how a file is read.
func TestReadingChoices(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	uma := h.person("Uma", desk.Uploader)
	id, _ := uma.bring("dansk.csv", "session_id|phone|email\n"+session(1)+"|46701740605\n"+session(2)+"|46701740606|bj\xf8rn@example.com\n")
	path := "/uploads/" + id + "/reading"
	f := uma.get(path).form("form.reading")
	for name, value := range map[string]string{
		"delimiter": "|", "encoding": "windows-1252", "method": "email", "prefer": "sms", "hidden": "send", "ragged": "pad", "unusual": "refuse",
		"bare_phone": "on", "each": "on", "retry_rejected": "on", "reminder": "first",
	} {
		f.set(name, value)
	}
	p := f.submit("Read it so").is(303).follow().at("reading")
	f = p.form("form.reading")
	for name, want := range map[string]string{
		"delimiter": "|", "encoding": "windows-1252", "method": "email", "prefer": "sms", "hidden": "send", "ragged": "pad", "unusual": "refuse",
		"bare_phone": "on", "each": "on", "retry_rejected": "on", "reminder": "first",
	} {
		if got := f.value(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	f.set("hidden", "skip").set("method", "sms").clear("each").submit("Read it so").is(303)
	uma.post(path, "hidden", "nonsense").is(422).says("This is none of the choices.")

	book := excelize.NewFile()
	defer book.Close()
	for _, name := range []string{"North", "South"} {
		_, err := book.NewSheet(name)
		h.must(err)
		for at, text := range map[string]string{"A1": "session_id", "B1": "phone", "A2": session(1), "B2": "+46701740605"} {
			h.must(book.SetCellStr(name, at, text))
		}
	}
	var b bytes.Buffer
	h.must(book.Write(&b))
	_, p = uma.bring("two.xlsx", b.String())
	p = uma.get("/uploads/"+p.upload()+"/reading").form("form.reading").set("sheet", "South").submit("Read it so").is(303).follow().at("reading")
	if got := p.form("form.reading").value("sheet"); got != "South" {
		t.Errorf("the sheet is %q", got)
	}
	p.form("form.reading").submit("go on").is(303).follow().at("preview")

	// cells that were changed would be others by another reading
	id, _ = uma.bring("mended.csv", "session_id,phone\n"+session(1)+",999\n"+session(2)+",+46701740605\n")
	uma.get("/uploads/"+id+"/problems").form("form[data-cells]").set(cell(2, 1), "+46701740606").submit("").is(303)
	p = uma.get("/uploads/"+id+"/reading").form("form.reading").set("header_row", "2").submit("Read it so").is(409)
	p = p.form("form[action$='/undo']").submit("").is(303).follow().at("reading")
	p.form("form.reading").set("header_row", "2").submit("Read it so").is(303)
}

// TestManyProblems has more rows with problems than are kept, and a sheet so large that mended rows are judged alone.
func TestManyProblems(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	uma := h.person("Uma", desk.Uploader)
	text := &strings.Builder{}
	text.WriteString("session_id,phone\n" + session(1) + ",+46701740605\n")
	for i := range 10_005 {
		fmt.Fprintf(text, "a0000000-0b52-4d1e-9a61-%012d,+46123\n", i)
	}
	id, p := uma.bring("many.csv", text.String())
	p.at("problems").says("10,005 rows have problems", "Page 1 of 200", "5 more rows")
	p = p.form("form[data-cells]").set(cell(3, 1), "+46701740606").submit("").is(303).follow()
	p.says("10,004 rows have problems", "judged each by itself")
	uma.get("/uploads/"+id+"/preview").says("2 messages to send", "See the problems")
}

// TestTwoApprovers sends to real people, at a rate, when two others have said so; meanwhile some was sent elsewhere.
func TestTwoApprovers(t *testing.T) {
	t.Parallel()
	h := plan{approvers: desk.Approvers{{Messages: 1, People: 2}}, web: func(c *web.Config) { c.Notice = "" }, desk: func(c *desk.Config) {
		c.Accounts[0].Options.Rate = 20
		c.Accounts[0].Options.Target.Environment = hpp.Production
	}}.open(t)
	uma, alf, bea := h.person("Uma", desk.Uploader, desk.Approver), h.person("Alf", desk.Approver), h.person("Bea", desk.Approver)
	id, _ := uma.bring("list.csv", "session_id,phone,email\n"+session(1)+",+46701740605,\n"+session(2)+",+46701740606,nobody\n"+session(3)+",+46123456789,\n")
	path := "/uploads/" + id
	uma.get(path+"/problems").form("form[data-cells]").set(cell(3, 2), "").submit("").is(303)
	p := uma.get(path+"/preview").says("real people get real messages", "20 a second", "2 other people have to approve")
	p = p.form("form.ask").set("note", strings.Repeat("x", 2001)).submit("Ask").is(422).says("The note is too long.")
	p.form("form.ask").set("note", "").submit("Ask").is(303).follow().says("(2 are needed)", "another person has to")
	p = alf.get(path+"/approval").says("empty").form("form[action$='/approve']").submit("Approve").is(303).follow().at("approval").says("Approved.", "Alf")
	if p.doc.Find("form[action$='/approve']").Length() == 0 {
		alf.post(path + "/approve").is(409)
	}

	// the same people in another list, which is sent first
	other, _ := uma.bring("other.csv", "session_id,phone\n"+session(1)+",+46701740605\n")
	uma.get("/uploads/" + other + "/preview").form("form.ask").submit("Ask").is(303)
	for _, c := range []*client{alf, bea} {
		c.get("/uploads/" + other + "/approval").form("form[action$='/approve']").submit("Approve").is(303)
	}
	uma.until(other, "done")
	for i := range 4 { // what is known of so many is kept; of others it is found out anew
		uma.bring(fmt.Sprint(i), "session_id,phone\n"+session(50+i)+",+46701740605\n")
	}
	bea.get(path+"/approval").says("Less may be sent, never more.", "others have sent").form("form[action$='/approve']").submit("Approve").is(303)
	uma.until(id, "done")
	uma.get(path + "/rows").is(200)
	if sent := h.box.Stats().Sent; sent > 3 {
		t.Errorf("%d messages went out", sent)
	}
}

// TestOddPastes fills cells with what they hold, and with nothing.
func TestOddPastes(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	uma := h.person("Uma", desk.Uploader)
	id, _ := uma.bring("list.csv", "session_id,phone,email\n"+session(1)+",999,\n"+session(2)+",998,\n")
	p := uma.get("/uploads/"+id+"/problems").form("form[data-paste]").set("from", "2.1.").set("block", "999\ta@example.com\n\t").submit("Show").is(200)
	if n := p.doc.Find("tr.same").Length(); n != 2 {
		t.Errorf("%d of the cells stay as they are", n)
	}
	p.says("empty").form("form.actions").submit("Fill").is(303).follow().says("The cells are filled.")
}

// TestLists has more in them than a page shows.
func TestLists(t *testing.T) {
	t.Parallel()
	h := newHouse(t, north, south)
	ada := h.personIn("Ada", map[string][]desk.Role{north: all, south: all})
	p := ada.get("/").form("form[action='/uploads']").set("account", south).file("file", "two.csv", two).submit("").is(303).follow()
	ada.get("/?state=draft").says("two.csv", south)
	ada.get(p.asked.Path+"?run=abcdef012345&upload="+p.upload()).says("abcdef012345", "The same file was here before")
	db, err := sql.Open("sqlite", filepath.Join(h.dir, "page", "page.db")+"?_pragma=busy_timeout(10000)")
	h.must(err)
	defer db.Close()
	_, err = db.ExecContext(t.Context(), `WITH RECURSIVE n(i) AS (SELECT 1000 UNION ALL SELECT i+1 FROM n WHERE i < 1600)
		INSERT INTO event (seq, time, person, account, action, upload, place, digest, hash) SELECT i, i, '', ?, 'lapse', '', '', '', X'' FROM n`, south)
	h.must(err)
	ada.get("/audit").says("The last 500 entries", "lapse", "hppsend")
	now := "2026-01-02"
	ada.get("/?from=" + now + "&to=" + now).is(200).says("None yet.")
	ada.get("/?from=x&to=y&after=-1").is(200)
}
