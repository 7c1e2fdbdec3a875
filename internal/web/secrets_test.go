package web_test

import (
	"database/sql"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hppsend/internal/desk"
)

// TestLog writes a canary into every field there is, lets pages break and files vanish, and looks for it in the log.
func TestLog(t *testing.T) {
	t.Parallel()
	h := plan{script: "sessions:\n  " + session(2) + ": [{do: refuse, message: an answer of Klarna}]\n  " + session(3) + ": [reset_after]\n"}.open(t)
	h.secret("canary", "0701740699", "46701740699", "070-174 06 99")
	uma, alf := h.person("Uma canary-name", desk.Uploader, desk.Settler, desk.Administrator), h.person("Alf", desk.Approver)
	uma.with.Set("User-Agent", "canary-agent")
	id, _ := uma.bring("canary-file.csv", asCSV(
		[]string{"session_id", "phone", "email", "canary-header"}, []string{session(1), "070-174 06 99", "", "canary-cell"},
		[]string{session(2), "", "canary.two@example.com", "x"}, []string{session(3), "", "canary.three@example.com", ""},
	))
	path := "/uploads/" + id
	uma.get(path+"/reading").form("form.reading").set("country", "SE").set("label", "canary-label").submit("go on").is(303).follow()
	uma.post(path+"/cells", "t.2.1.", "canary-mend", "o.2.1.", "", "v.2.1.", "99")
	uma.post(path+"/paste", "from", "2.1.canary", "block", "canary-block")
	uma.get(path+"/preview").form("form.ask").set("note", "canary-note 070-174 06 99").submit("Ask").is(303)
	alf.get(path+"/approval").form("form[action$='/send-back']").set("reason", "canary-reason").submit("Send back").is(303)
	uma.get(path + "/preview").form("form.ask").submit("Ask").is(303)
	alf.get(path + "/approval").form("form[action$='/approve']").submit("Approve").is(303)
	uma.until(id, "done")
	p := uma.get(path + "/rows").says("an answer of Klarna")
	ticket := p.doc.Find("input[name=ticket]").AttrOr("value", "")
	p.form("form.settle").set("ticket", ticket).set("as", "delivered").set("reason", "canary-settled").submit("Settle").is(303)
	uma.post("/people", "login", "canary-login", "name", "canary-person", "account", "canary-account", "role", "canary-role")
	uma.get("/canary-path?canary=query").is(404)
	uma.get("/invitation/canary-token").is(410)
	h.browser().post("/sign-in", "login", "canary-login", "password", "canary-password", "to", "/canary")
	for _, name := range []string{"Cookie", "Referer", "X-Forwarded-For", "Accept-Language", "Origin"} {
		c := uma.another()
		c.with.Set(name, "canary-"+name)
		if p := c.get(path + "/problems").follow(); p.status >= 500 {
			t.Errorf("%s: %d", name, p.status)
		}
		c.post(path+"/undo", "batch", "canary")
	}

	before := h.log.String()
	h.must(os.WriteFile(filepath.Join(h.dir, "page", "files", id+".sheet"), []byte(strings.Repeat("canary", 99)), 0o600))
	for _, step := range []string{"rows", "report.csv", "checked.xlsx", "reading"} {
		if p := uma.get(path+"/"+step).hides(h.dir, ".sheet", "goroutine"); p.status < 400 && step != "reading" {
			t.Errorf("%s of a file that is damaged: %d", step, p.status)
		}
	}
	db, err := sql.Open("sqlite", filepath.Join(h.dir, "page", "page.db")+"?_pragma=busy_timeout(10000)")
	h.must(err)
	defer db.Close()
	_, err = db.ExecContext(t.Context(), "UPDATE upload SET note = X'63616e617279' WHERE id = ?", id)
	h.must(err)
	uma.get(path+"/rows?status=canary").is(500).says("Something went wrong on our side.").hides(h.dir, "decrypted", "goroutine", "note")
	_, err = db.ExecContext(t.Context(), "UPDATE upload SET note = NULL WHERE id = ?", id)
	h.must(err)
	for _, page := range []string{"help", "audit", "preview"} {
		h.server.Break(page)
	}
	uma.get("/help?canary=1").is(500).hides("goroutine", "runtime error", ".go:")
	uma.get(path + "/audit").is(500)
	uma.get("/canary-path").is(404)
	uma.get("/").is(200)
	text := h.log.String()[len(before):]
	for _, want := range []string{"GET /uploads/{id}/rows", "a page broke", "GET /help"} {
		if !strings.Contains(text, want) {
			t.Errorf("the log does not tell of %s:\n%s", want, text)
		}
	}
}

// TestDownloads guards what a spreadsheet program would run, in what was typed as in what was in the file.
func TestDownloads(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	uma, alf := h.person("Uma", desk.Uploader), h.person("Alf", desk.Approver)
	id, _ := uma.bring("\"; x=\"y\r\n.exe", "session_id,phone,email,remark\n"+session(1)+",12345,,=1+2\n"+session(2)+",,a@example.com,\"@SUM(1)\"\n")
	path := "/uploads/" + id
	uma.get(path+"/problems").form("form[data-cells]").set(cell(2, 1), `=HYPERLINK("http://evil.example/";"here")`).submit("").is(303)
	check := func(p *page, name string) {
		t.Helper()
		p.is(200).attached(name)
		for _, want := range []string{"'=HYPERLINK", "'=1+2", "'@SUM"} {
			if !strings.Contains(p.body, want) || strings.Contains(strings.ReplaceAll(p.body, want, ""), want[1:]) {
				t.Errorf("%s has no %s:\n%s", name, want, p.body)
			}
		}
	}
	check(uma.get(path+"/checked.csv"), id[:8]+".checked.csv")
	uma.get(path+"/preview").form("form.ask").set("leave_out", "1").submit("Ask").is(303)
	alf.get(path + "/approval").form("form[action$='/approve']").submit("Approve").is(303)
	uma.until(id, "done")
	check(uma.get(path+"/report.csv"), id[:8]+".report.csv")
	for _, file := range []string{"/report.csv", "/report.xlsx", "/checked.csv", "/checked.xlsx"} {
		p := uma.do(uma.request(http.MethodHead, path+file, nil)).is(200)
		p.attached(id[:8] + "." + file[1:])
	}
	left, err := os.ReadDir(filepath.Join(h.dir, "page", "tmp"))
	h.must(err)
	if len(left) > 0 {
		t.Errorf("downloads are left: %v", left)
	}
	trail := uma.get(path + "/audit").text()
	if n := strings.Count(trail, "download"); n < 2 {
		t.Errorf("%d downloads are taken down: %s", n, trail)
	}
}

// TestStatic gives the files that pages name, under names that change with what they hold.
func TestStatic(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.browser()
	p := c.get("/sign-in").is(200)
	for selector, attr := range map[string]string{"link[rel=stylesheet]": "href", "link[rel=icon]": "href", "script": "src"} {
		name := p.doc.Find(selector).AttrOr(attr, "")
		c.get(name).is(200)
		c.get(name + "x").is(404)
	}
	for _, path := range []string{"/static/app.js", "/static/", "/static/%2e%2e%2fwords%2fsv.json", "/static/layout.html"} {
		c.get(path).follow().is(404)
	}
}
