package web_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/oauth2-proxy/mockoidc"
)

// signInRefused signs in, and nobody may be signed in by it.
func (p *provided) signInRefused(c *client, who *someone) {
	p.t.Helper()
	p.refused(c, p.begin(c, "/", who))
}

// refused comes back from the provider, and nobody may be signed in by it.
func (p *provided) refused(c *client, back string) {
	p.t.Helper()
	before := c.session()
	if q := c.get(back); q.status == 303 {
		p.secret(c.session())
	} else if c.session() != before {
		p.t.Errorf("refused (%d), it is signed in all the same", q.status)
	}
	if q := c.get("/me"); q.status == 200 {
		p.t.Errorf("it is signed in: %s", q.gist())
	}
}

// TestProviderMixUp comes back from the provider with what does not belong together.
func TestProviderMixUp(t *testing.T) {
	t.Parallel()
	p := newProvided(t)
	spoilt := map[string]func(*mockoidc.IDTokenClaims){
		"another nonce":    func(c *mockoidc.IDTokenClaims) { c.Nonce = "other" },
		"no nonce":         func(c *mockoidc.IDTokenClaims) { c.Nonce = "" },
		"another audience": func(c *mockoidc.IDTokenClaims) { c.Audience = jwt.ClaimStrings{"other"} },
		"expired":          func(c *mockoidc.IDTokenClaims) { c.ExpiresAt = jwt.NewNumericDate(time.Now().Add(-time.Minute)) },
		"another issuer":   func(c *mockoidc.IDTokenClaims) { c.Issuer = "https://evil.example" },
		"not yet":          func(c *mockoidc.IDTokenClaims) { c.NotBefore = jwt.NewNumericDate(time.Now().Add(time.Hour)) },
	}
	for what, spoil := range spoilt {
		who := known("1", "Nora", "north:uploader")
		who.spoil = spoil
		c := p.browser()
		if p.signInRefused(c, who); t.Failed() {
			t.Fatal(what)
		}
	}
	parts := func(token string, header map[string]any, change func(map[string]any)) string {
		raw := strings.Split(token, ".")
		body, _ := base64.RawURLEncoding.DecodeString(raw[1])
		var claims map[string]any
		json.Unmarshal(body, &claims)
		change(claims)
		h, _ := json.Marshal(header)
		b, _ := json.Marshal(claims)
		return base64.RawURLEncoding.EncodeToString(h) + "." + base64.RawURLEncoding.EncodeToString(b) + "."
	}
	same := func(map[string]any) {}
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	p.must(err)
	for what, token := range map[string]func(string) string{
		"no signature": func(s string) string { return parts(s, map[string]any{"alg": "none"}, same) },
		"None":         func(s string) string { return parts(s, map[string]any{"alg": "None", "typ": "JWT"}, same) },
		"cut off":      func(s string) string { return s[:strings.LastIndex(s, ".")+1] },
		"nothing":      func(string) string { return "" },
		"changed": func(s string) string {
			return parts(s, map[string]any{"alg": "RS256"}, func(c map[string]any) { c["sub"] = "2" }) + s[strings.LastIndex(s, ".")+1:]
		},
		"another key": func(s string) string {
			parsed, _, _ := jwt.NewParser().ParseUnverified(s, jwt.MapClaims{})
			signed, _ := jwt.NewWithClaims(jwt.SigningMethodRS256, parsed.Claims).SignedString(other)
			return signed
		},
		"a key that all know": func(s string) string { // the public key taken for that of an HMAC
			parsed, _, _ := jwt.NewParser().ParseUnverified(s, jwt.MapClaims{})
			signed, _ := jwt.NewWithClaims(jwt.SigningMethodHS256, parsed.Claims).SignedString(p.oidc.Keypair.PublicKey.N.Bytes())
			return signed
		},
	} {
		p.token.Store(&token)
		if p.signInRefused(p.browser(), known("1", "Nora", "north:uploader")); t.Failed() {
			t.Fatal(what)
		}
	}
	p.token.Store(nil)
	nora := func() *someone { return known("1", "Nora", "north:uploader") }
	// the answer to a sign-in that another browser has begun
	p.refused(p.browser(), p.begin(p.browser(), "/", nora()))
	attacker, victim := p.browser(), p.browser()
	p.begin(victim, "/", nora())
	p.refused(victim, p.begin(attacker, "/", known("666", "Mallory", "north:uploader")))
	// with another state, without one, without a code, and once more
	c := p.browser()
	back := p.begin(c, "/", nora())
	q, err := url.Parse(back)
	p.must(err)
	for name, value := range map[string]string{"state": "other", "code": "other"} {
		query := q.Query()
		query.Set(name, value)
		p.refused(c, "/sign-in/return?"+query.Encode())
	}
	p.refused(c, "/sign-in/return")
	p.refused(c, "/sign-in/return?error=access_denied&state="+q.Query().Get("state"))
	c = p.browser()
	back = p.begin(c, "/", nora())
	c.get(back).is(303)
	p.secret(c.session())
	c.post("/sign-out").is(303)
	p.refused(c, back)
	// what was done on the way is nobody's
	if d := p.dump(); strings.Contains(d["person"], "Mallory") {
		t.Error("who was refused is known")
	}
	// two at once in one browser: the later one counts, and one in another is not touched by that
	var wait sync.WaitGroup
	for range 5 {
		wait.Go(func() { p.browser().get("/sign-in/provider").is(303) })
	}
	wait.Wait()
	if p := newHouse(t).browser(); p.get("/sign-in/provider").status != 404 || p.get("/sign-in/return").status != 404 {
		t.Error("without a provider there is a way to it")
	}
}
