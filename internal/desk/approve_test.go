package desk_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hppsend/internal/desk"
)

// TestWhoApproves tries everybody who has had a hand in an upload, and some who have not.
func TestWhoApproves(t *testing.T) {
	both := []desk.Role{desk.Uploader, desk.Approver}
	for name, tt := range map[string]struct {
		hand func(*house, *desk.Upload) // what carl does while it is a draft
		want desk.Code                  // when carl approves; empty: it is approved
	}{
		"nobody's hand":      {func(*house, *desk.Upload) {}, ""},
		"who looked":         {func(h *house, u *desk.Upload) { h.sheet(h.seat("carl", both...), u) }, ""},
		"who mended":         {func(h *house, u *desk.Upload) { h.mend(h.seat("carl", both...), u, 3, 1, "bo@example.com") }, desk.Forbidden},
		"who typed the same": {func(h *house, u *desk.Upload) { h.mend(h.seat("carl", both...), u, 3, 1, "nobody") }, ""},
		"whose mend is undone": {func(h *house, u *desk.Upload) {
			h.mend(h.seat("carl", both...), u, 3, 1, "bo@example.com")
			undone(h.t, h.seat("anna", desk.Uploader), u, 0)
		}, desk.Forbidden},
		"who has undone": {func(h *house, u *desk.Upload) {
			h.mend(h.seat("anna", desk.Uploader), u, 3, 1, "bo@example.com")
			undone(h.t, h.seat("carl", both...), u, 0)
		}, desk.Forbidden},
		"who said how it is read": {func(h *house, u *desk.Upload) {
			r := u.Reading
			r.Country = "SE"
			must(h.seat("carl", both...).Read(h.t.Context(), u.ID, r))(h.t)
		}, desk.Forbidden},
		"who said that it is read as it was": {func(h *house, u *desk.Upload) {
			r := u.Reading
			r.Map = map[string]string{}
			must(h.seat("carl", both...).Read(h.t.Context(), u.ID, r))(h.t)
		}, ""},
		"who asked": {func(h *house, u *desk.Upload) {
			carl := h.seat("carl", both...)
			h.ask(carl, u)
			must(h.seat("anna", desk.Uploader).Withdraw(h.t.Context(), u.ID))(h.t)
		}, desk.Forbidden},
		"who has lost the role by which it was done": {func(h *house, u *desk.Upload) {
			h.mend(h.seat("carl", desk.Uploader), u, 3, 1, "bo@example.com")
		}, desk.Forbidden},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			u, _ := h.bring(h.seat("anna", desk.Uploader), "may.csv", list("anna@example.com", "nobody"))
			tt.hand(h, u)
			h.ask(h.seat("anna", desk.Uploader), u)
			h.approves(h.seat("carl", desk.Approver), u.ID, tt.want)
		})
	}
}

// approves holds three things to one another: what a person is told, what a person can do, and what the books take.
func (h *house) approves(s *desk.Seat, id string, want desk.Code) {
	h.t.Helper()
	u := h.load(s, id)
	if may, _, err := s.MayApprove(h.t.Context(), u); err != nil || may != (want == "") {
		h.t.Errorf("told was %t, %v", may, err)
	}
	got, err := s.Approve(h.t.Context(), id, u.Digest)
	if want == "" {
		if err != nil || got.State != desk.Approved {
			h.t.Errorf("%+v, %v", got, err)
		}
		return
	}
	refused(h.t, err, want)
	h.notInBooks(s, id, "who has had a hand in an upload does not approve it")
}

func (h *house) notInBooks(s *desk.Seat, id, why string) {
	h.t.Helper()
	_, err := h.books().ExecContext(h.t.Context(), "INSERT INTO approval (upload, digest, person, time) SELECT id, coalesce(digest, ?), ?, 1 FROM upload WHERE id = ?", []byte{0}, s.ID, id)
	if err == nil || !strings.Contains(err.Error(), why) {
		h.t.Errorf("the books say %v", err)
	}
}

// A person is who the provider says by issuer and subject, whatever the login, the name or the browser.
func TestApproverIsThePerson(t *testing.T) {
	const issuer = "https://id.example.com"
	h := newHouse(t)
	roles := map[string][]desk.Role{north: {desk.Uploader, desk.Approver}}
	known := func(subject, login, name string) *desk.Seat {
		return h.seatOf(must(h.desk.Known(t.Context(), issuer, subject, login, name, roles))(t))
	}
	anna := known("1", "anna", "Anna")
	u, _ := h.bring(anna, "may.csv", list("anna@example.com"))
	h.ask(anna, u)
	h.approves(anna, u.ID, desk.Forbidden)
	h.approves(known("1", "anna", "Anna"), u.ID, desk.Forbidden)     // in another browser
	h.approves(known("1", "anders", "Anders"), u.ID, desk.Forbidden) // under another name
	h.approves(known("2", "anna", "Anna"), u.ID, "")                 // somebody else of that name
}

func TestWithoutTheRole(t *testing.T) {
	h := newHouse(t)
	anna := h.seat("anna", desk.Uploader)
	u, _ := h.bring(anna, "may.csv", list("anna@example.com"))
	u = h.ask(anna, u)
	for _, role := range []desk.Role{desk.Viewer, desk.Uploader, desk.Settler, desk.Administrator} {
		s := h.seat("p"+string(role), role)
		if may, why, err := s.MayApprove(t.Context(), u); may || why == "" || err != nil {
			t.Errorf("%s: told was %t, %q, %v", role, may, why, err)
		}
		_, err := s.Approve(t.Context(), u.ID, u.Digest)
		refused(t, err, desk.Forbidden)
		if role != desk.Viewer {
			continue
		}
		_, _, err = s.Bring(t.Context(), north, "x.csv", strings.NewReader(list("a@example.com")))
		refused(t, err, desk.Forbidden)
		_, err = s.Report(t.Context(), u, "csv")
		refused(t, err, desk.Forbidden)
		_, err = s.Checked(t.Context(), u, "csv")
		refused(t, err, desk.Forbidden)
	}
}

// TestStale approves of what was shown, not of what has become of it.
func TestStale(t *testing.T) {
	onBoth(t, func(t *testing.T, newHouse newHouseFunc) {
		h := newHouse(t)
		anna, bo := h.seat("anna", desk.Uploader), h.seat("bo", desk.Approver)
		u, _ := h.bring(anna, "may.csv", bad)
		_, err := bo.Approve(t.Context(), u.ID, h.sheet(anna, u).Digest) // nobody has asked
		refused(t, err, desk.Conflict)
		h.notInBooks(bo, u.ID, "what is approved is not what waits for approval")
		seen := h.ask(anna, u).Digest
		for _, digest := range []string{"", "00", strings.ToUpper(seen), seen[1:] + "0", "nonsense"} {
			_, err := bo.Approve(t.Context(), u.ID, digest)
			refused(t, err, desk.Conflict)
		}
		h.mend(anna, u, 3, 1, "bo@example.com")
		_, err = bo.Approve(t.Context(), u.ID, seen) // it is a draft again
		refused(t, err, desk.Conflict)
		h.ask(anna, u)
		_, err = bo.Approve(t.Context(), u.ID, seen)
		refused(t, err, desk.Conflict)
		if u = h.load(anna, u.ID); u.State != desk.Waiting || len(h.contacts()) > 0 {
			t.Errorf("it is %s", u.State)
		}
		_, err = h.books().ExecContext(t.Context(), "INSERT INTO approval (upload, digest, person, time) VALUES (?, ?, ?, 1)", u.ID, []byte{0}, bo.ID)
		if err == nil || !strings.Contains(err.Error(), "what is approved is not what waits for approval") {
			t.Errorf("the books say %v", err)
		}
		_, err = h.books().ExecContext(t.Context(), "UPDATE upload SET state = 'running' WHERE id = ?", u.ID)
		if err == nil || !strings.Contains(err.Error(), "nothing is sent that was not approved") {
			t.Errorf("the books say %v", err)
		}
		_, err = anna.Ask(t.Context(), u.ID, desk.Wish{Digest: h.sheet(anna, u).Digest, LeftOut: 2}) // a second time
		refused(t, err, desk.Conflict)
	})
}

// TestApprovers counts people, and by how many messages there are.
func TestApprovers(t *testing.T) {
	onBoth(t, func(t *testing.T, newHouse newHouseFunc) {
		h := newHouse(t, func(h *house) {
			h.cfg.Accounts[0].Approvers = desk.Approvers{{Messages: 1, People: 1}, {Messages: 3, People: 2}}
		})
		anna, bo, dora := h.seat("anna", desk.Uploader), h.seat("bo", desk.Approver), h.seat("dora", desk.Approver)
		two, _ := h.bring(anna, "two.csv", list("a@example.com", "b@example.com", "nobody"))
		if two = h.ask(anna, two); two.Approvers != 1 {
			t.Errorf("two messages take %d people", two.Approvers)
		}
		three, _ := h.bring(anna, "three.csv", list("c@example.com", "d@example.com", "e@example.com"))
		if three = h.ask(anna, three); three.Approvers != 2 {
			t.Errorf("three messages take %d people", three.Approvers)
		}
		for range 2 { // the same person counts once
			if u := h.approve(bo, three); u.State != desk.Waiting || len(must(bo.Approvals(t.Context(), u))(t)) != 1 {
				t.Errorf("after one approval it is %s", u.State)
			}
		}
		_, err := h.books().ExecContext(t.Context(), "UPDATE upload SET state = 'running' WHERE id = ?", three.ID)
		if err == nil || !strings.Contains(err.Error(), "nothing is sent that was not approved") {
			t.Errorf("the books say %v", err)
		}
		if u := h.approve(dora, three); u.State != desk.Approved {
			t.Errorf("after two approvals it is %s", u.State)
		}
		u := h.until(anna, three.ID, desk.Done)
		if all := must(bo.Approvals(t.Context(), u))(t); len(all) != 2 || all[0].By != "Bo" || all[1].By != "Dora" {
			t.Errorf("approved by %+v", all)
		}
		if diff := cmp.Diff([]string{"c@example.com", "d@example.com", "e@example.com"}, h.contacts()); diff != "" {
			t.Errorf("sent was (-want +got):\n%s", diff)
		}
	})
}

func TestTiers(t *testing.T) {
	tiers := desk.Approvers{{Messages: 1000, People: 2}, {Messages: 0, People: 1}, {Messages: 10_000, People: 3}}
	for messages, people := range map[int]int{0: 1, 1: 1, 999: 1, 1000: 2, 9999: 2, 10_000: 3} {
		if got := tiers.For(messages); got != people {
			t.Errorf("%d messages take %d people, not %d", messages, got, people)
		}
	}
	if got := (desk.Approvers{}).For(5); got != 0 {
		t.Errorf("no rule takes %d people", got)
	}
}

// Where one person does all, that person still has to approve.
func TestAlone(t *testing.T) {
	h := newHouse(t, func(h *house) { h.cfg.Accounts[0].Approvers = nil })
	anna, bo := h.seat("anna", desk.Uploader, desk.Approver), h.seat("bo", desk.Uploader)
	u, _ := h.bring(anna, "may.csv", list("anna@example.com"))
	if u = h.ask(anna, u); u.Approvers != 0 || u.State != desk.Waiting {
		t.Errorf("%+v", u)
	}
	_, err := bo.Approve(t.Context(), u.ID, u.Digest)
	refused(t, err, desk.Forbidden)
	h.approves(anna, u.ID, "")
	h.until(anna, u.ID, desk.Done)
}

// However often it is approved, and by however many at once, it is sent once.
func TestApprovedAtOnce(t *testing.T) {
	h := newHouse(t)
	anna := h.seat("anna", desk.Uploader)
	u, _ := h.bring(anna, "may.csv", list("a@example.com", "b@example.com", "c@example.com"))
	u = h.ask(anna, u)
	var wg sync.WaitGroup
	for _, login := range []string{"bo", "dora", "erik"} {
		s := h.seat(login, desk.Approver)
		for range 5 {
			wg.Go(func() { s.Approve(t.Context(), u.ID, u.Digest) })
		}
	}
	wg.Wait()
	h.until(anna, u.ID, desk.Done)
	if diff := cmp.Diff([]string{"a@example.com", "b@example.com", "c@example.com"}, h.contacts()); diff != "" {
		t.Errorf("sent was (-want +got):\n%s", diff)
	}
	if runs := must(anna.Runs(t.Context(), u))(t); len(runs) != 1 {
		t.Errorf("the runs are %q", runs)
	}
}
