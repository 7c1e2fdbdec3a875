package hpp

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"hppsend/pipeline"
)

// Environment is which side of HPP a target is.
type Environment string

// The environments.
const (
	Production Environment = "production"
	Playground Environment = "playground"
	Sandbox    Environment = "sandbox"
)

// Target is the merchant's side that is talked to.
type Target struct {
	Origin      string // canonical: lower case, default port dropped, no path
	Environment Environment
	Name        string // what identities use: the origin, or "sandbox" for loopback whatever its port
}

const endpointHint = "give it as https://HOST or https://HOST:PORT, such as https://api.klarna.com"

// ParseEndpoint reads the address of a target: https, or http on loopback only, without user, path,
// query or fragment. Loopback counts as sandbox, a host with the label "playground" as playground,
// any other as production. Its errors are of type [*pipeline.Error] and never show a password.
func ParseEndpoint(raw string) (Target, error) {
	u, err := parseURL(raw)
	if err == nil && u.Path != "" && u.Path != "/" {
		err = fmt.Errorf("it carries the path %s", quote(u.Path))
	}
	var t Target
	if err == nil {
		t, err = targetOf(u)
	}
	if err != nil {
		return Target{}, &pipeline.Error{Kind: pipeline.Usage, Problem: "the endpoint cannot be used", Todo: endpointHint, Err: err}
	}
	return t, nil
}

// Region gives Klarna's own target for a region: eu, na or oc.
// Its errors are of type [*pipeline.Error].
func Region(env Environment, region string) (Target, error) {
	if env == Sandbox {
		return Target{}, &pipeline.Error{
			Kind: pipeline.Usage, Problem: "the sandbox has no regions",
			Todo: "leave the region out, or name production or playground",
		}
	}
	prefixes := map[string]string{"eu": "api", "na": "api-na", "oc": "api-oc"}
	domains := map[Environment]string{Production: "klarna.com", Playground: "playground.klarna.com"}
	prefix, domain := prefixes[strings.ToLower(region)], domains[env]
	switch {
	case domain == "":
		return Target{}, &pipeline.Error{
			Kind: pipeline.Usage, Problem: fmt.Sprintf("there is no environment %s", quote(string(env))),
			Todo: "name one of production, playground and sandbox",
		}
	case prefix == "":
		return Target{}, &pipeline.Error{
			Kind: pipeline.Usage, Problem: fmt.Sprintf("there is no region %s", quote(region)),
			Todo: "name one of eu (Europe), na (North America) and oc (Oceania), or give an endpoint",
		}
	}
	origin := "https://" + prefix + "." + domain
	return Target{Origin: origin, Environment: env, Name: origin}, nil
}

const (
	pathBefore = "/hpp/v1/sessions/"
	pathAfter  = "/distribution"
)

// SessionFromURL reads the session out of a distribution_url as Klarna gives it: at the target's
// origin, with the documented path /hpp/v1/sessions/ID/distribution, and without user, query or
// fragment. An empty origin stands for any https origin: no target is known yet, and nothing will be
// sent. The text of an error says what is wrong with the URL.
func SessionFromURL(raw, origin string) (session string, err error) {
	u, err := parseURL(raw)
	if err != nil {
		return "", err
	}
	t, err := targetOf(u)
	if err != nil {
		return "", err
	}
	if origin != "" && t.Origin != origin {
		return "", fmt.Errorf("the URL is at %s, but links are sent through %s", quote(t.Origin), origin)
	}
	// The path as it was written: a coded slash or dot must not pass for a plain one.
	rest, before := strings.CutPrefix(u.EscapedPath(), pathBefore)
	session, after := strings.CutSuffix(rest, pathAfter)
	session = braces.Replace(session) // some programs write a UUID in them
	if !before || !after || strings.Contains(session, "/") {
		return "", fmt.Errorf("the path of the URL is not %sID%s", pathBefore, pathAfter)
	}
	if err := checkSession(session); err != nil {
		return "", err
	}
	return session, nil
}

var braces = strings.NewReplacer("%7B", "{", "%7D", "}", "%7b", "{", "%7d", "}")

func parseURL(raw string) (*url.URL, error) {
	switch {
	// First, since url.Parse quotes pieces of what it cannot read, and they may be a password.
	case strings.Contains(raw, "@"):
		return nil, errors.New("it carries a user name or a password")
	case strings.ContainsAny(raw, "?#"):
		return nil, errors.New("it carries a query or a fragment")
	}
	u, err := url.Parse(raw)
	if err != nil {
		var ue *url.Error
		if errors.As(err, &ue) {
			err = ue.Err // without the URL itself
		}
		return nil, errors.New(quote(err.Error()))
	}
	if u.Host == "" {
		return nil, errors.New("it does not begin with https:// and a host")
	}
	return u, nil
}

// targetOf makes host and port canonical: two spellings of one origin must never be two targets, or
// a session would be sent once for each.
func targetOf(u *url.URL) (Target, error) {
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	loopback := host == "localhost"
	if addr, err := netip.ParseAddr(host); err == nil && addr.Zone() == "" {
		addr = addr.Unmap()
		host, loopback = addr.String(), addr.IsLoopback()
		if addr.Is6() {
			host = "[" + host + "]"
		}
	} else if !isHostname(host) {
		return Target{}, fmt.Errorf("%s is not a host name in ASCII", quote(host))
	}
	switch {
	case u.Scheme == "http" && !loopback:
		return Target{}, errors.New("it is plain http, which would show credentials and contacts on the way")
	case u.Scheme != "http" && u.Scheme != "https":
		return Target{}, fmt.Errorf("it is %s, not https", quote(u.Scheme))
	}
	origin := u.Scheme + "://" + host
	if p := u.Port(); p != "" {
		port, err := strconv.ParseUint(p, 10, 16)
		if err != nil || port == 0 {
			return Target{}, fmt.Errorf("%s is not a port", quote(p))
		}
		if port != 443 && u.Scheme == "https" || port != 80 && u.Scheme == "http" {
			origin += ":" + strconv.FormatUint(port, 10)
		}
	}
	switch {
	case loopback:
		return Target{Origin: origin, Environment: Sandbox, Name: string(Sandbox)}, nil
	case slices.Contains(strings.Split(host, "."), "playground"):
		return Target{Origin: origin, Environment: Playground, Name: origin}, nil
	}
	return Target{Origin: origin, Environment: Production, Name: origin}, nil
}

func isHostname(host string) bool {
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return false
		}
	}
	return len(host) <= 253
}

// quote makes text of others fit for a message.
func quote(s string) string { return strconv.QuoteToASCII(cut(s, 80)) }
