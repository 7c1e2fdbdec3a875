package desk_test

import (
	"slices"
	"testing"

	"hppsend/internal/desk"
	"hppsend/pipeline"
)

const wishful = "case,mail,Unsubscribed\n" // of a header that is not ours

// wishes is a file of three rows, the first of which has opted out.
func wishes() string {
	return wishful + session(1) + ",a@example.com,yes\n" + session(2) + ",b@example.com,\n" + session(3) + ",c@example.com,no\n"
}

// TestOptOut says what a column means that seems to say who must not be messaged: until then the upload cannot be asked for,
// what is said is approved with it, and it is asked again of the next file, whose other columns are remembered.
func TestOptOut(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()
	anna, bo := h.seat("anna", desk.Uploader), h.seat("bo", desk.Approver)
	u, _ := h.bring(anna, "may.csv", wishes())
	r := u.Reading
	r.Map = map[string]string{pipeline.FieldSession: "case", pipeline.FieldEmail: "mail"}
	u = must(anna.Read(ctx, u.ID, r))(t)
	sheet := h.sheet(anna, u)
	if !slices.Equal(sheet.Unsaid, []string{"Unsubscribed"}) || sheet.Refused == nil || sheet.Input.HeaderRow != 1 || len(sheet.Input.Mapped) != 2 {
		t.Fatalf("asked is of %q: %v", sheet.Unsaid, sheet.Refused)
	}
	if _, err := anna.Ask(ctx, u.ID, desk.Wish{Digest: sheet.Digest}); err == nil {
		t.Error("approval was asked for")
	}
	digests := map[string]bool{}
	for _, tt := range []struct {
		optOut, noOptOut []string
		due              int
	}{{nil, []string{"Unsubscribed"}, 3}, {[]string{"unsubscribed"}, nil, 2}, {[]string{"Unsubscribed", "UNSUBSCRIBED "}, nil, 2}} {
		r.OptOut, r.NoOptOut = tt.optOut, tt.noOptOut
		u = must(anna.Read(ctx, u.ID, r))(t)
		if sheet = h.sheet(anna, u); sheet.Due != tt.due || len(sheet.Unsaid) > 0 {
			t.Errorf("%q: %d are due, %v", tt.optOut, sheet.Due, sheet.Refused)
		}
		digests[sheet.Digest] = true
	}
	if len(digests) != 3 {
		t.Errorf("of three answers there are %d digests", len(digests))
	}
	h.approve(bo, h.ask(anna, u))
	h.until(anna, u.ID, desk.Done)
	if got := h.contacts(); !slices.Equal(got, []string{"b@example.com", "c@example.com"}) {
		t.Errorf("sent was %q", got)
	}

	next, sheet := h.bring(anna, "june.csv", wishful+session(7)+",d@example.com,\n")
	if next.Reading.Map[pipeline.FieldEmail] != "mail" || len(next.Reading.OptOut) > 0 || !slices.Equal(sheet.Unsaid, []string{"Unsubscribed"}) {
		t.Errorf("the next file is read by %+v: %v", next.Reading, sheet.Refused)
	}
}

// TestOptOutOfTheAccount has the configuration say of a column that it holds, after somebody has said of an upload that it
// means something else, and after it was approved so.
func TestOptOutOfTheAccount(t *testing.T) {
	h := newHouse(t)
	h.rest()
	ctx := t.Context()
	anna, bo := h.seat("anna", desk.Uploader), h.seat("bo", desk.Approver)
	var of []string
	for _, name := range []string{"draft.csv", "approved.csv"} {
		u, _ := h.bring(anna, name, wishes())
		r := u.Reading
		r.Map, r.NoOptOut = map[string]string{pipeline.FieldSession: "case", pipeline.FieldEmail: "mail"}, []string{"Unsubscribed"}
		must(anna.Read(ctx, u.ID, r))(t)
		of = append(of, u.ID)
	}
	h.approve(bo, h.ask(anna, h.load(anna, of[1])))
	h.reopen(func(h *house) { h.cfg.Accounts[0].Options.OptOut = []string{"Unsubscribed"} })
	anna = h.seat("anna", desk.Uploader)
	if sheet := h.sheet(anna, h.load(anna, of[0])); sheet.Due != 2 {
		t.Errorf("%d are due", sheet.Due)
	}
	if u := h.until(anna, of[1], desk.Done, desk.Draft, desk.Stopped); u.State != desk.Draft || len(h.contacts()) > 0 {
		t.Errorf("it is %s (%s), and sent was %q", u.State, u.Reason, h.contacts())
	}
}
