package web_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hppsend/internal/desk"
	"hppsend/internal/web"
)

// TestForeignForms sends every form from other places: nothing is done.
func TestForeignForms(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ada := h.person("Ada", all...)
	of := furnished(t, ada)
	before := h.dump()
	for _, pattern := range patterns("POST") {
		for _, foreign := range []http.Header{
			{"Sec-Fetch-Site": {"cross-site"}},
			{"Sec-Fetch-Site": {"same-site"}},
			{"Origin": {"null"}},
			{"Origin": {"https://evil.example"}},
			{"Sec-Fetch-Site": {"cross-site"}, "Origin": {h.url.String() + "0"}},
			{"Origin": {"http://evil.example"}, "Referer": {h.url.String()}},
		} {
			ada.with = foreign
			ada.visit(pattern, of).is(403).says("This was not asked by a page of ours.")
		}
	}
	if diff := cmp.Diff(before, h.dump()); diff != "" {
		t.Errorf("something was done:\n%s", diff)
	}
	// the same forms are taken from pages of ours, so that it was not something else that kept them out
	for _, ours := range []http.Header{{"Sec-Fetch-Site": {"same-origin"}}, {"Origin": {"ours"}}, {}} {
		h := newHouse(t)
		ada := h.person("Ada", all...)
		of := furnished(t, ada)
		if ours["Origin"] != nil {
			ours["Origin"] = []string{h.url.String()}
		}
		ada.with = ours
		for _, pattern := range patterns("POST") {
			if strings.HasSuffix(pattern, "/delete") || strings.HasSuffix(pattern, "sign-out") {
				continue // they would end the test
			}
			if p := ada.visit(pattern, of); p.status == 403 || p.status == 404 || p.status >= 500 {
				t.Errorf("%s is refused from here: %d %s", pattern, p.status, p.gist())
			}
			if strings.HasPrefix(pattern, "POST /invitation") {
				ada = h.person("Ada", all...) // now it is Ivy who is signed in there
				ada.with = ours
			}
		}
		ada.visit("POST /uploads/{id}/delete", of).is(303)
		ada.visit("POST /sign-out", of).is(303)
	}
}

// TestLookingChangesNothing asks for every page: only the audit trail grows by that.
func TestLookingChangesNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ada := h.person("Ada", all...)
	of := furnished(t, ada)
	before := h.dump("event")
	for _, pattern := range patterns("GET") {
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodOptions} {
			req := ada.request(method, of.path(pattern), nil)
			req.Header.Set("Sec-Fetch-Site", "cross-site") // a link from elsewhere leads here
			if p := ada.do(req); p.status >= 500 || p.status == 403 {
				t.Errorf("%s %s: %d", method, pattern, p.status)
			}
		}
	}
	if diff := cmp.Diff(before, h.dump("event")); diff != "" {
		t.Errorf("something was done:\n%s", diff)
	}
}

// TestOtherMethods are answered like pages that are not there.
func TestOtherMethods(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ada := h.person("Ada", all...)
	of := furnished(t, ada)
	before := h.dump()
	for _, pattern := range patterns("") {
		for _, method := range []string{http.MethodPut, http.MethodPatch, http.MethodDelete, "PROPFIND"} {
			if p := ada.do(ada.request(method, of.path(pattern), nil)); p.status != 404 && p.status != 405 {
				t.Errorf("%s %s: %d", method, pattern, p.status)
			}
		}
	}
	for _, path := range []string{
		"/nothing", "/uploads/" + of.upload + "/nothing", "/uploads/" + of.upload + "/problems/", "//evil.example", "/uploads/../page.db", "/static/..%2fcall.go",
	} {
		ada.get(path).follow().is(404)
	}
	if diff := cmp.Diff(before, h.dump()); diff != "" {
		t.Errorf("something was done:\n%s", diff)
	}
}

// TestHosts asks by names that the server does not have, and by one that it has beside its own.
func TestHosts(t *testing.T) {
	t.Parallel()
	h := plan{web: func(c *web.Config) { c.Hosts = []string{"localhost:" + c.PublicURL.Port()} }}.open(t)
	ada := h.person("Ada", all...)
	of := furnished(t, ada)
	evil := h.browser()
	for _, host := range []string{"evil.example", "evil.example:" + h.url.Port(), "127.0.0.1", "127.0.0.1.evil.example:" + h.url.Port(), "127.0.0.1:1", "localhost"} {
		for _, c := range []*client{evil, ada} {
			c.host = host
			c.with = http.Header{"Origin": {"http://" + host}} // a name of theirs that leads here
			for _, pattern := range patterns("") {
				p := c.visit(pattern, of).is(http.StatusMisdirectedRequest).hides(host)
				if p.header.Get("Set-Cookie") != "" || p.doc != nil {
					t.Errorf("%s is answered for %s", pattern, host)
				}
			}
		}
	}
	ada.host, ada.with = "LocalHost:"+h.url.Port(), http.Header{"X-Forwarded-Host": {"evil.example"}, "Forwarded": {"host=evil.example"}, "X-Forwarded-Proto": {"gopher"}}
	for _, pattern := range patterns("GET") {
		p := ada.visit(pattern, of).hides("evil.example", "gopher")
		if to := p.header.Get("Location"); strings.Contains(to+strings.ToLower(p.body), "localhost") {
			t.Errorf("%s holds the name by which it was asked: %s", pattern, to)
		}
	}
	link := ada.post("/people", "login", "new", "account", north, "role", "viewer").is(200).doc.Find("input[readonly]").AttrOr("value", "")
	if !strings.HasPrefix(link, h.url.String()+"/invitation/") {
		t.Errorf("the link of an invitation is %s", link)
	}
	h.secret(link[strings.LastIndex(link, "/")+1:])
}

// TestNobodySignedIn asks for everything without being anybody.
func TestNobodySignedIn(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	of := furnished(t, h.person("Ada", all...))
	before := h.dump()
	stale := h.browser()
	stale.setCookie(h.server.CookieName(), "AAAAAAAAAAAAAAAAAAAAAAAAAA")
	for _, c := range []*client{h.browser(), stale} {
		for pattern, open := range h.server.Routes() {
			if open {
				continue
			}
			c.with = http.Header{}
			if strings.HasSuffix(pattern, "/events") {
				c.with.Set("Accept", "text/event-stream")
			}
			p := c.visit(pattern, of).hides("two.csv", "Ada", "12345")
			switch {
			case strings.HasPrefix(pattern, "POST"), strings.HasSuffix(pattern, "/events"), strings.HasSuffix(pattern, ".json"):
				p.is(403).says("You are not signed in any more; nothing was changed.")
			default:
				p.is(303)
				if to := p.location(); !strings.HasPrefix(to, "/sign-in?to=%2F") {
					t.Errorf("%s leads to %s", pattern, to)
				}
				p.follow().is(200).says("Login", "Password")
			}
			if p.header.Get("Set-Cookie") != "" {
				t.Errorf("%s sets a cookie", pattern)
			}
		}
	}
	if diff := cmp.Diff(before, h.dump()); diff != "" {
		t.Errorf("something was done:\n%s", diff)
	}
}

// TestSecure holds what is served by TLS to what browsers are then to be told.
func TestSecure(t *testing.T) {
	t.Parallel()
	h := plan{tls: true}.open(t)
	ada := h.person("Ada", all...)
	of := furnished(t, ada)
	for _, pattern := range patterns("GET") {
		if p := ada.visit(pattern, of); p.header.Get("Strict-Transport-Security") != "max-age=31536000" {
			t.Errorf("%s: Strict-Transport-Security is %q", pattern, p.header.Get("Strict-Transport-Security"))
		}
	}
	p := h.browser().post("/invitation/"+of.token, "name", "Ivy", "password", "a few good words", "again", "a few good words").is(303)
	cookie := p.header.Get("Set-Cookie")
	for _, want := range []string{"__Host-hppsend=", "; Path=/", "; HttpOnly", "; Secure", "; SameSite=Lax"} {
		if !strings.Contains(cookie, want) || strings.Contains(cookie, "Domain") {
			t.Errorf("the cookie is %s", cookie)
		}
	}
	if other := newHouse(t).browser().get("/sign-in"); other.header.Get("Strict-Transport-Security") != "" {
		t.Error("a page without TLS says that there is only TLS")
	}
}

// TestAddress takes a proxy's word only where the proxy is one of ours.
func TestAddress(t *testing.T) {
	t.Parallel()
	h := plan{web: func(c *web.Config) {
		c.Proxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	}}.open(t)
	for _, one := range []struct {
		from, want string
		forwarded  []string
	}{
		{"192.0.2.1:80", "192.0.2.1", nil},
		{"192.0.2.1:80", "192.0.2.1", []string{"198.51.100.7"}},                            // a stranger says so
		{"10.1.1.1:80", "198.51.100.7", []string{"198.51.100.7"}},                          // our proxy
		{"10.1.1.1:80", "198.51.100.7", []string{"203.0.113.9, 198.51.100.7"}},             // what came before it is anybody's word
		{"10.1.1.1:80", "198.51.100.7", []string{"203.0.113.9", "198.51.100.7, 10.2.2.2"}}, // by two of ours
		{"10.1.1.1:80", "10.1.1.1", []string{"198.51.100.7, nonsense"}},                    // not an address
		{"[::ffff:10.1.1.1]:80", "198.51.100.7", []string{"::ffff:198.51.100.7"}},          // the same in IPv6
		{"[fd00::1]:80", "2001:db8::/64", []string{"2001:db8::7"}},                         // whoever has one has all of its network
		{"10.1.1.1:80", "10.1.1.1", nil},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr, r.Header["X-Forwarded-For"] = one.from, slices.Clone(one.forwarded)
		if got := h.server.AddressOf(r); got != one.want {
			t.Errorf("%s for %q is taken for %s, want %s", one.from, one.forwarded, got, one.want)
		}
	}
}

var _ = desk.Viewer
