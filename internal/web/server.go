package web

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"hppsend/internal/desk"
	"hppsend/pipeline"
)

// Config is what the page needs to know.
type Config struct {
	Desk      *desk.Desk
	PublicURL *url.URL       // where people reach it: its scheme and host are the only ones that are answered
	Hosts     []string       // further names by which it may be asked, such as localhost:8086
	Proxies   []netip.Prefix // whose word on where a request comes from is taken
	Local     bool           // there is one person, who signs in by a link
	Notice    string         // what everybody should know, such as that nothing leaves this machine
	Provider  *Provider      // an identity provider to sign in with; nil for none
	Help      string         // what the help page says, as Markdown
	Version   string
	Log       *slog.Logger
}

// Server answers the requests of browsers.
type Server struct {
	Config
	routes  []route
	assets  assets
	pages   pages
	words   *words
	uploads chan struct{} // those that come in at once
	end     context.Context
}

// New makes a server. What it streams ends with the context.
func New(ctx context.Context, cfg Config) (*Server, error) {
	s := &Server{Config: cfg, uploads: make(chan struct{}, 8), end: ctx}
	var err error
	if s.assets, err = loadAssets(); err != nil {
		return nil, err
	}
	if s.words, err = loadWords(); err != nil {
		return nil, err
	}
	if s.pages, err = loadPages(s.assets); err != nil {
		return nil, err
	}
	s.routes = s.allRoutes()
	return s, nil
}

// Serve answers on a listener, by TLS if there is a configuration for it, until the context that New was given ends;
// what is under way may take a few seconds more.
func (s *Server) Serve(l net.Listener, secure *tls.Config) error {
	srv := &http.Server{
		Handler: s.Handler(), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError), // what clients send may be in it
	}
	done := make(chan error, 1)
	srv.TLSConfig = secure
	serve := func() error { return srv.Serve(l) }
	if secure != nil {
		serve = func() error { return srv.ServeTLS(l, "", "") }
	}
	go func() { done <- pipeline.Guarded(serve) }()
	select {
	case err := <-done:
		return err
	case <-s.end.Done():
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.end), 5*time.Second)
	defer cancel()
	if err := srv.Shutdown(ctx); err != nil {
		return srv.Close()
	}
	return nil
}

// secure reports whether browsers reach the page by https.
func (s *Server) secure() bool { return s.PublicURL.Scheme == "https" }

// link is the full address of a path of ours.
func (s *Server) link(path string) string {
	return s.PublicURL.Scheme + "://" + s.PublicURL.Host + path
}
