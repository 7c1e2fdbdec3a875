package web_test

import (
	"archive/zip"
	"encoding/csv"
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// state asks how an upload stands, as the page's script does.
func (c *client) state(id string) (now struct {
	State  string
	Moving bool
	Canary int
	Done   int
	Due    int
	Texts  map[string]string
},
) {
	c.t.Helper()
	p := c.get("/uploads/" + id + "/progress.json").is(200)
	if err := json.Unmarshal([]byte(p.body), &now); err != nil {
		c.t.Fatal(err)
	}
	return now
}

// until waits for an upload to be in a state.
func (c *client) until(id, state string) {
	c.t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if c.state(id).State == state {
			return
		}
	}
	c.t.Fatalf("it never came to be %s: %+v", state, c.state(id))
}

// over sees what became of the rows, and downloads it.
func over(t *testing.T, uma *client, id string) {
	t.Helper()
	uma.until(id, "done")
	p := uma.get("/uploads/" + id + "/progress").is(303).follow().at("rows")
	p.says("all 10", "delivered 7", "rejected 2", "uncertain 1", "hal@example.com")
	rejected := p.click("rejected").is(200).says("Bad e-mail", "Row")
	if n := rejected.doc.Find("table tbody tr").Length(); n != 2 {
		t.Errorf("%d rows are shown as rejected", n)
	}
	uma.get("/uploads/" + id + "/rows?status=skipped").is(200).says("No row.")

	p = uma.get("/uploads/" + id + "/report.csv").is(200).attached(id[:8] + ".report.csv")
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(p.body, "\ufeff"))).ReadAll()
	if err != nil || len(rows) != 11 {
		t.Errorf("the report has %d rows: %v", len(rows), err)
	}
	p = uma.get("/uploads/" + id + "/report.xlsx").is(200).attached(id[:8] + ".report.xlsx")
	if _, err := zip.NewReader(strings.NewReader(p.body), int64(len(p.body))); err != nil {
		t.Error(err)
	}
	uma.get("/uploads/" + id + "/checked.csv").is(200).attached(id[:8] + ".checked.csv")
	uma.get("/uploads/" + id + "/checked.xlsx").is(200).attached(id[:8] + ".checked.xlsx")
}

// attached holds an answer to being a file to be saved, under a name of ours.
func (p *page) attached(name string) *page {
	p.t.Helper()
	for header, want := range map[string]string{
		"Content-Disposition": `attachment; filename="` + name + `"`, "Content-Security-Policy": "sandbox; default-src 'none'",
	} {
		if got := p.header.Get(header); got != want {
			p.t.Errorf("%s: %s is %q, want %q", p.asked.Path, header, got, want)
		}
	}
	if kind := p.header.Get("Content-Type"); !strings.HasPrefix(kind, "text/csv") && !strings.HasPrefix(kind, "application/vnd.openxml") {
		p.t.Errorf("%s: it is of the type %s", p.asked.Path, kind)
	}
	return p
}

// settle says of an uncertain row that it was not sent, and goes on.
func settle(t *testing.T, uma, sten *client, id string) {
	t.Helper()
	if uma.get("/uploads/"+id+"/rows").doc.Find("form.settle").Length() != 0 {
		t.Error("who only uploads can settle")
	}
	uma.post("/uploads/"+id+"/settle", "ticket", "1", "as", "delivered", "reason", "I say so").is(403)
	p := sten.get("/uploads/" + id + "/rows").is(200).says("1 row is uncertain")
	p = p.form("form.settle").set("reason", "Klarna says so").submit("Settle").is(422).says("It is not said what became of them.")
	if got := p.form("form.settle").value("reason"); got != "Klarna says so" {
		t.Errorf("the reason is gone: %q", got)
	}
	p = p.form("form.settle").set("as", "not-sent").submit("Settle").is(422).says("No row is chosen.")
	ticket := p.doc.Find("input[name=ticket]").AttrOr("value", "")
	p = p.form("form.settle").set("ticket", ticket).set("as", "not-sent").set("reason", "").submit("Settle").is(422).says("There is no reason.")
	f := p.form("form.settle").set("ticket", ticket).set("as", "not-sent").set("reason", "Klarna says so")
	f.submit("Settle").is(303).follow().at("rows").says("Settled.")
	f.submit("Settle").is(409).says("A row is not uncertain any more; nothing was settled.")
	uma.get("/uploads/" + id + "/rows").form("form[action$='/go-on']").submit("Go on").is(303)
	uma.until(id, "done")
	uma.get("/uploads/"+id+"/rows").says("delivered 8", "rejected 2")
}

// again mends what Klarna has refused, and sends just that.
func again(t *testing.T, uma, alf *client, id string) {
	t.Helper()
	before := uma.h.box.Stats().Calls
	p := uma.get("/uploads/" + id + "/rows").form("form[action$='/reopen']").submit("Mend what was rejected").is(303).follow().at("problems")
	p.says("2 rows have problems", "Bad e-mail")
	p = p.form("form[data-cells]").set(cell(11, 4), "ida.isberg@example.com").submit("").is(303).follow()
	p = p.click("Preview").says("1 message to send", "1 row")
	p.form("form.ask").set("leave_out", "1").submit("Ask").is(303)
	alf.get("/uploads/" + id + "/approval").form("form[action$='/approve']").submit("Approve and send 1 message").is(303)
	uma.until(id, "done")
	uma.get("/uploads/"+id+"/rows").says("delivered 9", "rejected 1")
	if got := uma.h.box.Stats().Calls - before; got != 1 {
		t.Errorf("%d calls were made to send one row", got)
	}
}
