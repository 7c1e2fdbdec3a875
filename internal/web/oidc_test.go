package web_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/golang-jwt/jwt/v5"
	"github.com/oauth2-proxy/mockoidc"

	"hppsend/internal/desk"
	"hppsend/internal/web"
)

// someone is a user of the provider, whose claims a test can spoil.
type someone struct {
	mockoidc.MockUser
	Name  string
	spoil func(*mockoidc.IDTokenClaims)
}

type claims struct {
	*mockoidc.IDTokenClaims
	Name     string   `json:"name,omitempty"`
	Username string   `json:"preferred_username,omitempty"`
	Email    string   `json:"email,omitempty"`
	Groups   []string `json:"groups,omitempty"`
}

func (s *someone) Claims(_ []string, base *mockoidc.IDTokenClaims) (jwt.Claims, error) {
	if s.spoil != nil {
		s.spoil(base)
	}
	return &claims{base, s.Name, s.PreferredUsername, s.Email, s.Groups}, nil
}

// provided is a house whose people sign in by an identity provider.
type provided struct {
	*house
	oidc  *mockoidc.MockOIDC
	token atomic.Pointer[func(string) string] // what the provider makes of an id token before it gives it; nil for nothing
}

func newProvided(t *testing.T) *provided {
	t.Helper()
	p := &provided{}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	if p.oidc, err = mockoidc.NewServer(key); err != nil {
		t.Fatal(err)
	}
	p.oidc.AddMiddleware(p.changed)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := p.oidc.Start(l, nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.oidc.Shutdown() })
	p.house = plan{accounts: []string{north, south}, web: func(c *web.Config) {
		c.Provider, err = web.NewProvider(t.Context(), p.oidc.Issuer(), p.oidc.ClientID, p.oidc.ClientSecret, c.PublicURL.String()+"/sign-in/return", []string{"groups"})
		if err != nil {
			t.Fatal(err)
		}
		c.Provider.Name, c.Provider.Groups = "Example & Co", "groups"
		c.Provider.Roles = func(groups []string) map[string][]desk.Role {
			roles := map[string][]desk.Role{}
			for _, group := range groups {
				if account, role, ok := strings.Cut(group, ":"); ok {
					roles[account] = append(roles[account], desk.Role(role))
				}
			}
			return roles
		}
	}}.open(t)
	p.secret(p.oidc.ClientSecret)
	return p
}

// changed lets a test change the id token that the provider gives.
func (p *provided) changed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token := p.token.Load()
		if r.URL.Path != mockoidc.TokenEndpoint || token == nil {
			next.ServeHTTP(w, r)
			return
		}
		rec := httptest.NewRecorder()
		next.ServeHTTP(rec, r)
		var answer map[string]any
		json.Unmarshal(rec.Body.Bytes(), &answer)
		answer["id_token"] = (*token)(answer["id_token"].(string))
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(answer)
	})
}

// begin follows the link to the provider, and comes back with the address to which the provider leads.
func (p *provided) begin(c *client, to string, who *someone) string {
	p.t.Helper()
	p.oidc.QueueUser(who)
	link := c.get("/sign-in?to="+url.QueryEscape(to)).says("Sign in with Example & Co").doc.Find("a.button").AttrOr("href", "")
	at := c.get(link).is(303).header.Get("Location")
	if q, err := url.Parse(at); err != nil || !strings.HasPrefix(at, p.oidc.AuthorizationEndpoint()) || q.Query().Get("code_challenge_method") != "S256" ||
		len(q.Query().Get("nonce")) < 20 || len(q.Query().Get("state")) < 20 || strings.Contains(at, p.oidc.ClientSecret) {
		p.t.Fatalf("the provider is asked by %s", at)
	}
	res, err := c.http.Get(at)
	p.must(err)
	res.Body.Close()
	back := res.Header.Get("Location")
	if !strings.HasPrefix(back, p.url.String()+"/sign-in/return?") {
		p.t.Fatalf("the provider leads to %s (%d)", back, res.StatusCode)
	}
	at, _, _ = strings.Cut(back[strings.Index(back, "code=")+len("code="):], "&")
	p.secret(at)
	return strings.TrimPrefix(back, p.url.String())
}

func (p *provided) signIn(c *client, to string, who *someone) *page {
	p.t.Helper()
	before := c.session()
	q := c.get(p.begin(c, to, who))
	if q.status == 303 {
		p.secret(c.session())
		if c.session() == before || c.session() == "" {
			p.t.Error("the token of the session stays")
		}
	}
	return q
}

func known(subject, name string, groups ...string) *someone {
	return &someone{Name: name, MockUser: mockoidc.MockUser{Subject: subject, PreferredUsername: name + "@example.com", Email: name + "@example.com", Groups: groups}}
}

// TestProvider signs people in by the provider: who they are is by issuer and subject, what they may by their groups.
func TestProvider(t *testing.T) {
	t.Parallel()
	p := newProvided(t)
	c := p.browser()
	q := p.signIn(c, "/?state=draft", known("1", "Nora", "north:uploader", "north:administrator", "others")).is(303)
	if to := q.location(); to != "/?state=draft" {
		t.Errorf("it leads to %s", to)
	}
	q.follow().says("Nora", "Bring a spreadsheet")
	id, _ := c.bring("two.csv", two)
	nora := personID(t, c, "Nora")

	// renamed, with another address, and in another group: the same person, who has to sign in anew elsewhere
	again := p.browser()
	p.signIn(again, "/", known("1", "Nora Nyman", "north:viewer")).is(303)
	again.get("/uploads/" + id + "/problems").is(200).says("by Nora Nyman").hides("12345\" aria-label")
	again.post("/uploads/" + id + "/undo").is(403)
	c.get("/").is(303)
	// another person with the name and the address that the first had
	other := p.browser()
	p.signIn(other, "/", known("2", "Nora", "south:administrator", "nonsense")).is(303)
	other.get("/uploads/" + id).is(404)
	other.get("/people").is(200).hides("Nora Nyman", nora)
	// the same subject, in no group any more
	p.signIn(again, "/", known("1", "Nora Nyman")).is(303)
	again.get("/uploads/" + id).is(404)
	again.get("/").is(200).says("None yet.")
	// somebody with a password whose login is what the provider calls another
	p.invited("paul@example.com", desk.Uploader)
	imposter := p.browser()
	p.signIn(imposter, "/", known("3", "paul")).is(303)
	imposter.get("/").is(200).says("None yet.").hides("Bring a spreadsheet")
	for to, want := range map[string]string{"//evil.example": "/", "/\\evil.example": "/", "https://evil.example": "/", "/help": "/help", "/sign-out": "/"} {
		if got := p.signIn(p.browser(), to, known("4", "Quinn")).is(303).location(); got != want {
			t.Errorf("asked for %s, it leads to %s", to, got)
		}
	}
	// kept out here, whatever the provider says
	p.must(p.desk.Disable(t.Context(), nora, true))
	p.signInRefused(again, known("1", "Nora Nyman", "north:uploader"))
}
