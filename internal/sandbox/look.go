package sandbox

import (
	"hash/fnv"
	"time"
)

// sessionLife is how long a session of HPP's lives, about.
const sessionLife = 47 * time.Hour

// look tells what became of a session.
func (s *Server) look(c *call) {
	s.state.looking(c.session)
	if !s.admitted(c) {
		return
	}
	n := s.state.lookTurn(c.session)
	st := s.standing(c.session)
	step := s.lookStep(c.session, n, st)
	wait(c.r.Context(), s.cfg.Latency+step.Latency)
	switch step.Action {
	case actionSession:
	case actionResetBefore:
		reset(c)
		return
	default:
		perform(c, step)
		return
	}
	state, updated := step.State, st.updated
	switch state {
	case "":
		state, updated = lifeOf(c.session).at(st)
	case "WAITING":
	default: // a script's state has just come about
		updated = time.Now()
	}
	expires := st.born.Add(s.cfg.SessionLife)
	if step.ExpiresIn != 0 {
		expires = time.Now().Add(step.ExpiresIn)
	}
	c.json(step.status(), map[string]any{
		"session_id": c.session, "status": state, "updated_at": updated.UTC(), "expires_at": expires.UTC(),
	})
}

// standing is what is remembered of a session, by this sandbox or one before.
func (s *Server) standing(session string) standing {
	st := s.state.session(session)
	if st.sent || s.cfg.Sent == nil {
		return st
	}
	if at := s.cfg.Sent(session); !at.IsZero() {
		s.state.recall(session, at)
	}
	return s.state.session(session)
}

// lookStep is what the n-th look at a session meets, n from 1; a state without a name is the session's own.
func (s *Server) lookStep(session string, n int, st standing) Step {
	steps, ok := s.looks[session]
	if !ok {
		steps, ok = s.looks["*"]
	}
	if ok {
		return steps[min(n, len(steps))-1]
	}
	switch s.step(session, max(1, st.turns)).Action {
	case actionExpired:
		return Step{Action: actionExpired}
	case actionDisabled:
		return Step{Action: actionSession, State: "DISABLED"}
	}
	if st.over(s.cfg.SessionLife) && !lifeOf(session).over(st) {
		return Step{Action: actionExpired}
	}
	return Step{Action: actionSession}
}

// life is what a consumer makes of a link, from when it was sent.
type life struct {
	opens time.Duration // 0: never
	ends  time.Duration // likewise
	end   string        // the state then
}

// lifeOf draws the life of a session from its id, so that it is the same in every sandbox.
func lifeOf(session string) (l life) {
	h := fnv.New64a()
	h.Write([]byte(session))
	draw := h.Sum64()
	draw ^= draw >> 29 // the last letter alone moves only the lowest bits far
	take := func(n uint64) uint64 { d := draw % n; draw /= n; return d }
	if take(10) >= 6 {
		return l
	}
	l.opens = time.Second + time.Duration(take(2000))*time.Millisecond
	switch take(6) {
	case 0, 1, 2:
		l.end = "COMPLETED"
	case 3:
		l.end = "CANCELLED"
	default:
		return l
	}
	l.ends = l.opens + time.Second + time.Duration(take(2000))*time.Millisecond
	return l
}

// at gives the state of a session, and since when it is in it.
func (l life) at(st standing) (state string, since time.Time) {
	age := time.Since(st.updated)
	switch {
	case !st.sent, l.opens == 0, age < l.opens:
		return "WAITING", st.updated
	case l.ends == 0 || age < l.ends:
		return "IN_PROGRESS", st.updated.Add(l.opens)
	}
	return l.end, st.updated.Add(l.ends)
}

// over reports whether the consumer has ended the session.
func (l life) over(st standing) bool {
	return st.sent && l.ends > 0 && time.Since(st.updated) >= l.ends
}
