package web_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hppsend/internal/desk"
)

// secretive is a file whose contacts, and what could be one, are in cells of every kind: sent, refused, and of
// columns that are not ours.
var secretive = "session_id,phone,phone_country,email,name,remark\n" +
	session(1) + ",0701740699,SE,,Canary One,ask 0701740698\n" + // row 2
	session(2) + ",,,canary.two@example.com,Canary Two,see canary.mail@example.com\n" +
	session(3) + ",07017406O0 / 0701740697,SE,,Canary Three,\n" + // row 4: a problem
	session(4) + ",,,canary.four@example,Canary Four,canary.note@example.com\n" + // row 5: a problem
	session(5) + ",,,canary.five@example.com,Canary Five,\n"

// canaries are what must not be shown of it to who sees contacts masked.
var canaries = []string{
	"0701740699", "701740699", "0701740698", "0701740697", "canary.two", "canary.mail", "canary.four", "canary.five", "canary.note", "canary.new",
	"Canary One", "Canary Three",
}

// TestViewer looks at an upload in every state as who may only look, and tries all that others may do.
func TestViewer(t *testing.T) {
	t.Parallel()
	h := plan{script: "sessions:\n  " + session(5) + ": [{do: refuse, message: \"canary.five@example.com is no address, nor is 0701740699\"}]\n"}.open(t)
	h.secret(canaries...)
	uma, alf, vera := h.person("Uma", desk.Uploader, desk.Settler), h.person("Alf", desk.Approver), h.person("Vera", desk.Viewer)
	of := furnished(t, h.person("Ada", all...))
	of.upload, _ = uma.bring("secretive.csv", secretive)
	of.table = uma.table(of.upload)
	look := func(state string) {
		t.Helper()
		if got := vera.state(of.upload).State; got != state {
			t.Fatalf("it is %s, not %s", got, state)
		}
		for _, pattern := range patterns("GET /uploads/") {
			p := vera.visit(pattern, of).hides(canaries...)
			switch {
			case strings.HasSuffix(pattern, ".csv"), strings.HasSuffix(pattern, ".xlsx"):
				p.is(403)
			default:
				p.follow().is(200).hides(canaries...)
			}
		}
		vera.get("/").is(200).hides(canaries...)
		before := h.dump("event", "session")
		for _, pattern := range patterns("POST") {
			if strings.Contains(pattern, "/uploads/") || pattern == "POST /uploads" || pattern == "POST /sample" || strings.Contains(pattern, "/people") || strings.Contains(pattern, "/lists") {
				vera.visit(pattern, of).is(403).hides(canaries...)
			}
		}
		for _, form := range [][]string{ // what would show a cell beside what is typed into it
			{"t.4.1.", "0701740600", "o.4.1.", "x", "v.4.1.", "7"}, {"t.4.1.", "1", "o.4.1.", "1", "v.4.1.", "0", "alike", "4.1."},
		} {
			vera.post("/uploads/"+of.upload+"/cells", append(form, "table", of.table)...).is(403).hides(canaries...)
		}
		vera.post("/uploads/"+of.upload+"/paste", "table", of.table, "from", "4.1.", "block", "1").is(403).hides(canaries...)
		vera.post("/uploads/"+of.upload+"/reading", "hidden", "skip", "method", "sms", "prefer", "sms", "country", "Atlantis").hides(canaries...)
		if diff := cmp.Diff(before, h.dump("event", "session")); diff != "" {
			t.Errorf("while it is %s, a viewer has done something:\n%s", state, diff)
		}
	}
	look("draft")
	uma.get("/uploads/"+of.upload+"/problems").form("form[data-cells]").set("t.5.3.", "canary.new@example.com").submit("").is(303)
	look("draft")
	uma.get("/uploads/"+of.upload+"/preview").form("form.ask").set("leave_out", "1").submit("Ask").is(303)
	look("waiting")
	p := alf.get("/uploads/"+of.upload+"/approval").says("canary.new@example.com", "canary.four@example")
	p.form("form[action$='/approve']").submit("Approve").is(303)
	uma.until(of.upload, "done")
	look("done")

	// a file in which the program finds no header shows its first rows to those who may see them
	headless, _ := uma.bring("headless.csv", session(1)+",0701740699\n"+session(2)+",canary.two@example.com\n")
	uma.get("/uploads/" + headless + "/reading").is(200).says("canary.two@example.com")
	vera.get("/uploads/" + headless).follow().at("reading").hides(canaries...)
	vera.post("/uploads/" + headless + "/delete").is(403)
}

// TestOtherDepartment asks for everything of the north as who may do everything in the south.
func TestOtherDepartment(t *testing.T) {
	t.Parallel()
	h := newHouse(t, north, south)
	nora := h.person("Nora", all...)
	of := furnished(t, nora)
	sue := h.personIn("Sue", map[string][]desk.Role{south: all})
	before := h.dump("event", "session")
	nothing := of
	nothing.upload, nothing.person, nothing.session = "AAAAAAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAAAAAA"
	nothing.list = "AAAAAAAAAAAAAAAAAAAAAAAAAA"
	names := []string{"two.csv", "listed.txt", "Nora", "Otto", north, "12345", of.digest}
	for _, pattern := range slices.Sorted(maps.Keys(h.server.Routes())) {
		if !strings.Contains(pattern, "{id}") {
			continue
		}
		p, q := sue.visit(pattern, of), sue.visit(pattern, nothing)
		p.hides(names...)
		if visits[pattern].of == "person" {
			if p.status != 404 && p.status != 403 { // who administers another account may not be told from who does not
				t.Errorf("%s: %d", pattern, p.status)
			}
			continue
		}
		p.is(404)
		if a, b := strings.ReplaceAll(p.body, of.upload, nothing.upload), q.body; strings.ReplaceAll(a, of.session, nothing.session) != b {
			t.Errorf("%s: what is there looks other than what is not:\n%s", pattern, cmp.Diff(b, a))
		}
	}
	for _, path := range []string{"/", "/?words=two", "/?by=nora", "/?state=draft", "/people", "/audit", "/lists"} {
		sue.get(path).is(200).hides("two.csv", "listed.txt", of.list, "Nora", "Otto", of.upload)
	}
	if diff := cmp.Diff(before, h.dump("event", "session")); diff != "" {
		t.Errorf("something was done:\n%s", diff)
	}

	body, kind := multipartBody([]field{{name: "account", value: north}, {name: "file", value: "x.csv", file: []byte(two)}})
	req := sue.request(http.MethodPost, "/uploads", body)
	req.Header.Set("Content-Type", kind)
	sue.do(req).is(403).says("You cannot upload for this account.")
	sue.post("/sample", "account", north).is(403)
	sue.sendList(field{name: "account", value: north}, field{name: "file", value: "x.txt", file: []byte("x@example.com\n")}).is(403)
	sue.sendList(field{name: "account", value: south}, field{name: "replaces", value: of.list}, field{name: "file", value: "x.txt", file: []byte("x@example.com\n")}).is(409).hides("listed.txt")
	sue.post("/people", "login", "spy", "account", north, "role", "approver").is(403)
	sue.post("/people/"+sue.id+"/roles", "account", north, "role", "approver").is(403)
	// the same file in both departments: neither is told of the other's
	_, p := sue.bring("two.csv", two)
	p.hides("Nora", of.upload, "here before")
	if p := nora.get("/uploads/" + of.upload); p.status != 303 {
		t.Errorf("its own department gets %d", p.status)
	}
}

// TestRolesPartByPart holds each role to what it may: every form of an upload, as somebody with that role alone.
func TestRolesPartByPart(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	of := furnished(t, h.person("Ada", all...))
	may := map[desk.Role][]string{
		desk.Viewer:        {},
		desk.Uploader:      {"reading", "cells", "paste", "undo", "ask", "withdraw", "stop", "go-on", "answer", "reopen"},
		desk.Approver:      {"approve", "send-back", "stop", "go-on", "answer"},
		desk.Settler:       {"settle"},
		desk.Administrator: {},
	}
	for _, role := range all {
		c := h.person("Only "+string(role), role)
		for _, pattern := range patterns("POST /uploads/{id}/") {
			what := pattern[strings.LastIndex(pattern, "/")+1:]
			if what == "delete" {
				continue
			}
			p := c.visit(pattern, of)
			if allowed := slices.Contains(may[role], what); allowed != (p.status != 403) {
				t.Errorf("%s by who is %s: %d %s", what, role, p.status, p.gist())
			}
		}
		for path, roles := range map[string][]desk.Role{"/audit": {desk.Administrator}, "/people": {desk.Administrator}, "/lists": {desk.Administrator}} {
			if p := c.get(path); (p.status == 200) != slices.Contains(roles, role) {
				t.Errorf("%s by who is %s: %d", path, role, p.status)
			}
		}
	}
}
