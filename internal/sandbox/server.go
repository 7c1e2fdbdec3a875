package sandbox

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
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
}

// Server is a sandbox. It is an http.Handler, safe for concurrent use.
type Server struct {
	cfg   Config
	mux   *http.ServeMux
	http  *http.Server
	ended chan struct{}
	state state
	limit limiter
}

// New makes a sandbox. Start makes it listen; as a handler it works without.
func New(cfg Config) *Server {
	if cfg.Username == "" && cfg.Password == "" {
		cfg.Username, cfg.Password = DefaultUsername, DefaultPassword
	}
	s := &Server{cfg: cfg, mux: http.NewServeMux(), limit: limiter{most: cfg.RateLimit}}
	s.mux.HandleFunc("POST /hpp/v1/sessions/{session}/distribution", s.distribute)
	s.mux.HandleFunc("GET /hpp/v1/sessions/{session}", s.session)
	s.mux.HandleFunc("GET /_sandbox/stats", s.stats)
	s.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.answer(w, http.StatusForbidden, nil) // as HPP answers an invalid path
	})
	return s
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// Start listens on an address such as "127.0.0.1:8085", or port 0 for any that is free, and gives the
// URL. The caller ends it with Close.
func (s *Server) Start(addr string) (url string, err error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return "", err
	}
	ctx, stop := context.WithCancel(context.Background())
	s.http = &http.Server{Handler: s, BaseContext: func(net.Listener) context.Context { return ctx }, ReadHeaderTimeout: time.Minute}
	s.http.RegisterOnShutdown(stop)
	s.ended = make(chan struct{})
	go func() {
		defer close(s.ended)
		s.http.Serve(l)
	}()
	return "http://" + l.Addr().String(), nil
}

// Close ends the serving; answers under way are cut off.
func (s *Server) Close() error {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	s.http.Shutdown(ctx) // lets go of sessions that hang
	err := s.http.Close()
	<-s.ended
	return err
}

// distribute is the call itself.
func (s *Server) distribute(w http.ResponseWriter, r *http.Request) {
	session := r.PathValue("session")
	n := s.state.called(session)
	if !s.admitted(w, r) {
		return
	}
	step := s.step(session, n)
	if step.Action == actionResetBefore {
		reset(w)
		return
	}
	body, problem := read(r)
	wait(r.Context(), s.cfg.Latency+step.Latency)
	if step.Action == actionAccept {
		if problem == nil {
			problem = validate(r, body)
		}
		if problem != nil {
			s.refuse(w, *problem)
			return
		}
	}
	if step.Action == actionAccept || step.Accepted {
		s.state.accepted(session)
	}
	s.perform(w, r, step)
}

// session tells what became of a session.
func (s *Server) session(w http.ResponseWriter, r *http.Request) {
	if !s.admitted(w, r) {
		return
	}
	id := r.PathValue("session")
	if s.step(id, 1).Action == actionExpired {
		s.refuse(w, notFound)
		return
	}
	at, distributed := s.state.acceptedAt(id)
	status := "WAITING"
	if distributed && time.Since(at) > 5*time.Second && id[len(id)-1]%2 == 0 { // some people open their link
		status = "IN_PROGRESS"
	}
	if at.IsZero() {
		at = time.Now()
	}
	s.answer(w, http.StatusOK, map[string]any{
		"session_id": id, "status": status, "updated_at": at.UTC(), "expires_at": at.Add(47 * time.Hour).UTC(),
	})
}

// admitted lets calls in that have the credentials, and are not too many.
func (s *Server) admitted(w http.ResponseWriter, r *http.Request) bool {
	user, password, _ := r.BasicAuth()
	if subtle.ConstantTimeCompare([]byte(user), []byte(s.cfg.Username))&
		subtle.ConstantTimeCompare([]byte(password), []byte(s.cfg.Password)) == 0 {
		s.answer(w, http.StatusUnauthorized, nil)
		return false
	}
	remaining, reset, ok := s.limit.take(time.Now())
	if s.limit.most > 0 {
		h := w.Header()
		h.Set("X-Ratelimit-Limit", fmt.Sprintf("%d, %d;w=1", s.limit.most, s.limit.most))
		h.Set("X-Ratelimit-Remaining", strconv.Itoa(remaining))
		h.Set("X-Ratelimit-Reset", strconv.Itoa(int(reset/time.Second)+1))
	}
	if !ok {
		s.answer(w, http.StatusTooManyRequests, nil)
	}
	return ok
}

// answer writes an answer with a correlation id, and counts it.
func (s *Server) answer(w http.ResponseWriter, status int, body any) {
	s.state.answered(status)
	h := w.Header()
	if h.Get("Klarna-Correlation-Id") == "" {
		h.Set("Klarna-Correlation-Id", uuid.NewString())
	}
	if body == nil {
		w.WriteHeader(status)
		return
	}
	h.Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body)
}

// refuse writes one of Klarna's error bodies.
func (s *Server) refuse(w http.ResponseWriter, p problem) {
	id := uuid.NewString()
	w.Header().Set("Klarna-Correlation-Id", id)
	s.answer(w, p.status, p.body(id))
}

func (s *Server) stats(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(s.Stats())
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

// magic is what the first group of a session id asks for.
func magic(session string) []Step {
	group, _, _ := strings.Cut(session, "-")
	if !strings.HasPrefix(group, "00000") || len(session) != 36 {
		return nil
	}
	switch group[5:] {
	case "404":
		return []Step{{Action: actionExpired}}
	case "400":
		return []Step{{Action: actionDisabled}}
	case "403":
		return []Step{{Action: actionForbidden}}
	case "408":
		return []Step{{Action: actionAccept, Latency: 2 * time.Second}}
	case "429":
		return []Step{{Action: actionThrottled}, {Action: actionAccept}}
	case "503":
		return []Step{{Action: actionUnavailable}, {Action: actionAccept}}
	case "599":
		return []Step{{Action: actionUnavailable}}
	case "504":
		return []Step{{Action: actionGateway, Status: http.StatusGatewayTimeout, Accepted: true}}
	case "000":
		return []Step{{Action: actionHang}}
	}
	return nil
}
