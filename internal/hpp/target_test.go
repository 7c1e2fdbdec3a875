package hpp

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hppsend/pipeline"
)

func TestParseEndpoint(t *testing.T) {
	for raw, want := range map[string]Target{
		"https://api.klarna.com":      {"https://api.klarna.com", Production, "https://api.klarna.com"},
		"HTTPS://API.Klarna.com:443/": {"https://api.klarna.com", Production, "https://api.klarna.com"},
		"https://api.klarna.com.":     {"https://api.klarna.com", Production, "https://api.klarna.com"},
		"https://api.kustom.co:0443":  {"https://api.kustom.co", Production, "https://api.kustom.co"},
		"https://api.playground.klarna.com": {
			"https://api.playground.klarna.com", Playground, "https://api.playground.klarna.com",
		},
		"https://playground-like.example.com": {
			"https://playground-like.example.com", Production, "https://playground-like.example.com",
		},
		"https://hpp.example.com:8443":   {"https://hpp.example.com:8443", Production, "https://hpp.example.com:8443"},
		"https://192.0.2.7":              {"https://192.0.2.7", Production, "https://192.0.2.7"},
		"http://localhost:8080":          {"http://localhost:8080", Sandbox, "sandbox"},
		"http://LOCALHOST:80":            {"http://localhost", Sandbox, "sandbox"},
		"https://127.0.0.1":              {"https://127.0.0.1", Sandbox, "sandbox"},
		"http://127.8.9.1:1":             {"http://127.8.9.1:1", Sandbox, "sandbox"},
		"http://[0:0:0:0:0:0:0:1]:8080":  {"http://[::1]:8080", Sandbox, "sandbox"},
		"http://[::ffff:127.0.0.1]:8080": {"http://127.0.0.1:8080", Sandbox, "sandbox"},
	} {
		got, err := ParseEndpoint(raw)
		if err != nil {
			t.Errorf("%s: %v", raw, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", raw, diff)
		}
		again, err := ParseEndpoint(got.Origin)
		if err != nil || again != got {
			t.Errorf("%s: its origin %s is not canonical: %v %v", raw, got.Origin, again, err)
		}
	}
	for raw, want := range map[string]string{
		"":                                "https://",
		"api.klarna.com":                  "https://",
		"/hpp/v1":                         "https://",
		"https://":                        "https://",
		"https://:443":                    "host name",
		"http://api.klarna.com":           "plain http",
		"http://localhost.example.com":    "plain http",
		"ftp://api.klarna.com":            "not https",
		"https://api.klarna.com/hpp":      "path",
		"https://api.klarna.com?x=1":      "query",
		"https://api.klarna.com?":         "query",
		"https://api.klarna.com#top":      "fragment",
		"https://user:pa/ss@example.com":  "user name",
		"https://api.klarna.com:0":        "port",
		"https://api.klarna.com:65536":    "port",
		"https://api.klarna.com:x":        "port",
		"https://åpi.example.com":         "ASCII",
		"https://api..example.com":        "host name",
		"https://api%2eklarna.com":        "escape",
		"https://[fe80::1%25eth0]":        "",
		"https://api.klarna.com\\@x.test": "user name",
		"https://exa mple.com":            "character",
	} {
		_, err := ParseEndpoint(raw)
		var f *pipeline.Error
		if !errors.As(err, &f) || f.Hint() == "" {
			t.Errorf("%q: got %v, want a fault with a hint", raw, err)
			continue
		}
		if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "ss@") {
			t.Errorf("%q: %v does not say %q", raw, err, want)
		}
	}
}

func TestRegion(t *testing.T) {
	for _, c := range []struct {
		env          Environment
		region, want string
	}{
		{Production, "eu", "https://api.klarna.com"},
		{Production, "na", "https://api-na.klarna.com"},
		{Production, "OC", "https://api-oc.klarna.com"},
		{Playground, "eu", "https://api.playground.klarna.com"},
		{Playground, "na", "https://api-na.playground.klarna.com"},
		{Playground, "oc", "https://api-oc.playground.klarna.com"},
	} {
		got, err := Region(c.env, c.region)
		if err != nil {
			t.Errorf("%s %s: %v", c.env, c.region, err)
		}
		parsed, err := ParseEndpoint(c.want)
		if err != nil || got != parsed {
			t.Errorf("%s %s: got %v, want what %s parses to, %v", c.env, c.region, got, c.want, parsed)
		}
	}
	for _, c := range [][2]string{{"sandbox", "eu"}, {"production", "us"}, {"production", ""}, {"live", "eu"}, {"", "eu"}} {
		_, err := Region(Environment(c[0]), c[1])
		var f *pipeline.Error
		if !errors.As(err, &f) || f.Hint() == "" {
			t.Errorf("%v: got %v, want a fault with a hint", c, err)
		}
	}
}

func TestSessionFromURL(t *testing.T) {
	const (
		eu = "https://api.klarna.com"
		id = "9cbc9884-1fdb-45a8-9694-9340340d0436"
	)
	for _, c := range []struct{ raw, origin, want string }{
		{eu + "/hpp/v1/sessions/" + id + "/distribution", eu, id},
		{"https://API.klarna.com:443/hpp/v1/sessions/" + id + "/distribution", eu, id},
		{eu + "/hpp/v1/sessions/KCO_1.2/distribution", eu, "KCO_1.2"},
		{eu + "/hpp/v1/sessions/" + id + "/distribution", "", id},
		{"http://localhost:8080/hpp/v1/sessions/a/distribution", "http://localhost:8080", "a"},
	} {
		if got, err := SessionFromURL(c.raw, c.origin); got != c.want || err != nil {
			t.Errorf("%s: got %q %v, want %q", c.raw, got, err, c.want)
		}
	}
	for raw, want := range map[string]string{
		"":                            "https://",
		id:                            "https://",
		eu:                            "path",
		eu + "/hpp/v1/sessions/" + id: "path",
		eu + "/hpp/v1/sessions/" + id + "/distribution/":                              "path",
		eu + "/hpp/v1/sessions/" + id + "/Distribution":                               "path",
		eu + "/hpp/v2/sessions/" + id + "/distribution":                               "path",
		eu + "/hpp/v1/sessions//distribution":                                         "empty",
		eu + "/hpp/v1/sessions/distribution":                                          "path",
		eu + "/hpp/v1/sessions/a/b/distribution":                                      "path",
		eu + "/hpp/v1/sessions/../distribution":                                       "characters",
		eu + "/hpp/v1/sessions/a%2fb/distribution":                                    "characters",
		eu + "/hpp/v1/sessions/%2e%2e/distribution":                                   "characters",
		eu + "//hpp/v1/sessions/" + id + "/distribution":                              "path",
		eu + "/hpp/v1/sessions/" + id + "/distribution?x":                             "query",
		eu + "/hpp/v1/sessions/" + id + "/distribution#x":                             "fragment",
		"https://a:b@api.klarna.com/hpp/v1/sessions/" + id + "/distribution":          "user name",
		"http://api.klarna.com/hpp/v1/sessions/" + id + "/distribution":               "plain http",
		"https://api-na.klarna.com/hpp/v1/sessions/" + id + "/distribution":           eu,
		"https://api.klarna.com.example.com/hpp/v1/sessions/" + id + "/distribution":  eu,
		"https://api.klarna.com:8443/hpp/v1/sessions/" + id + "/distribution":         eu,
		"https://api.playground.klarna.com/hpp/v1/sessions/" + id + "/distribution":   eu,
		" https://api.klarna.com/hpp/v1/sessions/" + id + "/distribution":             "",
		"https://api.klarna.com/hpp/v1/sessions/" + id + "\u202e/distribution":        "characters",
		eu + "/hpp/v1/sessions/" + strings.Repeat("a", 257) + "/distribution":         "too long",
		"//api.klarna.com/hpp/v1/sessions/" + id + "/distribution":                    "not https",
		"javascript:https://api.klarna.com/hpp/v1/sessions/" + id + "/distribution":   "https://",
		"https:///api.klarna.com/hpp/v1/sessions/" + id + "/distribution":             "https://",
		"https://api.klarna.com\\.example.com/hpp/v1/sessions/" + id + "/distributio": "",
	} {
		got, err := SessionFromURL(raw, eu)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %q, %v, want an error that says %q", raw, got, err, want)
		}
	}
}
