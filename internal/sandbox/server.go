package sandbox

import (
	"context"
	"crypto/subtle"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/google/uuid"

	"hppsend/internal/contact"
)

// The credentials of a sandbox that is given none.
const (
	DefaultUsername = "sandbox"
	DefaultPassword = "sandbox"
)

// Config says how a sandbox behaves. The zero Config accepts every sound request at once.
type Config struct {
	Username, Password string        // both empty: the defaults
	RateLimit          int           // calls in each second; beyond it 429. 0: no limit
	Latency            time.Duration // before each answer
	Script             Script        // what named sessions do
	SessionLife        time.Duration // from when the sandbox first hears of a session; 0: 47 hours, as HPP's
	Log                *slog.Logger  // one line for each distribution, its contact masked; nil: none
	// Sent tells when a session was distributed of which this sandbox knows nothing, as by one before it; zero
	// for never. Nil: nothing was. It has to be safe for concurrent use.
	Sent func(session string) time.Time
}

// Server is a sandbox. It is an http.Handler, safe for concurrent use; Start and Close are not.
type Server struct {
	cfg   Config
	steps map[string][]Step
	looks map[string][]Step
	limit limiter
	state state

	http  *http.Server
	stop  context.CancelFunc
	ended chan struct{}
}

// New makes a sandbox. Start makes it listen; as a handler it works without.
func New(cfg Config) *Server {
	if cfg.Username == "" && cfg.Password == "" {
		cfg.Username, cfg.Password = DefaultUsername, DefaultPassword
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.SessionLife == 0 {
		cfg.SessionLife = sessionLife
	}
	s := &Server{cfg: cfg, steps: map[string][]Step{}, looks: map[string][]Step{}, limit: limiter{most: cfg.RateLimit}, state: newState()}
	for session, steps := range cfg.Script.Sessions {
		s.steps[canonical(session)] = steps
	}
	for session, steps := range cfg.Script.Looks {
		s.looks[canonical(session)] = steps
	}
	return s
}

// Start listens on an address such as "127.0.0.1:8085", or port 0 for any that is free, and gives the
// URL. The caller ends it with Close.
func (s *Server) Start(addr string) (baseURL string, err error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return "", err
	}
	ctx, stop := context.WithCancel(context.Background())
	s.stop, s.ended = stop, make(chan struct{})
	s.http = &http.Server{Handler: s, BaseContext: func(net.Listener) context.Context { return ctx }, ReadHeaderTimeout: time.Minute}
	go func() {
		defer close(s.ended)
		if err := s.http.Serve(l); err != http.ErrServerClosed {
			s.cfg.Log.Error("the sandbox stopped serving", "error", err)
		}
	}()
	return "http://" + l.Addr().String(), nil
}

// Close ends the serving; answers under way are cut off. Without a Start, and a second time, it does
// nothing.
func (s *Server) Close() error {
	if s.http == nil {
		return nil
	}
	s.stop() // lets go of calls that hang
	err := s.http.Close()
	<-s.ended
	return err
}

// ServeHTTP answers one call. Paths are taken as they are: HPP does not redirect to cleaner ones.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/_sandbox/stats" && r.Method == http.MethodGet && (local(r) || s.known(r)) {
		s.serveStats(w)
		return
	}
	w.Header().Set(correlationID, uuid.NewString())
	rest, ours := strings.CutPrefix(r.URL.Path, "/hpp/v1/sessions/")
	session, distribution := strings.CutSuffix(rest, "/distribution")
	c := &call{ResponseWriter: w, r: r, state: &s.state, session: canonical(session)}
	switch {
	case !ours || session == "" || strings.Contains(session, "/"):
		c.WriteHeader(http.StatusForbidden) // HPP's answer to an invalid path
	case distribution && r.Method == http.MethodPost:
		s.distribute(c)
	case !distribution && r.Method == http.MethodGet:
		s.look(c)
	default:
		c.WriteHeader(http.StatusForbidden)
	}
}

// canonical is the form that a session's id is compared in.
func canonical(session string) string {
	if len(session) == 36 && uuid.Validate(session) == nil {
		return strings.ToLower(session)
	}
	return session
}

func local(r *http.Request) bool {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && from.Addr().Unmap().IsLoopback()
}

// distribute is the call itself.
func (s *Server) distribute(c *call) {
	s.state.arrived(c.session)
	if !s.admitted(c) {
		return
	}
	step := s.step(c.session, s.state.turn(c.session))
	var d distribution
	sent := false
	defer func() { s.tell(c, step, d, sent) }()
	if step.Action == actionResetBefore {
		wait(c.r.Context(), s.cfg.Latency+step.Latency)
		reset(c)
		return
	}
	d, p := read(c.r)
	if p == nil {
		p = validate(c.r, d)
	}
	wait(c.r.Context(), s.cfg.Latency+step.Latency)
	switch {
	case step.Action == actionAccept && s.state.session(c.session).over(s.cfg.SessionLife):
		c.refuse(notFound)
		return
	case p != nil && step.Action == actionAccept:
		c.refuse(*p)
		return
	case p == nil && (step.Accepted || step.Action == actionAccept): // also when the client has left by now
		s.state.accepted(c.session)
		sent = true
	}
	perform(c, step)
}

// tell logs a distribution.
func (s *Server) tell(c *call, step Step, d distribution, sent bool) {
	if s.cfg.Log.Enabled(c.r.Context(), slog.LevelInfo) {
		s.cfg.Log.LogAttrs(c.r.Context(), slog.LevelInfo, "distribution", slog.String("session", c.session),
			slog.String("contact", contact.Mask(d.contact())), slog.String("do", string(step.Action)), slog.Bool("sent", sent),
			slog.Int("status", c.status), slog.String("correlation_id", c.Header().Get(correlationID)))
	}
}

func (s *Server) known(r *http.Request) bool {
	user, password, _ := r.BasicAuth()
	return subtle.ConstantTimeCompare([]byte(user), []byte(s.cfg.Username))&
		subtle.ConstantTimeCompare([]byte(password), []byte(s.cfg.Password)) == 1
}

// admitted lets calls in that have the credentials and are not too many, and answers the others.
func (s *Server) admitted(c *call) bool {
	status := 0
	if !s.known(c.r) {
		status = http.StatusUnauthorized
	} else if !s.limit.admit(c.Header(), time.Now()) {
		status = http.StatusTooManyRequests
	}
	if status != 0 {
		wait(c.r.Context(), s.cfg.Latency)
		c.WriteHeader(status)
	}
	return status == 0
}

// wait waits, unless the client or the server goes before.
func wait(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
