package cli

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os/exec"
	"runtime"
	"slices"
	"strings"

	"hppsend/internal/hpp"
	"hppsend/pipeline"
)

// pageAddress is where the page is, and who may ask for it.
type pageAddress struct {
	public  *url.URL
	hosts   []string
	proxies []netip.Prefix
	tls     *tls.Config // nil: plain
	people  bool        // who sign in
	own     bool        // public is where it listens
}

// pageAddress refuses what would put the page, or a password, before strangers.
func (s *settings) pageAddress(production bool) (at pageAddress, err error) {
	p := s.page
	host, _, err := net.SplitHostPort(s.addr)
	if err != nil {
		return at, usage("--addr "+s.addr+" is no address", "say --addr 127.0.0.1:8086")
	}
	_, loopback := hpp.ParseEndpoint("http://" + net.JoinHostPort(host, "1"))
	at.people = p.people || production || loopback != nil || p.issuer != "" || p.publicURL != ""
	for _, text := range p.proxies {
		prefix, err := netip.ParsePrefix(text)
		if addr, one := netip.ParseAddr(text); one == nil {
			prefix, err = netip.PrefixFrom(addr, addr.BitLen()), nil
		}
		if err != nil {
			return at, usage("--behind-proxy "+text+" is no network", "say --behind-proxy 10.0.0.0/8, or one address")
		}
		at.proxies = append(at.proxies, prefix)
	}
	if (p.tlsCert == "") != (p.tlsKey == "") {
		return at, usage("a certificate and its key go together", "name both, with --tls-cert and --tls-key")
	}
	if p.tlsCert != "" {
		pair, err := tls.LoadX509KeyPair(p.tlsCert, p.tlsKey)
		if err != nil {
			return at, usage(fmt.Sprintf("--tls-cert %s, --tls-key %s: %v", p.tlsCert, p.tlsKey, pipeline.WithoutPath(err)), "name two PEM files that belong together")
		}
		at.tls = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	}
	if loopback != nil && at.tls == nil && len(at.proxies) == 0 {
		return at, usage(
			"--addr "+s.addr+" can be reached from other machines, and contacts and passwords would go there in clear",
			"name --tls-cert and --tls-key, or say --behind-proxy NETWORK if a proxy does that; or listen on 127.0.0.1",
		)
	}
	if p.publicURL == "" {
		if loopback != nil || len(at.proxies) > 0 {
			return at, usage("it is not said by which address people reach the page", "say --public-url https://…")
		}
		at.own = true
		return at, nil
	}
	if at.public, err = url.Parse(strings.TrimSuffix(p.publicURL, "/")); err != nil || at.public.Host == "" || at.public.Path != "" || at.public.User != nil ||
		at.public.Scheme != "https" && at.public.Scheme != "http" {
		return at, usage("--public-url is no address of a page", "say --public-url https://links.example.com, without a path")
	}
	_, near := hpp.ParseEndpoint("http://" + net.JoinHostPort(at.public.Hostname(), "1"))
	if near != nil && at.tls == nil && len(at.proxies) == 0 {
		return at, usage("--public-url is not of this machine alone, and nothing is said of who does TLS", "say --behind-proxy NETWORK for the proxy that does, or name --tls-cert and --tls-key")
	}
	if at.public.Scheme == "http" && (loopback != nil || len(at.proxies) > 0 || at.tls != nil) {
		return at, usage("--public-url begins with http:, and passwords would go in clear", "say https://")
	}
	return at, nil
}

// listensOn fills in what is known once the port is.
func (p *pageAddress) listensOn(addr net.Addr) {
	port := fmt.Sprint(addr.(*net.TCPAddr).Port)
	if p.own {
		scheme := "http"
		if p.tls != nil {
			scheme = "https"
		}
		p.public = &url.URL{Scheme: scheme, Host: "127.0.0.1:" + port}
		p.hosts = []string{"localhost:" + port, "[::1]:" + port, "127.0.0.1:" + port}
	}
}

// desktop reports whether there is a screen for a browser.
func desktop(environ []string) bool {
	return runtime.GOOS == "darwin" || runtime.GOOS == "windows" || slices.ContainsFunc(environ, func(kv string) bool {
		name, value, _ := strings.Cut(kv, "=")
		return (name == "DISPLAY" || name == "WAYLAND_DISPLAY") && value != ""
	})
}

// browse opens a link in the user's browser, if that can be done; the link was printed.
func (a *app) browse(link string) {
	command := map[string][]string{
		"darwin": {"open"}, "windows": {"rundll32", "url.dll,FileProtocolHandler"},
	}[runtime.GOOS]
	if command == nil {
		command = []string{"xdg-open"}
	}
	open := exec.Command(command[0], append(command[1:], link)...)
	if open.Start() == nil {
		go pipeline.Guarded(open.Wait)
	}
}
