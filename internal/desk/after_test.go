package desk_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hppsend/internal/desk"
	"hppsend/pipeline"
)

// What HPP has refused is mended and sent, once somebody has approved that; what was delivered is not sent again.
func TestReopen(t *testing.T) {
	h := newHouse(t)
	h.reply = func(d pipeline.Distribution) *pipeline.Reply {
		if d.Contact != "wrong@example.com" {
			return nil
		}
		return &pipeline.Reply{Verdict: pipeline.Refused, HTTPStatus: 400, Code: "BAD_VALUE", Reason: "not an address"}
	}
	anna, bo := h.seat("anna", desk.Uploader), h.seat("bo", desk.Approver)
	u, _ := h.bring(anna, "may.csv", list("anna@example.com", "wrong@example.com", "cleo@example.com"))
	_, err := anna.Reopen(t.Context(), u.ID)
	refused(t, err, desk.Conflict)
	u = h.ask(anna, u)
	_, err = anna.Reopen(t.Context(), u.ID)
	refused(t, err, desk.Conflict)
	h.approve(bo, u)
	u = h.until(anna, u.ID, desk.Done)
	o := must(anna.Outcomes(t.Context(), u, pipeline.Rejected, 0))(t)
	if len(o.Rows) != 1 || o.Rows[0].Code != "BAD_VALUE" || o.Rows[0].Place.Row != 3 {
		t.Fatalf("%+v", o)
	}
	if u = must(anna.Reopen(t.Context(), u.ID))(t); u.State != desk.Draft {
		t.Errorf("it is %s", u.State)
	}
	sheet := h.sheet(anna, u)
	if diff := cmp.Diff([]desk.Problem{{"BAD_VALUE", "email", 1}}, sheet.Problems); diff != "" || sheet.Due != 0 {
		t.Errorf("%d are due; problems (-want +got):\n%s", sheet.Due, diff)
	}
	if sheet = h.mend(anna, u, 3, 1, "right@example.com"); sheet.Due != 1 || sheet.Bad() != 0 {
		t.Errorf("%+v", sheet)
	}
	if o := must(anna.Outcomes(t.Context(), h.load(anna, u.ID), pipeline.Rejected, 0))(t); len(o.Rows) != 1 { // as it was sent
		t.Errorf("%+v", o)
	}
	if text := all(t, must(anna.Report(t.Context(), h.load(anna, u.ID), pipeline.CSV))(t), nil); !strings.Contains(text, "wrong@example.com") || strings.Contains(text, "right@example.com") {
		t.Errorf("the report is of what was not sent yet:\n%s", text)
	}
	if len(h.contacts()) != 3 {
		t.Error("something was sent before it was approved")
	}
	h.approve(bo, h.ask(anna, u))
	u = h.until(anna, u.ID, desk.Done)
	if diff := cmp.Diff([]string{"anna@example.com", "cleo@example.com", "right@example.com", "wrong@example.com"}, h.contacts()); diff != "" {
		t.Errorf("sent was (-want +got):\n%s", diff)
	}
	if o := must(anna.Outcomes(t.Context(), u, "", 0))(t); o.Tally.Status[pipeline.Delivered] != 3 {
		t.Errorf("%+v", o.Tally)
	}
}

// TestSettle ends doubts by what a settler has found out, and by nothing else.
func TestSettle(t *testing.T) {
	h := newHouse(t)
	h.unclear("b@example.com")
	anna, bo, sara := h.seat("anna", desk.Uploader), h.seat("bo", desk.Approver), h.seat("sara", desk.Settler)
	u, _ := h.bring(anna, "may.csv", three)
	other, _ := h.bring(anna, "june.csv", "session_id,email\n"+session(9)+",b@example.com\n")
	for _, one := range []*desk.Upload{u, other} {
		h.approve(bo, h.ask(anna, one))
		h.until(anna, one.ID, desk.Done)
	}
	doubt := must(sara.Doubts(t.Context(), u))(t)
	foreign := must(sara.Doubts(t.Context(), other))(t)
	if len(doubt) != 1 || len(foreign) != 1 {
		t.Fatalf("%+v, %+v", doubt, foreign)
	}
	ours := []pipeline.Ticket{doubt[0].Ticket}
	for name, tt := range map[string]struct {
		tickets []pipeline.Ticket
		reason  string
		code    desk.Code
	}{
		"no reason":            {ours, " ", desk.Invalid},
		"two lines":            {ours, "a\nb", desk.Invalid},
		"no row":               {nil, "they say so", desk.Invalid},
		"another upload's row": {append([]pipeline.Ticket{foreign[0].Ticket}, ours...), "they say so", desk.Conflict},
		"a row that is none":   {[]pipeline.Ticket{4711}, "they say so", desk.Conflict},
	} {
		if n, err := sara.Settle(t.Context(), u.ID, tt.tickets, true, tt.reason); !refused(t, err, tt.code) || n != 0 {
			t.Errorf("%s: %d rows were settled", name, n)
		}
	}
	if n := must(sara.Settle(t.Context(), u.ID, ours, false, "they say so"))(t); n != 1 || h.load(anna, u.ID).State != desk.Done {
		t.Errorf("%d rows were settled, and it is %s", n, h.load(anna, u.ID).State)
	}
	_, err := sara.Settle(t.Context(), u.ID, ours, false, "they say so") // a second time
	refused(t, err, desk.Conflict)
	if len(h.contacts()) != 4 {
		t.Error("it was sent without anybody's word")
	}
	h.unclear("")
	if err := anna.GoOn(t.Context(), u.ID); err != nil {
		t.Fatal(err)
	}
	h.await("the row that was not sent is sent", func() bool { return len(h.contacts()) == 5 })
	h.until(anna, u.ID, desk.Done)
	if n := must(sara.Settle(t.Context(), other.ID, []pipeline.Ticket{foreign[0].Ticket}, true, "they say so"))(t); n != 1 || h.load(anna, other.ID).State != desk.Done {
		t.Errorf("%d rows were settled, and it is %s", n, h.load(anna, other.ID).State)
	}
	if diff := cmp.Diff([]string{"a@example.com", "b@example.com", "b@example.com", "b@example.com", "c@example.com"}, h.contacts()); diff != "" {
		t.Errorf("sent was (-want +got):\n%s", diff)
	}
}

// TestOutcomes gives rows by pages, and each once.
func TestOutcomes(t *testing.T) {
	h := newHouse(t)
	anna := h.seat("anna", desk.Uploader)
	var contacts []string
	for i := range 120 {
		contacts = append(contacts, fmt.Sprintf("p%d@example.com", i), "nobody")
	}
	u, _ := h.bring(anna, "may.csv", list(contacts...))
	_, err := anna.Outcomes(t.Context(), u, "", 0)
	refused(t, err, desk.Conflict)
	_, err = anna.Report(t.Context(), u, pipeline.CSV)
	refused(t, err, desk.Conflict)
	h.approve(h.seat("bo", desk.Approver), h.ask(anna, u))
	u = h.until(anna, u.ID, desk.Done)
	for _, tt := range []struct {
		status pipeline.Status
		page   int
		rows   int
		first  int
		more   bool
	}{
		{"", 0, 50, 2, true},
		{"", 4, 40, 202, false},
		{pipeline.Delivered, 0, 50, 2, true},
		{pipeline.Delivered, 1, 50, 102, true},
		{pipeline.Delivered, 2, 20, 202, false},
		{pipeline.Rejected, 2, 20, 203, false},
		{pipeline.Delivered, 3, 0, 0, false},
		{pipeline.Uncertain, 0, 0, 0, false},
	} {
		o := must(anna.Outcomes(t.Context(), u, tt.status, tt.page))(t)
		if len(o.Rows) != tt.rows || o.More != tt.more || tt.rows > 0 && o.Rows[0].Place.Row != tt.first || o.Tally.Rows != 240 {
			t.Errorf("%s, page %d: %d rows, more: %t", tt.status, tt.page, len(o.Rows), o.More)
		}
	}
	views := 0
	for _, e := range must(h.desk.Events(t.Context(), u.ID))(t) {
		if e.Action == "view" {
			views++
		}
	}
	if views != 6 {
		t.Errorf("%d looks at contacts were taken down", views)
	}
}

// A run that breaks off is stopped for a reason that is told, and goes on.
func TestBrake(t *testing.T) {
	h := newHouse(t)
	denied := true
	h.reply = func(pipeline.Distribution) *pipeline.Reply {
		if denied {
			return &pipeline.Reply{Verdict: pipeline.Denied, HTTPStatus: 401, Code: pipeline.StopDenied, Reason: "wrong credentials"}
		}
		return nil
	}
	anna := h.seat("anna", desk.Uploader)
	u, _ := h.bring(anna, "may.csv", three)
	h.approve(h.seat("bo", desk.Approver), h.ask(anna, u))
	if u = h.until(anna, u.ID, desk.Stopped, desk.Done); u.State != desk.Stopped || u.Reason == "" || len(h.box.Stats().Accepted) > 0 {
		t.Errorf("it is %s (%s)", u.State, u.Reason)
	}
	denied = false
	if err := anna.GoOn(t.Context(), u.ID); err != nil {
		t.Fatal(err)
	}
	h.until(anna, u.ID, desk.Done)
	if got := h.box.Stats(); len(got.Accepted) != 3 || got.Sent != 3 {
		t.Errorf("%+v", got)
	}
}

// What a browser calls a file is its name, and no path.
func TestFileName(t *testing.T) {
	h := newHouse(t)
	anna := h.seat("anna", desk.Uploader)
	for name, want := range map[string]string{
		"may.csv": "may.csv", "../../etc/passwd": "passwd", `C:\Users\anna\may.csv`: "may.csv", "/": "upload", "": "upload", ".": "upload", "-": "upload",
		"a\x00b\n.csv": "ab.csv", "a\u202ebcd.csv": "abcd.csv", "a\xff.csv": "a.csv", `x"><img src=x>.csv`: `x"><img src=x>.csv`, "..": "..",
		strings.Repeat("å", 200) + ".xlsx": strings.Repeat("å", 80) + "…" + strings.Repeat("å", 34) + ".xlsx",
	} {
		u, _, err := anna.Bring(t.Context(), north, name, strings.NewReader(three))
		if err != nil || u.Name != want || h.load(anna, u.ID).Name != want {
			t.Errorf("%q is called %q, %v", name, u.Name, err)
		}
		if _, err := anna.Sheet(t.Context(), u, true); err != nil && !errors.As(err, new(*pipeline.Error)) {
			t.Errorf("%q: %v", name, err)
		}
	}
}
