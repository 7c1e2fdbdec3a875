package sandbox

import (
	"maps"
	"slices"
	"sync"
	"time"
)

// arrivalsMost bounds how many arrivals are remembered.
const arrivalsMost = 1_000_000

// Stats is what a sandbox has seen.
type Stats struct {
	Calls    int            `json:"calls"`    // distribute calls that came in
	Accepted map[string]int `json:"accepted"` // how often each session was accepted, answered or not
	Called   map[string]int `json:"called"`   // how often each session was called
	Answers  map[int]int    `json:"answers"`  // by HTTP status
	Arrivals []time.Time    `json:"arrivals"` // of the distribute calls, in order; the first million
}

// state is what the sandbox remembers.
type state struct {
	mu       sync.Mutex
	sessions map[string]int
	accepts  map[string]int
	at       map[string]time.Time
	answers  map[int]int
	arrivals []time.Time
	calls    int
}

// called counts a call for a session and tells how many there were.
func (s *state) called(session string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sessions == nil {
		s.sessions, s.accepts, s.at = map[string]int{}, map[string]int{}, map[string]time.Time{}
	}
	s.calls++
	if len(s.arrivals) < arrivalsMost {
		s.arrivals = append(s.arrivals, time.Now())
	}
	s.sessions[session]++
	return s.sessions[session]
}

func (s *state) accepted(session string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.accepts[session]++
	s.at[session] = time.Now()
}

// acceptedAt is when a session was last accepted.
func (s *state) acceptedAt(session string) (time.Time, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, ok := s.at[session]
	return at, ok
}

func (s *state) answered(status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.answers == nil {
		s.answers = map[int]int{}
	}
	s.answers[status]++
}

// Stats tells what came in so far.
func (s *Server) Stats() Stats {
	st := &s.state
	st.mu.Lock()
	defer st.mu.Unlock()
	return Stats{
		Calls: st.calls, Accepted: maps.Clone(st.accepts), Called: maps.Clone(st.sessions),
		Answers: maps.Clone(st.answers), Arrivals: slices.Clone(st.arrivals),
	}
}
