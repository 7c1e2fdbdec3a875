package web_test

import (
	"bufio"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"hppsend/internal/desk"
)

// stream opens the events of an upload, and gives each as it comes. The channel is closed at the end.
func (c *client) stream(id string) (events <-chan event, cut func()) {
	c.t.Helper()
	req := c.request(http.MethodGet, "/uploads/"+id+"/events", nil)
	req.Header.Set("Accept", "text/event-stream")
	res, err := c.http.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	for name, want := range map[string]string{"Content-Type": "text/event-stream", "X-Accel-Buffering": "no", "Cache-Control": "no-store"} {
		if got := res.Header.Get(name); got != want || res.StatusCode != 200 {
			c.t.Errorf("the stream (%d) has %s %q, want %q", res.StatusCode, name, got, want)
		}
	}
	out := make(chan event, 1000) // more than a test makes
	go func() {
		defer close(out)
		defer res.Body.Close()
		var e event
		lines := bufio.NewScanner(res.Body)
		for lines.Scan() {
			name, value, _ := strings.Cut(lines.Text(), ": ")
			switch name {
			case "id":
				e.id = value
			case "data":
				if json.Unmarshal([]byte(value), &e) == nil {
					out <- e
				}
			}
		}
	}()
	c.t.Cleanup(func() { res.Body.Close() })
	return out, func() { res.Body.Close() }
}

type event struct {
	id      string
	State   string
	Moving  bool
	Canary  int
	Version int
	Texts   map[string]string
}

// ends reads a stream to its end, and gives what came last.
func ends(t *testing.T, events <-chan event) (last event) {
	t.Helper()
	for timeout := time.After(20 * time.Second); ; {
		select {
		case e, ok := <-events:
			if !ok {
				return last
			}
			if e.Version < last.Version && e.Moving {
				t.Errorf("event %d came after %d", e.Version, last.Version)
			}
			last = e
		case <-timeout:
			t.Fatalf("the stream does not end; the last was %+v", last)
		}
	}
}

// canary waits for the question that comes after the first messages.
func canary(t *testing.T, events <-chan event) {
	t.Helper()
	for timeout := time.After(20 * time.Second); ; {
		select {
		case e, ok := <-events:
			if !ok || e.Canary > 0 {
				if !ok {
					t.Fatal("the stream ended before it was asked")
				}
				return
			}
		case <-timeout:
			t.Fatal("it is never asked")
		}
	}
}

// five is a file with so many rows that can be sent.
func five() string {
	text := "session_id,email\n"
	for i := range 5 {
		text += session(i) + ",person@example.com\n"
	}
	return text
}

// TestProgress watches how a list is sent by one person, who is asked after the first messages, says no, and goes on.
func TestProgress(t *testing.T) {
	t.Parallel()
	h := plan{canary: 2, approvers: desk.Approvers{}, desk: func(c *desk.Config) { c.Accounts[0].Options.Rate = 1000 }}.open(t)
	uma := h.person("Uma", desk.Uploader, desk.Approver)
	id, p := uma.bring("five.csv", five())
	p.at("preview").says("5 messages to send", "2 to begin with", "1 person would get more than one message")
	p.form("form.ask").submit("Send 5 messages").is(303).follow()
	events, _ := uma.stream(id)
	canary(t, events)
	p = uma.get("/uploads/"+id+"/progress").is(200).says("Being sent", "The first 2 messages were accepted.", "delivered 2", "left 3")
	if refresh := p.doc.Find("noscript").Text(); !strings.Contains(refresh, `http-equiv="refresh"`) {
		t.Errorf("without a script nothing moves: %q", refresh)
	}
	if now := uma.state(id); now.Canary != 2 || !now.Moving || now.Due != 5 || now.Done != 2 || now.Texts["left"] != "3" {
		t.Errorf("it stands at %+v", now)
	}
	uma.post("/uploads/"+id+"/cells", "t.2.1.", "x@example.com", "o.2.1.", "", "v.2.1.", "0").is(409)
	uma.post("/uploads/" + id + "/delete").is(409)
	p.form("form.actions").submit("No, stop here").is(303)
	if last := ends(t, events); last.State != "stopped" || last.Moving || last.Texts["delivered"] != "2" && last.Texts["delivered"] != "0" {
		t.Errorf("the last event is %+v", last)
	}
	uma.post("/uploads/"+id+"/answer", "go_on", "yes").is(409).says("Nothing is asked any more.")
	p = uma.get("/uploads/"+id).follow().at("rows").says("It stopped:", "delivered 2", "pending 3")

	p.form("form[action$='/go-on']").submit("Go on").is(303).follow() // who says so has seen the first
	events, _ = uma.stream(id)
	if last := ends(t, events); last.State != "done" || last.Moving {
		t.Errorf("the last event is %+v", last)
	}
	uma.get("/uploads/"+id+"/progress").follow().at("rows").says("all 5", "delivered 5")
	if sent := h.box.Stats().Sent; sent != 5 {
		t.Errorf("%d messages went out", sent)
	}
	over, _ := uma.stream(id)
	if last := ends(t, over); last.State != "done" {
		t.Errorf("of what is done a stream says %+v", last)
	}
}

// TestStreamEnds ends streams by what ends them: signing out, and the end of the server.
func TestStreamEnds(t *testing.T) {
	t.Parallel()
	h := plan{canary: 1, approvers: desk.Approvers{}}.open(t)
	uma := h.person("Uma", desk.Uploader, desk.Approver)
	id, p := uma.bring("five.csv", five())
	p.form("form.ask").submit("Send 5 messages").is(303)
	gone := uma.another()
	a, _ := gone.stream(id)
	canary(t, a)
	gone.post("/sign-out").is(303)
	b, _ := uma.stream(id)
	canary(t, b)
	uma.post("/uploads/" + id + "/stop").is(303).follow()
	if last := ends(t, a); last.State != "" {
		t.Errorf("who has signed out was told %+v", last)
	}
	if last := ends(t, b); last.State != "stopped" {
		t.Errorf("the last event is %+v", last)
	}
	id, p = uma.bring("six.csv", "session_id,email\n"+session(6)+",a@example.com\n"+session(7)+",b@example.com\n")
	p.form("form.ask").submit("Send 2 messages").is(303)
	c, _ := uma.stream(id)
	canary(t, c)
	begun := time.Now()
	h.end()
	ends(t, c)
	if took := time.Since(begun); took > 4*time.Second {
		t.Errorf("a stream that is open keeps the server for %v", took)
	}
}

// TestStop stops a list while calls are under way, and goes on with what is left.
func TestStop(t *testing.T) {
	t.Parallel()
	h := plan{approvers: desk.Approvers{}, script: "sessions: {\"*\": [{do: accept, latency: 100ms}]}"}.open(t)
	uma := h.person("Uma", desk.Uploader, desk.Approver)
	id, p := uma.bring("five.csv", five())
	p.form("form.ask").submit("Send 5 messages").is(303)
	uma.until(id, "running")
	for uma.state(id).Done == 0 {
		time.Sleep(5 * time.Millisecond)
	}
	p = uma.get("/uploads/" + id + "/progress").is(200).form("form[action$='/stop']").submit("Stop").is(303).follow()
	if p.step() != "progress" && p.step() != "rows" {
		t.Errorf("after stop it is at %s", p.asked.Path)
	}
	uma.until(id, "stopped")
	sent := h.box.Stats().Sent
	uma.post("/uploads/" + id + "/stop").is(409)
	if sent == 0 || sent == 5 {
		t.Fatalf("it was not stopped in the midst: %d", sent)
	}
	uma.get("/uploads/" + id + "/rows").form("form[action$='/go-on']").submit("Go on").is(303)
	uma.until(id, "done")
	if sent := h.box.Stats().Sent; sent != 5 {
		t.Errorf("%d messages went out", sent)
	}
}
