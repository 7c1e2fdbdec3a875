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

	// What follows is of the looks at sessions, which are counted nowhere else but in Answers.
	Looks        int            `json:"looks"`         // that came in, of whatever end
	Looked       map[string]int `json:"looked"`        // how often each session was looked at
	LookArrivals Times          `json:"look_arrivals"` // in order; the first million
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
	looks    []time.Duration // arrivals
	looked   int
}

// visits are the calls for one session.
type visits struct {
	calls, turns, accepted int32
	looks, lookTurns       int32
	born                   time.Duration // when it was first heard of
	sent                   bool          // by this sandbox, or one before
	updated                time.Duration // when last accepted
	arrivals               []time.Duration
}

func newState() state { return state{began: time.Now(), sessions: map[string]*visits{}} }

// arrived takes note of a distribution.
func (s *state) arrived(session string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := time.Since(s.began)
	v := s.of(session)
	s.calls++
	v.calls++
	if len(s.arrivals) < arrivalsMost {
		s.arrivals = append(s.arrivals, at)
	}
	if len(v.arrivals) < sessionArrivalsMost {
		v.arrivals = append(v.arrivals, at)
	}
}

// of gives the visits of a session; s.mu is held.
func (s *state) of(session string) *visits {
	v := s.sessions[session]
	if v == nil {
		v = &visits{born: time.Since(s.began)}
		s.sessions[strings.Clone(session)] = v // or the whole request line is kept
	}
	return v
}

// looking takes note of a look.
func (s *state) looking(session string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.of(session).looks++
	if s.looked++; len(s.looks) < arrivalsMost {
		s.looks = append(s.looks, time.Since(s.began))
	}
}

// lookTurn counts a look that was let in, and tells how many there were at its session.
func (s *state) lookTurn(session string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.of(session)
	v.lookTurns++
	return int(v.lookTurns)
}

// recall takes in that a session was distributed before this sandbox began.
func (s *state) recall(session string, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v := s.of(session); !v.sent {
		v.sent, v.updated = true, at.Sub(s.began)
		v.born = v.updated
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
	v.sent, v.updated = true, time.Since(s.began)
}

func (s *state) answered(status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers[status]++
}

// standing is what is remembered of a session at a moment.
type standing struct {
	turns   int // calls that were let in
	age     time.Duration
	born    time.Time
	sent    bool
	updated time.Time // when it was last distributed; when it was born, where it never was
}

// over reports whether a session's life is.
func (s standing) over(life time.Duration) bool { return s.age >= life }

func (s *state) session(id string) standing {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.of(id)
	st := standing{turns: int(v.turns), age: time.Since(s.began) - v.born, born: s.began.Add(v.born), sent: v.sent, updated: s.began.Add(v.updated)}
	if !v.sent {
		st.updated = st.born
	}
	return st
}

// Stats tells what came in so far. What it gives is the caller's.
func (s *Server) Stats() Stats {
	st := &s.state
	st.mu.Lock()
	defer st.mu.Unlock()
	stats := Stats{
		Calls: st.calls, Sent: st.sent, Arrivals: st.times(st.arrivals),
		Accepted: map[string]int{}, Sessions: make(map[string]Session, len(st.sessions)), Answers: map[int]int{},
		Looks: st.looked, Looked: map[string]int{}, LookArrivals: st.times(st.looks),
	}
	for id, v := range st.sessions {
		if v.looks > 0 {
			stats.Looked[id] = int(v.looks)
		}
		if v.calls == 0 {
			continue
		}
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
