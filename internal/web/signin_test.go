package web_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hppsend/internal/desk"
	"hppsend/internal/web"
)

const password = "a few good words"

// invited gives the browser of somebody who has accepted an invitation, and signs in with a password.
func (h *house) invited(login string, roles ...desk.Role) *client {
	h.t.Helper()
	id, token, err := h.desk.Invite(h.t.Context(), login, login)
	h.must(err)
	h.must(h.desk.SetRoles(h.t.Context(), login, north, roles))
	h.secret(token, password)
	c := h.browser()
	c.id = id
	p := c.get("/invitation/" + token).is(200).says("Choose the password with which you sign in as " + login)
	p.form("form.stack").set("name", strings.ToUpper(login)).set("password", password).set("again", password).submit("Set the password").is(303).follow().is(200)
	h.secret(c.session())
	return c
}

// signIn fills in the form for that.
func (c *client) signIn(to, login, password string) *page {
	c.t.Helper()
	return c.get("/sign-in?to="+url.QueryEscape(to)).form("form.stack").set("login", login).set("password", password).submit("")
}

// TestInvitation is used up by its form alone, and once.
func TestInvitation(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	_, token, err := h.desk.Invite(t.Context(), "ivy", "Ivy")
	h.must(err)
	h.must(h.desk.SetRoles(t.Context(), "ivy", north, []desk.Role{desk.Uploader}))
	link := "/invitation/" + token
	h.secret(token, password, "short")
	scanner := h.browser() // of mail, which follows every link
	for range 3 {
		if p := scanner.get(link).is(200).says("Welcome"); p.header.Get("Set-Cookie") != "" {
			t.Error("looking at it signs in")
		}
		scanner.do(scanner.request(http.MethodHead, link, nil)).is(200)
	}
	c := h.browser()
	f := c.get(link).form("form.stack")
	for _, wrong := range []struct{ name, password, again, says string }{
		{"Ivy", "short", "short", "The password is too short."},
		{"Ivy", password, password + "!", "The two passwords differ."},
		{strings.Repeat("y", 200), password, password, "This is no name."},
		{"Ivy", strings.Repeat("x", 20), strings.Repeat("x", 20), "The password can be guessed."},
	} {
		p := f.set("name", wrong.name).set("password", wrong.password).set("again", wrong.again).submit("").is(422).says(wrong.says)
		if p.doc.Find("input[type=password][value]").Length() != 0 {
			t.Error("a password is given back")
		}
	}
	p := f.set("name", "Ivy Ivory").set("password", password).set("again", password).submit("").is(303).follow().is(200).says("Ivy Ivory")
	first := c.session()
	h.secret(first)
	f.submit("").is(410).says("This link was used before")
	c.get(link).is(410).says("Ask for a new one.")
	h.browser().get("/invitation/nonsense").is(410)
	p.form("form[action='/sign-out']").submit("Sign out").is(303).follow().says("You are signed out.")

	// a new one ends what is signed in, and the old password
	c.signIn("/", "ivy", password).is(303)
	adam := h.person("Adam", desk.Administrator)
	p = adam.get("/people").form("form[action='/people/" + personID(t, adam, "Ivy Ivory") + "/invitation']").submit("New invitation").is(200)
	link, _ = p.doc.Find("input[readonly]").Attr("value")
	link = strings.TrimPrefix(link, h.url.String())
	h.secret(strings.TrimPrefix(link, "/invitation/"))
	h.browser().get(link).form("form.stack").set("password", password+"!").set("again", password+"!").submit("").is(303)
	c.get("/").is(303)
	c.signIn("/", "ivy", password).is(422)
	c.signIn("/", "IVY ", password+"!").is(303)
}

// personID finds somebody on the page of people.
func personID(t *testing.T, c *client, name string) string {
	t.Helper()
	id := c.get("/people").is(200).doc.Find("section.person:contains('"+name+"') h2").AttrOr("id", "")
	if id == "" {
		t.Fatalf("%s is not on the page of people", name)
	}
	return strings.TrimPrefix(id, "p-")
}

// TestSession holds the token of a browser to being new at each sign-in, and known to the books by its hash alone.
func TestSession(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.invited("ivy", desk.Uploader)
	first := c.session()
	p := c.signIn("/", "ivy", password).is(303)
	second := c.session()
	h.secret(second)
	if first == second || len(second) < 40 {
		t.Errorf("the token was %q, and is %q", first, second)
	}
	for _, want := range []string{"HttpOnly", "SameSite=Lax", "Path=/"} {
		if cookie := p.header.Get("Set-Cookie"); !strings.Contains(cookie, want) || strings.Contains(cookie, "Domain") || strings.Contains(cookie, "Max-Age") {
			t.Errorf("the cookie is %s", cookie)
		}
	}
	old := h.browser()
	old.setCookie(h.server.CookieName(), first)
	old.get("/").is(303)

	// a token that somebody else has planted is not taken over
	victim := h.browser()
	victim.setCookie(h.server.CookieName(), "planted-token-planted-token-planted-token")
	victim.signIn("/", "ivy", password).is(303)
	if victim.session() == "planted-token-planted-token-planted-token" || victim.session() == "" {
		t.Error("a planted token is that of a session now")
	}
	h.secret(victim.session())

	for _, name := range []string{"page.db", "page.db-wal"} {
		books, err := os.ReadFile(filepath.Join(h.dir, "page", name))
		h.must(err)
		for _, token := range []string{first, second, victim.session(), password} {
			if bytes.Contains(books, []byte(token)) {
				t.Errorf("%s holds a token, or the password", name)
			}
		}
	}

	p = c.get("/me").is(200).says("this one")
	if n := p.doc.Find("tbody tr").Length(); n != 2 {
		t.Errorf("%d browsers are listed", n)
	}
	p.form("tr:not(:has(.tag)) form").submit("Sign out there").is(303).follow().says("That browser is signed out.")
	victim.get("/").is(303)
	// roles that change sign out, too
	h.must(h.desk.SetRoles(t.Context(), "ivy", north, []desk.Role{desk.Viewer}))
	c.get("/").is(303)
}

// TestSignOut ends the session: what was shown cannot be had again.
func TestSignOut(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	uma := h.person("Uma", desk.Uploader)
	id, p := uma.bring("two.csv", two)
	token := uma.session()
	p = p.form("form[action='/sign-out']").submit("Sign out").is(303)
	if cookie := p.header.Get("Set-Cookie"); !strings.Contains(cookie, "Max-Age=0") {
		t.Errorf("the cookie stays: %s", cookie)
	}
	p.follow().is(200).says("You are signed out.")
	uma.setCookie(h.server.CookieName(), token)                          // a browser that kept it
	p = uma.get("/uploads/" + id + "/problems").is(303).hides("two.csv") // Back asks again, since nothing is stored
	if to := p.location(); to != "/sign-in?to="+url.QueryEscape("/uploads/"+id+"/problems") {
		t.Errorf("it leads to %s", to)
	}
	uma.post("/uploads/" + id + "/delete").is(403)
	uma.post("/sign-out").is(403)
}

// TestReturn leads back to where somebody was going, and never elsewhere.
func TestReturn(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.invited("ivy", desk.Uploader, desk.Administrator)
	for to, want := range map[string]string{
		"/audit": "/audit", "/?state=draft&words=a%26b": "/?state=draft&words=a%26b", "": "/", "audit": "/",
		"//evil.example": "/", "/\\evil.example": "/", "\\\\evil.example": "/", "/%2f%2fevil.example": "", "https://evil.example": "/",
		"javascript:alert(1)": "/", "/\t/evil.example": "/", "/\n//evil.example": "/", "/sign-out": "/", "/sign-in": "/", "///evil.example": "/",
		" //evil.example": "/", "%2f%2fevil.example": "/", "/.//evil.example": "", "/x/..//evil.example": "", "/;@evil.example": "", "//": "/", "/\u2028/e": "",
	} {
		got := web.Local(to)
		if want != "" && got != want {
			t.Errorf("%q leads to %q, want %q", to, got, want)
		}
		at, err := h.url.Parse(got)
		if err != nil || at.Host != h.url.Host {
			t.Errorf("%q leads to %q", to, got)
		}
	}
	for _, to := range []string{"/audit", "//evil.example", "/%2f%2fevil.example", "/.//evil.example", "/\\evil.example"} {
		p := c.signIn(to, "ivy", password).is(303)
		if got := p.location(); to == "/audit" && got != "/audit" || strings.HasPrefix(got, "//") {
			t.Errorf("after signing in, %q leads to %q", to, got)
		}
		c.post("/language", "language", "sv", "to", to).is(303).location()
		h.secret(c.session())
	}
	if got := c.get("/help").doc.Find("html").AttrOr("lang", ""); got != "sv" {
		t.Errorf("the page speaks %q", got)
	}
	c.post("/language", "language", "xx\r\nSet-Cookie: a=b", "to", "/").is(303)
	if got := c.cookie("a") + c.get("/help").doc.Find("html").AttrOr("lang", ""); got != "sv" {
		t.Errorf("the page speaks %q", got)
	}
}

// TestGuessing makes who guesses passwords wait, by login and address.
func TestGuessing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.invited("ivy", desk.Uploader)
	c.post("/sign-out")
	guesser := h.browser()
	guess := func(login string) *page { return guesser.signIn("/", login, "wrong") }
	for _, login := range []string{"ivy", "nobody"} { // whether there is one is not to be told
		for i := range 5 {
			guesser.with.Set("X-Forwarded-For", fmt.Sprintf("198.51.100.%d", i)) // which is nobody's word here
			p := guess(login).is(422).says("The login or the password is wrong.").hides("value=\"wrong\"")
			if got := p.form("form.stack").value("login"); got != login {
				t.Errorf("the login is gone: %q", got)
			}
		}
		// the right one from the same address, too; within the second that the first wait is
		c.signIn("/", login, password).is(429).says("There were too many wrong tries.")
	}
	guess("<b>").is(422)

	// behind a proxy of ours the address is the one that it names
	h = plan{web: func(c *web.Config) { c.Proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} }}.open(t)
	guesser = h.browser()
	for i := range 6 {
		guesser.with.Set("X-Forwarded-For", fmt.Sprintf("203.0.113.%d, 198.51.100.1", i)) // what comes before the last is anybody's word
		guess("ivy").is(map[bool]int{true: 422, false: 429}[i < 5])
	}
	guesser.with.Set("X-Forwarded-For", "203.0.113.9, 198.51.100.2")
	guess("ivy").is(422)
}
