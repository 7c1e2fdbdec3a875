package web_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"hppsend/internal/desk"
)

func session(n int) string { return fmt.Sprintf("7f3e1c9a-0b52-4d1e-9a61-52c0b7f1a%03d", n) }

// may is a list as somebody in finance has it: a line above its headers, headers of their own, and what is wrong
// with it, row by row. Hal's session drops the connection at its first call, and Klarna refuses Ida's.
var may = "May reminders;;;;\nCase;Name;Tel 1;Tel 2;Mail\n" +
	session(1) + ";Anna;070-174 06 05;;\n" + // row 3
	session(2) + ";Bo;12345;;\n" +
	session(3) + ";Clara;;;clara@example,com\n" +
	session(4) + ";Dan;07O 174;;\n" + // row 6
	session(5) + ";Eve;07O 174;;\n" +
	session(6) + ";Fay;999;;\n" +
	session(7) + ";Gus;998;;\n" + // row 9
	session(8) + ";Hal;;;hal@example.com\n" +
	session(9) + ";Ida;;;ida@example.com\n" +
	session(10) + ";Jan;123;;\n" // row 12

var mayScript = "sessions:\n  " + session(8) + ": [reset_after, accept]\n  " + session(9) + ": [{do: refuse, message: Bad e-mail}, accept]\n"

// TestWholeWay takes a list through everything, as five people without scripts.
func TestWholeWay(t *testing.T) {
	t.Parallel()
	h := plan{script: mayScript}.open(t)
	uma, alf, vera := h.person("Uma", desk.Uploader), h.person("Alf", desk.Approver), h.person("Vera", desk.Viewer)
	sten, adam := h.person("Sten", desk.Settler), h.person("Adam", desk.Administrator)

	id, p := uma.bring("may.csv", may)
	read(t, p.at("reading").says("It cannot be sent as it is read now.", "Row 2: no column holds the session"))
	mend(t, uma, id)
	leaveOut(t, uma, id)
	approve(t, uma, alf, id)
	over(t, uma, id)
	settle(t, uma, sten, id)
	again(t, uma, alf, id)

	vera.get("/uploads/"+id).follow().at("rows").says("delivered 9", "rejected 1").hides("hal@example.com", "report.csv")
	adam.get("/audit").is(200).says("upload", "mend", "undo", "ask", "send_back", "approve", "start", "finish", "settle", "reopen", "Uma", "Alf")
	if _, _, err := h.desk.VerifyAudit(t.Context()); err != nil {
		t.Error(err)
	}
	for session, seen := range h.box.Stats().Sessions {
		if want := 1; seen.Accepted > want {
			t.Errorf("%s got %d messages", session, seen.Accepted)
		}
	}
}

// read says what the columns are, step by step.
func read(t *testing.T, p *page) {
	t.Helper()
	f := p.form("form.reading")
	if f.value("header_row") != "0" || f.value("map.session_id") != "" {
		t.Errorf("it is shown as if somebody had said how it is read: %v", f.fields(nil))
	}
	p = f.set("header_row", "2").submit("show the columns").follow().at("reading").says("The file is read as you said.")
	f = p.form("form.reading").set("map.session_id", "Case").set("map.phone", "Tel 2").set("map.email", "Mail").set("country", "Atlantis")
	p = f.submit("go on").is(422).says("There is a problem", "This is no country.")
	if got := p.doc.Find("#country-wrong").Text(); got != "This is no country." {
		t.Errorf("beside the field it says %q", got)
	}
	f = p.form("form.reading").set("map.session_id", "Case").set("map.phone", "Tel 2").set("map.email", "Mail").set("country", "sweden")
	p = f.submit("go on").is(303).follow().at("problems") // by the wrong column nobody has a number
	p = p.click("Read").at("reading")
	f = p.form("form.reading")
	if f.value("country") != "SE" || f.value("map.phone") != "Tel 2" || f.value("map.session_id") != "Case" || f.value("header_row") != "2" {
		t.Errorf("what was said is not shown again: %v", f.fields(nil))
	}
	p = f.set("map.phone", "Tel 1").set("label", "May").submit("go on").is(303).follow().at("problems")
	p.says("7 rows have problems", "Fix 6 phone numbers", "Fix 1 e-mail address", "May")
}

// cell is the name of the field of a cell.
func cell(row, column int) string { return fmt.Sprintf("t.%d.%d.", row, column) }

// mend mends by the form of all cells, for all that are alike, by a block, and takes some of it back.
func mend(t *testing.T, uma *client, id string) {
	t.Helper()
	problems := "/uploads/" + id + "/problems"
	p := uma.get(problems).form("form[data-cells]").submit("Save all cells").is(303).follow().says("Nothing was changed.")
	p = p.form("form[data-cells]").set(cell(4, 2), "070-174 06 06").set(cell(5, 4), "clara@example.com").submit("").is(303).follow()
	p.at("problems").says("Saved.", "5 rows have problems", "was 12345, Uma")

	p = p.click("Fix 5 phone numbers")
	if p.doc.Find("tr.bad").Length() != 5 || p.doc.Find("tr.fine").Length() != 2 {
		t.Errorf("of one problem %d rows are shown, and %d that were mended", p.doc.Find("tr.bad").Length(), p.doc.Find("tr.fine").Length())
	}
	p = p.form("form[data-cells]").set(cell(6, 2), "070-174 06 07\t070").submit("").is(422)
	p.says("These are several cells in one.")
	if got := p.form("form[data-cells]").value(cell(6, 2)); got != "070-174 06 07\t070" {
		t.Errorf("what was typed is gone: %q", got)
	}
	p = uma.get(problems)
	p = p.form("form[data-cells]").set(cell(6, 2), "070-174 06 07").submit("Save this for 1 more like it").is(303).follow().says("3 rows have problems")
	if got := p.form("form[data-cells]").value(cell(7, 2)); got != "070-174 06 07" {
		t.Errorf("the other cell like it has %q", got)
	}
	p = p.form("#undo").submit("Undo the last change").is(303).follow().says("Taken back.", "5 rows have problems")
	p = p.form("form[data-cells]").set(cell(6, 2), "070-174 06 07").set(cell(7, 2), "070-174 06 08").submit("").is(303).follow()

	p.form("form[data-paste]").set("from", "8.2.").submit("Show").is(422).says("There is nothing to fill in")
	p.form("form[data-paste]").set("from", "8.2.").set("block", strings.Repeat("1\n", 9)).submit("Show").is(422).says("The block has more rows")
	p.form("form[data-paste]").set("from", "8.2.").set("block", "1\n\"2\"\n").submit("Show").is(422).says("A cell begins with a quotation mark")
	// rows 6 and 7 stay among the rows, since they were mended
	q := p.form("form[data-paste]").set("from", "8.2.").set("block", "+46 70 174 06 09\r\n070-174 06 10\r\n").submit("Show").is(200)
	q.says("Fill 2 cells?", "999", "+46 70 174 06 09", "998", "070-174 06 10")
	if got := uma.get(problems).text(); !strings.Contains(got, "3 rows have problems") {
		t.Errorf("looking at it has filled it: %s", got)
	}
	q.click("Leave them as they are").at("problems").says("3 rows have problems")
	p = q.form("form.actions").submit("Fill 2 cells").is(303).follow().at("problems").says("The cells are filled.", "1 row has problems")
	q.form("form.actions").submit("Fill 2 cells").is(409).says("The sheet was changed since you looked.")
	p = p.form("#undo").submit("Undo the last change").is(303).follow().says("3 rows have problems")
	q = p.form("form[data-paste]").set("from", "8.2.").set("block", "+46 70 174 06 09\n070-174 06 10").submit("Show").is(200)
	q.form("form.actions").submit("Fill 2 cells").is(303).follow().says("1 row has problems")

	// of a mended cell the undo beside it takes back all that came with it
	p = uma.get(problems).form("form[data-cells]").set(cell(9, 2), "070-174 06 11").submit("").is(303).follow()
	undo := p.doc.Find("#r9-c2").Parent().Find("button[name=batch]")
	p = uma.post("/uploads/"+id+"/undo", "batch", undo.AttrOr("value", "")).is(303).follow()
	if got := p.form("form[data-cells]").value(cell(9, 2)); got != "070-174 06 10" {
		t.Errorf("undone, the cell has %q", got)
	}
	uma.post("/uploads/"+id+"/undo", "batch", "4711").is(409).says("There is a problem")
}

// leaveOut asks for approval, and says that a row is left out.
func leaveOut(t *testing.T, uma *client, id string) {
	t.Helper()
	p := uma.get("/uploads/"+id+"/preview").is(200).says("9 messages to send", "rows with problems 1", "sandbox", klarnaUser)
	p = p.form("form.ask").set("note", "Please look at row 4").submit("Ask for approval").is(422)
	p.says("There is a problem", "say that they are left out.")
	f := p.form("form.ask")
	if f.value("note") != "Please look at row 4" {
		t.Errorf("the note is gone: %v", f.fields(nil))
	}
	p = f.set("leave_out", "1").set("when", "at").submit("Ask").is(422).says("This is no time.")
	p = p.form("form.ask").set("leave_out", "1").set("when", "at").set("at", time.Now().AddDate(0, 0, 9).Format("2006-01-02T15:04")).submit("Ask").is(422)
	p.says("It cannot start then.")
	at := time.Now().Add(48 * time.Hour)
	f = p.form("form.ask").set("leave_out", "1").set("at", at.Format("2006-01-02T15:04"))
	p = f.submit("Ask").is(303).follow().at("approval")
	p.says("Approval is asked for.", "Please look at row 4", at.Format("2 Jan 2006, 15:04"), "1 row is left out")
	p.says("You cannot approve this: only approvers of the account may approve this")
}

// approve sends back, is asked again, approves for later, is taken back, and approves at last.
func approve(t *testing.T, uma, alf *client, id string) {
	t.Helper()
	p := alf.get("/").click("may.csv").is(303).follow().at("approval")
	p.says("Approve 9 messages", "Please look at row 4", "1 row is left out", "6 cells were changed by people", "12345", "070-174 06 06", "Uma", "Digest")
	p = p.form("form[action$='/send-back']").submit("Send back").is(422).says("There is no reason.")
	p.form("form[action$='/send-back']").set("reason", "Row 4 is wrong").submit("Send back").is(303).follow()
	p = uma.get("/uploads/" + id).follow().at("problems").says("It came back: Row 4 is wrong")
	p.form("form[data-cells]").set(cell(4, 2), "070-174 06 16").submit("").follow()

	ask := func(at time.Time) {
		f := uma.get("/uploads/"+id+"/preview").form("form.ask").set("leave_out", "1").set("note", "Mended\nSee row 4")
		if !at.IsZero() {
			f.set("when", "at").set("at", at.Format("2006-01-02T15:04"))
		}
		f.submit("Ask").is(303)
	}
	ask(time.Now().Add(2 * time.Hour))
	p = alf.get("/uploads/" + id + "/approval")
	old := p.form("form[action$='/approve']")
	if digest := old.value("digest"); len(digest) != 64 || !strings.Contains(p.text(), digest[:4]+" "+digest[4:8]+" "+digest[8:12]) {
		t.Errorf("the digest %q is not on the page", digest)
	}
	uma.get("/uploads/" + id + "/approval").form("form[action$='/withdraw']").submit("Take it back").is(303).follow().at("problems").says("It can be changed again.")
	ask(time.Now().Add(time.Hour))
	p = old.submit("Approve 9 messages").is(409) // it is to start at another time than he has seen
	now := p.form("form[action$='/approve']")
	now.submit("Approve 9 messages").is(303).follow().at("approval").says("Approved.", "Alf")
	uma.get("/uploads/" + id + "/progress").is(200).says("It starts on")
	p = alf.get("/uploads/" + id + "/approval").says("approved")
	if p.doc.Find("form[action$='/approve']").Length() != 0 {
		t.Error("it can be approved twice")
	}
	now.submit("Approve 9 messages").is(409)
	uma.get("/uploads/" + id + "/progress").form("form[action$='/withdraw']").submit("Take it back").is(303)

	p = uma.get("/uploads/" + id + "/preview").is(200)
	ask(time.Time{})
	p.form("form.ask").set("leave_out", "1").submit("Ask").is(409) // it waits
	p = alf.get("/uploads/"+id+"/approval").says("as soon as it is approved", "Mended", "See row 4", "070-174 06 16")
	p.form("form[action$='/approve']").submit("Approve and send 9 messages").is(303).follow()
}
