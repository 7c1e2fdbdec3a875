package desk_test

import (
	"bytes"
	"errors"
	"os"
	"testing"
	"time"

	"hppsend/internal/desk"
)

// signedIn reports whether somebody is signed in by a token.
func (h *house) signedIn(token string) bool {
	h.t.Helper()
	_, ok, err := h.desk.Seat(h.t.Context(), token)
	if err != nil {
		h.t.Fatal(err)
	}
	return ok
}

// TestSessionEnds after half an hour without a look, and after half a day in any case.
func TestSessionEnds(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		h.rest()
		anna := h.seat("anna", desk.Viewer)
		begin := func() string { return must(h.desk.Begin(t.Context(), anna.ID, "test"))(t) }
		idle, used := begin(), begin()
		time.Sleep(30*time.Minute - time.Second)
		if !h.signedIn(used) {
			t.Error("signed out within half an hour")
		}
		time.Sleep(time.Second)
		if h.signedIn(idle) || !h.signedIn(used) {
			t.Error("half an hour without a look is not what counts")
		}
		for range 24 { // looks within a minute are not taken down
			time.Sleep(28 * time.Minute)
			if !h.signedIn(used) {
				t.Fatal("signed out within half an hour")
			}
		}
		if s, _, _ := h.desk.Seat(t.Context(), used); !s.Until.Equal(time.Date(2000, 1, 1, 12, 0, 0, 0, time.UTC)) {
			t.Errorf("it is to end at %s", s.Until)
		}
		time.Sleep(17 * time.Minute)
		if !h.signedIn(used) {
			t.Error("signed out within half a day")
		}
		time.Sleep(2 * time.Minute)
		if h.signedIn(used) {
			t.Error("signed in for more than half a day")
		}
	})
}

// TestSessions lists where a person is signed in, and ends it there.
func TestSessions(t *testing.T) {
	h := newHouse(t)
	anna, bo := h.seat("anna", desk.Viewer), h.seat("bo", desk.Viewer)
	token := must(h.desk.Begin(t.Context(), anna.ID, "phone"))(t)
	all := must(anna.Sessions(t.Context()))(t)
	if len(all) != 2 || all[0].This == all[1].This {
		t.Fatalf("%+v", all)
	}
	phone := all[0]
	if phone.This {
		phone = all[1]
	}
	if phone.Agent != "phone" {
		t.Errorf("%+v", phone)
	}
	refused(t, bo.EndSession(t.Context(), phone.ID), desk.NotFound)
	if !h.signedIn(token) {
		t.Error("somebody else has ended it")
	}
	if err := anna.EndSession(t.Context(), phone.ID); err != nil || h.signedIn(token) {
		t.Errorf("it was not ended: %v", err)
	}
	refused(t, anna.EndSession(t.Context(), phone.ID), desk.NotFound)
	if err := anna.EndSession(t.Context(), ""); err != nil || len(must(anna.Sessions(t.Context()))(t)) != 0 {
		t.Errorf("the own one was not ended: %v", err)
	}
}

// Who is kept out, or gets other roles, has to sign in again; who may not sign in cannot begin.
func TestSessionIsVoid(t *testing.T) {
	h := newHouse(t)
	id := h.seat("anna", desk.Viewer).ID
	for name, void := range map[string]func() error{
		"other roles": func() error { return h.desk.SetRoles(t.Context(), "anna", north, []desk.Role{desk.Uploader}) },
		"kept out":    func() error { return h.desk.Disable(t.Context(), "anna", true) },
	} {
		if err := h.desk.Disable(t.Context(), id, false); err != nil {
			t.Fatal(err)
		}
		token := must(h.desk.Begin(t.Context(), id, ""))(t)
		if !h.signedIn(token) {
			t.Fatal("not signed in")
		}
		if err := void(); err != nil || h.signedIn(token) {
			t.Errorf("%s: signed in still, %v", name, err)
		}
	}
	_, invitation, err := h.desk.Invite(t.Context(), "anna", "")
	if err = errors.Join(err, h.desk.Disable(t.Context(), id, true)); err != nil {
		t.Fatal(err)
	}
	_, err = h.desk.Invited(t.Context(), invitation)
	refused(t, err, desk.Gone)
	for _, person := range []string{id, "nobody"} {
		_, err := h.desk.Begin(t.Context(), person, "")
		refused(t, err, desk.Forbidden)
	}
	for _, token := range []string{"", "nonsense"} {
		if h.signedIn(token) {
			t.Errorf("signed in by %q", token)
		}
	}
}

// Who is let in again needs a new password: the old one may have been why.
func TestLetInAgain(t *testing.T) {
	h := newHouse(t)
	h.member("anna")
	for _, disabled := range []bool{true, false} {
		if err := h.desk.Disable(t.Context(), "anna", disabled); err != nil {
			t.Fatal(err)
		}
		_, err := h.desk.SignIn(t.Context(), "anna", password, "1")
		refused(t, err, desk.Invalid)
	}
	id := h.member("anna")
	if got := must(h.desk.SignIn(t.Context(), "anna", password, "1"))(t); got != id {
		t.Errorf("%s is not %s", got, id)
	}
}

// What a browser asks by itself does not keep anybody signed in.
func TestPeek(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		h.rest()
		token := must(h.desk.Begin(t.Context(), h.seat("anna", desk.Viewer).ID, "test"))(t)
		for range 29 {
			time.Sleep(time.Minute)
			if _, ok, err := h.desk.Peek(t.Context(), token); !ok || err != nil {
				t.Fatalf("signed out within half an hour, %v", err)
			}
		}
		time.Sleep(time.Minute)
		if _, ok, _ := h.desk.Peek(t.Context(), token); ok || h.signedIn(token) {
			t.Error("looks that nobody makes count")
		}
	})
}

// What the books hold signs nobody in.
func TestTokensAreHashed(t *testing.T) {
	h := newHouse(t)
	token := must(h.desk.Begin(t.Context(), h.seat("anna", desk.Viewer).ID, ""))(t)
	_, invitation, err := h.desk.Invite(t.Context(), "bo", "")
	if err != nil {
		t.Fatal(err)
	}
	h.member("carl")
	for _, name := range []string{"page.db", "page.db-wal"} {
		b, err := os.ReadFile(h.path("page", name))
		if err != nil {
			t.Fatal(err)
		}
		for what, text := range map[string]string{"session": token, "invitation": invitation, "password": password} {
			if bytes.Contains(b, []byte(text)) || bytes.Contains(b, []byte(text[:len(text)/2])) {
				t.Errorf("the %s lies in %s", what, name)
			}
		}
	}
}

// The one person of a desk without accounts signs in by a link, once, and not at all when there are accounts.
func TestLocal(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()
	id := must(h.desk.Local(ctx))(t)
	if again := must(h.desk.Local(ctx))(t); again != id {
		t.Errorf("%s is %s", id, again)
	}
	token := must(h.desk.Link(ctx, id))(t)
	if got := must(h.desk.Accept(ctx, token, "", ""))(t); got != id {
		t.Errorf("the link is of %s", got)
	}
	_, err := h.desk.Accept(ctx, token, "", "")
	refused(t, err, desk.Gone)
	s := h.seatOf(id)
	for _, account := range []string{north, south} {
		for _, role := range desk.Roles() {
			if !s.May(account, role) {
				t.Errorf("no %s of %s", role, account)
			}
		}
	}
	_, err = h.desk.SignIn(ctx, "local", "", "1")
	refused(t, err, desk.Invalid)
	session := must(h.desk.Begin(ctx, id, ""))(t)
	if err := h.desk.NoLocal(ctx); err != nil || h.signedIn(session) {
		t.Errorf("signed in still, %v", err)
	}
	_, err = h.desk.Begin(ctx, id, "")
	refused(t, err, desk.Forbidden)
}
