package sandbox

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"time"
)

// How many arrivals are remembered, in all and of one session, so that memory stays bounded.
const (
	arrivalsMost        = 1_000_000
	sessionArrivalsMost = 100
)

// Stats is what a sandbox has seen of distributions. Its JSON form is stable: fields are only added.
type Stats struct {
	Calls    int                `json:"calls"`    // that came in, of whatever end
	Sent     int                `json:"sent"`     // accepted, so that a message would go out
	Accepted map[string]int     `json:"accepted"` // how often each session was accepted, answered or not
	Sessions map[string]Session `json:"sessions"` // each that was called
	Answers  map[int]int        `json:"answers"`  // by HTTP status, to calls of every kind
	Arrivals Times              `json:"arrivals"` // of the distributions, in order; the first million
}

// Session is what a sandbox has seen of one session.
type Session struct {
	Calls    int   `json:"calls"`
	Accepted int   `json:"accepted"`
	Arrivals Times `json:"arrivals"` // the first hundred
}

// Times are unix nanoseconds in JSON. In the process they can be subtracted safely even when the
// clock is set meanwhile.
type Times []time.Time

// MarshalJSON implements json.Marshaler.
func (t Times) MarshalJSON() ([]byte, error) {
	nanos := make([]int64, len(t))
	for i, at := range t {
		nanos[i] = at.UnixNano()
	}
	return json.Marshal(nanos)
}

// UnmarshalJSON implements json.Unmarshaler.
func (t *Times) UnmarshalJSON(text []byte) error {
	var nanos []int64
	if err := json.Unmarshal(text, &nanos); err != nil {
		return err
	}
	*t = make(Times, len(nanos))
	for i, n := range nanos {
		(*t)[i] = time.Unix(0, n)
	}
	return nil
}

// state is what a sandbox remembers. Times are kept as the time since it began, a third of the size.
type state struct {
	began time.Time

	mu       sync.Mutex
	sessions map[string]*visits
	answers  [600]int
	arrivals []time.Duration
	calls    int
	sent     int
}

// visits are the calls for one session.
type visits struct {
	calls, turns, accepted int32
	updated                time.Duration // when last accepted
	arrivals               []time.Duration
}

func newState() state { return state{began: time.Now(), sessions: map[string]*visits{}} }

// arrived takes note of a distribution.
func (s *state) arrived(session string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := time.Since(s.began)
	v := s.sessions[session]
	if v == nil {
		v = new(visits)
		s.sessions[strings.Clone(session)] = v // or the whole request line is kept
	}
	s.calls++
	v.calls++
	if len(s.arrivals) < arrivalsMost {
		s.arrivals = append(s.arrivals, at)
	}
	if len(v.arrivals) < sessionArrivalsMost {
		v.arrivals = append(v.arrivals, at)
	}
}

// turn counts a call that was let in, and tells how many there were for its session.
func (s *state) turn(session string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.sessions[session]
	v.turns++
	return int(v.turns)
}

func (s *state) accepted(session string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.sessions[session]
	s.sent++
	v.accepted++
	v.updated = time.Since(s.began)
}

func (s *state) answered(status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers[status]++
}

// session tells how many calls for a session were let in, and when it was last changed, which is when
// it was last distributed, if it ever was.
func (s *state) session(id string) (turns int, updated time.Time, distributed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.sessions[id]
	if v == nil {
		v = new(visits)
	}
	return int(v.turns), s.began.Add(v.updated), v.accepted > 0
}

// Stats tells what came in so far. What it gives is the caller's.
func (s *Server) Stats() Stats {
	st := &s.state
	st.mu.Lock()
	defer st.mu.Unlock()
	stats := Stats{
		Calls: st.calls, Sent: st.sent, Arrivals: st.times(st.arrivals),
		Accepted: map[string]int{}, Sessions: make(map[string]Session, len(st.sessions)), Answers: map[int]int{},
	}
	for id, v := range st.sessions {
		stats.Sessions[id] = Session{int(v.calls), int(v.accepted), st.times(v.arrivals)}
		if v.accepted > 0 {
			stats.Accepted[id] = int(v.accepted)
		}
	}
	for status, n := range st.answers {
		if n > 0 {
			stats.Answers[status] = n
		}
	}
	return stats
}

func (s *state) times(since []time.Duration) Times {
	times := make(Times, len(since))
	for i, d := range since {
		times[i] = s.began.Add(d)
	}
	return times
}

func (s *Server) serveStats(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(s.Stats())
}
