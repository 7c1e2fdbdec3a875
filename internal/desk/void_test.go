package desk_test

import (
	"bytes"
	"context"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hppsend/internal/campaign"
	"hppsend/internal/desk"
	"hppsend/pipeline"
)

// approved gives an upload that is approved, while nothing is started.
func (h *house) approved(text string) (anna *desk.Seat, u *desk.Upload) {
	h.t.Helper()
	h.rest()
	anna = h.seat("anna", desk.Uploader)
	u, _ = h.bring(anna, "may.csv", text)
	return anna, h.approve(h.seat("bo", desk.Approver), h.ask(anna, u))
}

var three = list("a@example.com", "b@example.com", "c@example.com")

// What has become another thing between the approval and the start is not sent; it has to be approved again.
func TestVoid(t *testing.T) {
	account := func(change func(*desk.Account)) func(*testing.T, *house, *desk.Upload) {
		return func(_ *testing.T, h *house, _ *desk.Upload) {
			h.desk.Close()
			change(&h.cfg.Accounts[0])
			h.desk = must(desk.Open(h.t.Context(), h.cfg))(h.t)
		}
	}
	for name, tt := range map[string]struct {
		meanwhile func(*testing.T, *house, *desk.Upload)
		want      desk.State
	}{
		"nothing has changed":    {func(*testing.T, *house, *desk.Upload) {}, desk.Done},
		"the desk was restarted": {account(func(*desk.Account) {}), desk.Done},
		"who approved was kept out": {func(t *testing.T, h *house, _ *desk.Upload) {
			if err := h.desk.Disable(t.Context(), "bo", true); err != nil {
				t.Fatal(err)
			}
		}, desk.Draft},
		"who approved may not any more": {func(t *testing.T, h *house, _ *desk.Upload) { h.seat("bo", desk.Uploader) }, desk.Draft},
		"who approved has more roles":   {func(t *testing.T, h *house, _ *desk.Upload) { h.seat("bo", desk.Uploader, desk.Approver) }, desk.Done},
		"another number of rows left out": {func(t *testing.T, h *house, u *desk.Upload) {
			h.exec("UPDATE upload SET left_out = left_out + 1 WHERE id = ?", u.ID)
		}, desk.Draft},
		"another program":      {account(func(a *desk.Account) { a.Options.Program.Version = "other" }), desk.Draft},
		"another rate":         {account(func(a *desk.Account) { a.Options.Rate = 2 }), desk.Draft},
		"another headroom":     {account(func(a *desk.Account) { a.Options.Headroom = 0.5 }), desk.Draft},
		"another target":       {account(func(a *desk.Account) { a.Options.Target.Name = "https://api.example.com" }), desk.Draft},
		"another user":         {account(func(a *desk.Account) { a.Options.User = "K123" }), desk.Draft},
		"another canary":       {account(func(a *desk.Account) { a.Options.Send.Canary = 1 }), desk.Draft},
		"another limit":        {account(func(a *desk.Account) { a.Options.Send.Limit = 1 }), desk.Draft},
		"another brake":        {account(func(a *desk.Account) { a.Options.Send.MaxRejected = pipeline.Threshold{Rows: 1} }), desk.Draft},
		"uncertain rows again": {account(func(a *desk.Account) { a.Options.ResendUncertain = true }), desk.Draft},
		"how it is read by default, which is its own by now": {account(func(a *desk.Account) { a.Options.Country = "DE" }), desk.Done},
		"the plan was changed on the disk":                   {tampered(".plan", flip), desk.Draft},
		"the plan was cut off on the disk":                   {tampered(".plan", cut), desk.Draft},
		"the plan is gone":                                   {tampered(".plan", nil), desk.Draft},
		"the upload was changed on the disk":                 {tampered(".sheet", flip), desk.Stopped},
		"the upload was cut off on the disk":                 {tampered(".sheet", cut), desk.Stopped},
		"the upload is gone":                                 {tampered(".sheet", nil), desk.Stopped},
		"another's plan":                                     {swapped(".plan"), desk.Draft},
		"another's upload":                                   {swapped(".sheet"), desk.Stopped},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			_, u := h.approved(three)
			tt.meanwhile(t, h, u)
			h.run()
			anna := h.seat("anna", desk.Uploader)
			u = h.until(anna, u.ID, desk.Done, desk.Draft, desk.Stopped)
			if sent := len(h.contacts()); u.State != tt.want || sent > 0 != (tt.want == desk.Done) || u.Reason == "" != (tt.want == desk.Done) {
				t.Errorf("it is %s (%s) after %d calls", u.State, u.Reason, sent)
			}
			if void := len(must(anna.Approvals(t.Context(), u))(t)) == 0; void != (tt.want == desk.Draft) {
				t.Errorf("the approval is void: %t", void)
			}
		})
	}
}

func flip(b []byte) []byte { b[len(b)/2] ^= 1; return b }
func cut(b []byte) []byte  { return b[:len(b)-1] }

// tampered changes what lies on the disk, or takes it away.
func tampered(ending string, change func([]byte) []byte) func(*testing.T, *house, *desk.Upload) {
	return func(t *testing.T, h *house, u *desk.Upload) {
		path := h.file(u, ending)
		b, err := os.ReadFile(path)
		if change == nil {
			err = os.Remove(path)
		} else if err == nil {
			err = os.WriteFile(path, change(bytes.Clone(b)), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// swapped puts a file of another upload in the place of one.
func swapped(ending string) func(*testing.T, *house, *desk.Upload) {
	return func(t *testing.T, h *house, u *desk.Upload) {
		anna := h.seat("anna", desk.Uploader)
		other, _ := h.bring(anna, "may.csv", three)
		h.ask(anna, other)
		if err := os.Rename(h.file(other, ending), h.file(u, ending)); err != nil {
			t.Fatal(err)
		}
	}
}

// An upload that is not any more what came in cannot be checked, nor asked for.
func TestDamagedUpload(t *testing.T) {
	const packed = 16 + 64<<10 + 16 // bytes of a package of the encrypted file
	for name, change := range map[string]func([]byte) []byte{
		"changed":         flip,
		"cut off":         cut,
		"cut at a border": func(b []byte) []byte { return b[:packed] },
		"emptied":         func([]byte) []byte { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			anna := h.seat("anna", desk.Uploader)
			u, sheet := h.bring(anna, "long.csv", long(3_000))
			tampered(".sheet", change)(t, h, u)
			h.reopen()
			anna = h.seat("anna", desk.Uploader)
			now, err := anna.Sheet(t.Context(), u, true)
			if err == nil && now.Refused == nil {
				t.Errorf("%d rows are shown of %d", now.Rows, sheet.Rows)
			}
			for _, digest := range []string{sheet.Digest, ""} {
				if _, err := anna.Ask(t.Context(), u.ID, desk.Wish{Digest: digest, LeftOut: sheet.Bad()}); err == nil {
					t.Error("approval was asked for")
				}
			}
		})
	}
}

// cli sends a list as the command line does, on the ledger of the north.
func (h *house) cli(name, text string) campaign.Result {
	h.t.Helper()
	a := h.cfg.Accounts[0]
	if err := os.WriteFile(h.path(name), []byte(text), 0o600); err != nil {
		h.t.Fatal(err)
	}
	opt := a.Options
	opt.Outputs = campaign.Outputs{None: true}
	res, err := campaign.Run(h.t.Context(), opt, campaign.Ports{
		Ledger: a.Ledger, Dial: a.Dial, Record: a.Record, Observer: silent{}, Stop: make(chan struct{}),
	}, []string{h.path(name)})
	if err != nil {
		h.t.Fatal(err)
	}
	return res
}

// What another run has delivered meanwhile is not sent again, and the approval of the rest holds.
func TestShrinks(t *testing.T) {
	h := newHouse(t)
	anna, u := h.approved(three)
	h.cli("other.csv", list("a@example.com", "b@example.com"))
	h.run()
	u = h.until(anna, u.ID, desk.Done, desk.Draft, desk.Stopped)
	o, err := anna.Outcomes(t.Context(), u, "", 0)
	if err != nil || u.State != desk.Done || o.Tally.Status[pipeline.Delivered] != 3 || o.Tally.SentNow != 1 {
		t.Errorf("it is %s: %+v, %v", u.State, o, err)
	}
	if diff := cmp.Diff([]string{"a@example.com", "b@example.com", "c@example.com"}, h.contacts()); diff != "" {
		t.Errorf("sent was (-want +got):\n%s", diff)
	}
}

// An upload of which another run has delivered all is done, and is reported on.
func TestShrinksToNothing(t *testing.T) {
	h := newHouse(t)
	anna, u := h.approved(three)
	h.cli("other.csv", three)
	h.run()
	u = h.until(anna, u.ID, desk.Done, desk.Draft, desk.Stopped)
	o, err := anna.Outcomes(t.Context(), u, "", 0)
	if err != nil || u.State != desk.Done || o.Tally.Status[pipeline.Delivered] != 3 || len(h.contacts()) != 3 {
		t.Errorf("it is %s: %+v, %v", u.State, o, err)
	}
}

// A row that was not to be sent when somebody approved is not sent: here one that was uncertain then, and of which
// it is found out meanwhile that it was not sent. An older plan, which had it, does not help.
func TestNeverGrows(t *testing.T) {
	for name, older := range map[string]bool{"by the plan": false, "by an older plan": true} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.rest()
			anna, bo := h.seat("anna", desk.Uploader), h.seat("bo", desk.Approver)
			u, _ := h.bring(anna, "may.csv", three)
			old := h.file(h.ask(anna, u), ".plan")
			plan := must(os.ReadFile(old))(t)
			must(anna.Withdraw(t.Context(), u.ID))(t)
			if err := os.Remove(old); err != nil {
				t.Fatal(err)
			}
			h.unclear("a@example.com")
			run := h.cli("other.csv", list("a@example.com")).Files[0].Run
			_, err := anna.Ask(t.Context(), u.ID, desk.Wish{Digest: h.sheet(anna, u).Digest}) // as it was shown before
			refused(t, err, desk.Conflict)
			if u = h.approve(bo, h.ask(anna, u)); u.Due != 2 {
				t.Fatalf("%d messages were approved", u.Due)
			}
			l := h.cfg.Accounts[0].Ledger
			ticket := must(l.Doubts(t.Context(), run))(t)[0].Ticket
			if n := must(l.Settle(t.Context(), []pipeline.Ticket{ticket}, false, "they say so"))(t); n != 1 {
				t.Fatalf("%d rows were settled", n)
			}
			if older {
				if err := os.WriteFile(h.file(u, ".plan"), plan, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			h.unclear("")
			h.run()
			if u = h.until(anna, u.ID, desk.Done, desk.Draft, desk.Stopped); u.State != desk.Draft || len(h.contacts()) != 1 {
				t.Errorf("it is %s after %q", u.State, h.contacts())
			}
			_, err = anna.Ask(t.Context(), u.ID, desk.Wish{Digest: h.sheet(anna, u).Digest}) // which is of two messages
			refused(t, err, desk.Conflict)
			h.approve(bo, h.ask(anna, u))
			h.until(anna, u.ID, desk.Done)
			if diff := cmp.Diff([]string{"a@example.com", "a@example.com", "b@example.com", "c@example.com"}, h.contacts()); diff != "" {
				t.Errorf("sent was (-want +got):\n%s", diff)
			}
		})
	}
}

// unclear makes calls for a contact end without an answer.
func (h *house) unclear(contact string) {
	h.reply = func(d pipeline.Distribution) *pipeline.Reply {
		if d.Contact != contact {
			return nil
		}
		return &pipeline.Reply{Verdict: pipeline.Unclear, Code: pipeline.CodeNoClearAnswer, Reason: "no answer came"}
	}
}

// What is sent goes by the approval until its rows are out: a change meanwhile is refused, not lost.
func TestChangedWhileSending(t *testing.T) {
	h := newHouse(t)
	gate := make(chan struct{})
	h.before = func(context.Context, pipeline.Distribution) { <-gate }
	anna := h.seat("anna", desk.Uploader)
	u, _ := h.bring(anna, "may.csv", bad)
	h.approve(h.seat("bo", desk.Approver), h.ask(anna, u))
	h.until(anna, u.ID, desk.Running)
	_, _, err := anna.Mend(t.Context(), u.ID, h.table(anna, u), []desk.Edit{{at(3), "bo@example.com", 0}})
	refused(t, err, desk.Conflict)
	_, err = anna.Withdraw(t.Context(), u.ID)
	refused(t, err, desk.Conflict)
	refused(t, anna.Delete(t.Context(), u.ID), desk.Conflict)
	r := u.Reading
	r.Label = "other"
	_, err = anna.Read(t.Context(), u.ID, r)
	refused(t, err, desk.Conflict)
	close(gate)
	h.until(anna, u.ID, desk.Done)
	if diff := cmp.Diff([]string{"anna@example.com"}, h.contacts()); diff != "" {
		t.Errorf("sent was (-want +got):\n%s", diff)
	}
}
