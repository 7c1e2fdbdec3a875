package desk_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"hppsend/internal/desk"
	"hppsend/pipeline"
)

// crowd is many who edit, ask, approve, start and stop one upload at the same time. Every mend types another
// address, so that it can be told of each message who has approved it.
type crowd struct {
	*house
	id    string
	hands []*desk.Seat
	heads []*desk.Seat // approve

	mu    sync.Mutex
	typed map[string]string // what each version of each cell says, by its place in the trail
}

const crowdRows = 60

// TestParallel lets a hundred at it. Nothing is sent that did not stand in what was approved, and nothing twice.
func TestParallel(t *testing.T) { crowded(t, newHouse(t)) }

// TestParallelHosts lets them at it from two hosts.
func TestParallelHosts(t *testing.T) {
	t.Parallel()
	crowded(t, newHosts(t, 2)...)
}

func crowded(t *testing.T, hosts ...*house) {
	h, other := hosts[0], hosts[len(hosts)-1]
	for _, h := range hosts {
		h.before = func(context.Context, pipeline.Distribution) { time.Sleep(10 * time.Millisecond) } // so that there is something to stop
	}
	var contacts []string
	for i := range crowdRows {
		contacts = append(contacts, []string{fmt.Sprintf("row%02d@example.com", i), "nobody"}[i%2])
	}
	c := &crowd{house: h, typed: map[string]string{}}
	for _, login := range []string{"anna", "carl", "cleo"} {
		s := h.seat(login, desk.Uploader)
		c.hands = append(c.hands, s, other.seatOf(s.ID))
	}
	for _, login := range []string{"bo", "dora"} {
		s := h.seat(login, desk.Approver)
		c.heads = append(c.heads, s, other.seatOf(s.ID))
	}
	u, _ := h.bring(c.hands[0], "may.csv", list(contacts...))
	c.id = u.ID
	var wg sync.WaitGroup
	for n := range 100 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(1, uint64(n)))
			acts, least := 4, 0
			if n%3 > 0 { // who does not edit goes on for longer, and comes to something
				acts, least = 8, 5
			}
			for range acts {
				c.act(r, least+r.IntN(20-least), n)
				time.Sleep(time.Duration(r.IntN(200)) * time.Millisecond)
			}
		})
	}
	wg.Wait()
	u = h.until(c.hands[0], c.id, desk.Draft, desk.Waiting, desk.Stopped, desk.Done, desk.Approved)
	if u.State != desk.Draft {
		h.mend(c.hands[0], u, 3, 1, "end@example.com")
		c.note("row 3, column 2, version %d", h.version(c.hands[0], u, at(3)), "end@example.com")
	}
	h.await("the rest is asked for", func() bool {
		sheet := h.sheet(c.hands[0], u)
		if sheet.Due == 0 {
			return true
		}
		asked, err := c.hands[0].Ask(t.Context(), c.id, desk.Wish{Digest: sheet.Digest, LeftOut: sheet.Bad()})
		if err != nil { // it may be of a moment ago
			return false
		}
		h.approve(c.heads[0], asked)
		h.until(c.hands[0], c.id, desk.Done, desk.Stopped)
		return true
	})
	if other != h {
		h.sent = append(h.sent, other.sent...)
	}
	c.judge(contacts)
	h.whole()
}

// act does one of twenty things. It is taken, or refused for a reason.
func (c *crowd) act(r *rand.Rand, what, n int) {
	hand, head, ctx := c.hands[r.IntN(len(c.hands))], c.heads[r.IntN(len(c.heads))], c.t.Context()
	var err error
	switch {
	case what < 5:
		err = c.type_(hand, 2+r.IntN(crowdRows), fmt.Sprintf("m%d-%d@example.com", n, r.IntN(1_000_000)))
	case what < 6:
		_, _, err = hand.Undo(ctx, c.id, 0)
	case what < 11:
		u := c.load(hand, c.id)
		sheet, err := hand.Sheet(ctx, u, true)
		if err != nil {
			c.t.Error(err)
			return
		}
		u, err = hand.Ask(ctx, c.id, desk.Wish{Digest: sheet.Digest, LeftOut: sheet.Bad()})
		if c.known(err); err == nil && what < 9 {
			_, err = head.Approve(ctx, c.id, u.Digest)
			c.known(err)
		}
	case what < 16:
		_, err = head.Approve(ctx, c.id, c.load(head, c.id).Digest)
	case what < 17:
		_, err = hand.Stop(ctx, c.id)
	case what < 18:
		err = hand.GoOn(ctx, c.id)
	case what < 19:
		_, err = head.SendBack(ctx, c.id, "once more")
	default:
		_, err = hand.Reopen(ctx, c.id)
	}
	c.known(err)
}

// known fails where something else is said than a refusal.
func (c *crowd) known(err error) {
	r, clashes, e := (*desk.Refusal)(nil), desk.Clashes(nil), (*pipeline.Error)(nil)
	if err != nil && !errors.As(err, &r) && !errors.As(err, &clashes) && !errors.As(err, &e) {
		c.t.Error(err)
	}
}

func (c *crowd) type_(s *desk.Seat, row int, text string) error {
	u := &desk.Upload{ID: c.id, Account: north}
	version := c.version(s, u, at(row))
	_, _, err := s.Mend(c.t.Context(), c.id, c.table(s, u), []desk.Edit{{at(row), text, version}})
	if err == nil {
		c.note("row %d, column 2, version %d", row, version+1, text)
	}
	return err
}

// note keeps what a version of a cell says.
func (c *crowd) note(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	last := len(args) - 1
	c.typed[fmt.Sprintf(format, args[:last]...)] = args[last].(string)
}

// judge reads from the audit trail what each approval was of, and holds what was sent to it.
func (c *crowd) judge(contacts []string) {
	cells := make([][]string, crowdRows) // by row, what was typed and not taken back, the last one last
	approved, starts := map[string]bool{}, 0
	for _, e := range must(c.desk.Events(c.t.Context(), c.id))(c.t) {
		var row, column, version int
		fmt.Sscanf(e.Place, "row %d, column %d, version %d", &row, &column, &version)
		switch e.Action {
		case "mend":
			text, ok := c.typed[e.Place]
			if !ok {
				c.t.Fatalf("nobody has typed %s", e.Place)
			}
			cells[row-2] = append(cells[row-2], text)
		case "undo":
			cells[row-2] = cells[row-2][:len(cells[row-2])-1]
		case "start":
			starts++
		case "approve":
			for i := range crowdRows {
				text := append([]string{contacts[i]}, cells[i]...)
				approved[session(i)+" "+text[len(cells[i])]] = true
			}
		}
	}
	var sent []string
	c.house.mu.Lock()
	defer c.house.mu.Unlock()
	for _, d := range c.sent {
		if !approved[d.Session+" "+d.Contact] {
			c.t.Errorf("%s was sent for %s, and nobody has approved that", d.Contact, d.Session)
		}
		if slices.Contains(sent, d.Session) {
			c.t.Errorf("session %s was sent twice", d.Session)
		}
		sent = append(sent, d.Session)
	}
	for session, n := range c.box.Stats().Accepted {
		if n != 1 {
			c.t.Errorf("session %s was accepted %d times", session, n)
		}
	}
	if len(sent) < crowdRows/2 || starts == 0 {
		c.t.Errorf("%d rows were sent in %d starts: this shows nothing", len(sent), starts)
	}
	c.t.Logf("%d rows were sent in %d starts", len(sent), starts)
}
