package web_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"hppsend/internal/desk"
)

// TestLinks follows every link from the first page on, with uploads in every state, and sees that every form leads to
// a route.
func TestLinks(t *testing.T) {
	t.Parallel()
	h := plan{canary: 1, script: "sessions:\n  " + session(4) + ": [{do: refuse, message: no}]\n"}.open(t)
	ada, alf := h.person("Ada", all...), h.person("Alf", desk.Approver)
	routes := http.NewServeMux()
	for pattern := range h.server.Routes() {
		routes.HandleFunc(pattern, func(http.ResponseWriter, *http.Request) {})
	}
	send := func(name string) string {
		id, _ := ada.bring(name, five())
		ada.get("/uploads/" + id + "/preview").form("form.ask").submit("Ask").is(303)
		return id
	}
	ada.bring("draft.csv", two)
	send("waiting.csv")
	gone, _ := ada.bring("deleted.csv", two)
	ada.post("/uploads/" + gone + "/delete").is(303)
	running := send("running.csv")
	alf.get("/uploads/" + running + "/approval").form("form[action$='/approve']").submit("Approve").is(303)
	for ada.state(running).Canary == 0 {
		time.Sleep(5 * time.Millisecond)
	}
	seen := map[string]bool{}
	next := []string{"/"}
	for len(next) > 0 {
		path := next[0]
		next = next[1:]
		p := ada.get(path).follow()
		if p.status >= 400 {
			t.Errorf("a link to %s leads to %d", path, p.status)
		}
		if p.doc == nil {
			continue
		}
		p.doc.Find("a, form").Each(func(_ int, e *goquery.Selection) {
			to, err := p.asked.Parse(e.AttrOr("href", e.AttrOr("action", p.asked.RequestURI())))
			h.must(err)
			if e.Is("form") {
				req := httptest.NewRequest(strings.ToUpper(e.AttrOr("method", "get")), to.RequestURI(), nil)
				if _, pattern := routes.Handler(req); pattern == "" {
					t.Errorf("%s: a form leads to %s %s", path, req.Method, to.Path)
				}
				return
			}
			if at := to.RequestURI(); !seen[at] && to.Fragment == "" {
				seen[at] = true
				next = append(next, at)
			}
		})
	}
	if len(seen) < 40 {
		t.Errorf("only %d links were followed", len(seen))
	}
	ada.post("/uploads/"+running+"/answer", "go_on", "no")
}

// TestLanguageAnywhere changes the language on a page that answers a form: it leads to a page, in that language.
func TestLanguageAnywhere(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ada := h.person("Ada", all...)
	of := furnished(t, ada)
	for _, p := range []*page{
		ada.get("/uploads/" + of.upload + "/problems"), ada.get("/uploads/" + of.upload), ada.get("/?words=a"), ada.get("/nothing"), ada.visit("POST /sign-in", of),
		ada.post("/uploads/"+of.upload+"/ask", "digest", "other"), ada.post("/uploads/"+of.upload+"/undo", "batch", "7"), ada.post("/uploads"),
		ada.post("/people", "login", "", "account", north), ada.post("/people/"+ada.id+"/disable", "disabled", "true"),
		ada.post("/uploads/" + of.upload + "/stop"), ada.post("/uploads/" + of.upload + "/go-on"), ada.post("/sample", "account", "none"),
	} {
		where := p.method + " " + p.asked.Path
		p = p.follow()
		for _, language := range []string{"de", "sv", "en"} {
			p = p.form("form[action='/language']").submit(language).is(303).follow()
			if p.status != 200 && !strings.HasSuffix(where, "/nothing") {
				t.Errorf("the language chosen on %s leads to %s, which is %d", where, p.asked.Path, p.status)
				break
			}
			if got := p.doc.Find("html").AttrOr("lang", ""); got != language {
				t.Errorf("%s speaks %q, not %q", where, got, language)
			}
		}
	}
}

// clock is an answer that notes until when it may be read and written.
type clock struct {
	*httptest.ResponseRecorder
	read, write []time.Time
}

func (c *clock) SetReadDeadline(t time.Time) error  { c.read = append(c.read, t); return nil }
func (c *clock) SetWriteDeadline(t time.Time) error { c.write = append(c.write, t); return nil }

// TestDeadlines gives a form half a minute to come in, and ends nothing by that which takes longer.
func TestDeadlines(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ada := h.person("Ada", all...)
	of := furnished(t, ada)
	ask := func(method, path, body string) *clock {
		req := httptest.NewRequest(method, path, strings.NewReader(body))
		req.Host = h.url.Host
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.AddCookie(&http.Cookie{Name: h.server.CookieName(), Value: ada.session()})
		c := &clock{ResponseRecorder: httptest.NewRecorder()}
		h.server.Handler().ServeHTTP(c, req)
		return c
	}
	form := ask(http.MethodPost, "/uploads/"+of.upload+"/undo", url.Values{"batch": {"0"}}.Encode())
	if len(form.read) != 2 || time.Until(form.read[0]) > time.Minute || time.Until(form.read[0]) <= 0 || !form.read[1].IsZero() {
		t.Errorf("the body of a form may come until %v", form.read)
	}
	if look := ask(http.MethodGet, "/uploads/"+of.upload+"/preview", ""); slices.ContainsFunc(look.read, func(t time.Time) bool { return !t.IsZero() }) {
		t.Errorf("a page has to be made by %v", look.read)
	}
	// a deadline of HTTP/2 ends a stream although nothing is written then
	events := ask(http.MethodGet, "/uploads/"+of.upload+"/events", "")
	if n := len(events.write); n < 2 || !events.write[n-1].IsZero() || !strings.HasPrefix(events.Body.String(), "id: ") {
		t.Errorf("a stream that is silent ends at %v: %s", events.write, events.Body)
	}
}
