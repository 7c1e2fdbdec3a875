package web

import (
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// How much of a form is read, and how long that and the writing of a page may take. Uploads, downloads and streams
// have limits of their own.
const (
	maxForm  = 2 << 20
	formTime = 30 * time.Second
	pageTime = 2 * time.Minute
)

// policy lets a page use what comes from here, and nothing that stands in it.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; " +
	"form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// Handler is what every request comes through: no route can be reached without its headers, its host, its origin
// and its limits being seen to.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	for _, r := range s.routes {
		mux.Handle(r.pattern, s.serve(r))
	}
	mux.Handle("/", s.serve(route{do: func(*call) error { return errNoPage }, open: true}))
	origin := http.NewCrossOriginProtection()
	if err := origin.AddTrustedOrigin(s.PublicURL.Scheme + "://" + s.PublicURL.Host); err != nil {
		panic(err) // the address was parsed
	}
	origin.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.newCall(w, r).fail(errForeign)
	}))
	inner := origin.Handler(mux)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
		h.Set("Cache-Control", "no-store")
		if s.secure() {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		if !strings.EqualFold(r.Host, s.PublicURL.Host) && !slices.Contains(s.Hosts, strings.ToLower(r.Host)) {
			http.Error(w, "this server has another name", http.StatusMisdirectedRequest)
			return
		}
		http.NewResponseController(w).SetWriteDeadline(time.Now().Add(pageTime))
		inner.ServeHTTP(w, r)
	})
}

// serve does what a route does, for who may.
func (s *Server) serve(r route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		c := s.newCall(w, req)
		defer func() {
			if p := recover(); p != nil {
				if p == http.ErrAbortHandler {
					panic(p)
				}
				s.Log.Error("a page broke", "route", r.pattern, "panic", panicText(p))
				c.fail(errors.New("a page broke"))
			}
		}()
		if err := c.identify(r.quiet); err != nil {
			c.fail(err)
			return
		}
		if c.seat == nil && !r.open {
			c.toSignIn()
			return
		}
		if !r.stream && req.Method == http.MethodPost {
			req.Body = http.MaxBytesReader(w, req.Body, maxForm)
			rc := http.NewResponseController(w)
			rc.SetReadDeadline(time.Now().Add(formTime))
			if err := req.ParseForm(); err != nil {
				c.fail(tooLarge(err))
				return
			}
			rc.SetReadDeadline(time.Time{}) // else it would end what takes longer
		}
		if err := r.do(c); err != nil {
			c.fail(err)
		}
	})
}

// address is where a request comes from: what a proxy says, if it is one of ours.
func (s *Server) address(r *http.Request) string {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	addr := from.Addr().Unmap()
	trusted := func(a netip.Addr) bool {
		return slices.ContainsFunc(s.Proxies, func(p netip.Prefix) bool { return p.Contains(a) })
	}
	for _, hop := range slices.Backward(strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")) {
		if !trusted(addr) {
			break
		}
		next, err := netip.ParseAddr(strings.TrimSpace(hop))
		if err != nil {
			break
		}
		addr = next.Unmap()
	}
	if addr.Is6() { // whoever has one address of these has all of its network
		if network, err := addr.Prefix(64); err == nil {
			return network.String()
		}
	}
	return addr.String()
}
