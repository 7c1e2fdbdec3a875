package desk_test

import (
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hppsend/internal/desk"
)

const password = "four plain words here"

// member makes somebody known who signs in with a password.
func (h *house) member(login string) (id string) {
	h.t.Helper()
	_, token, err := h.desk.Invite(h.t.Context(), login, "")
	if err != nil {
		h.t.Fatal(err)
	}
	return must(h.desk.Accept(h.t.Context(), token, "", password))(h.t)
}

// TestInvitation is used once, by whoever has the newest.
func TestInvitation(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()
	_, old, err := h.desk.Invite(ctx, "anna", "Anna A")
	if err != nil {
		t.Fatal(err)
	}
	id, token, err := h.desk.Invite(ctx, "ANNA", "somebody else") // the same person
	if err != nil {
		t.Fatal(err)
	}
	for _, token := range []string{old, "", "nonsense"} {
		_, err := h.desk.Invited(ctx, token)
		refused(t, err, desk.Gone)
		_, err = h.desk.Accept(ctx, token, "", password)
		refused(t, err, desk.Gone)
	}
	for range 2 { // looking at it does not use it up, nor does a password that is refused
		if p, err := h.desk.Invited(ctx, token); err != nil || p.ID != id || p.Name != "Anna A" || p.Password {
			t.Errorf("%+v, %v", p, err)
		}
		_, err := h.desk.Accept(ctx, token, "", "short")
		refused(t, err, desk.Invalid)
	}
	var wg sync.WaitGroup
	var accepted atomic.Int64
	for range 4 {
		wg.Go(func() {
			if _, err := h.desk.Accept(ctx, token, "Anna B", password); err == nil {
				accepted.Add(1)
			}
		})
	}
	if wg.Wait(); accepted.Load() != 1 {
		t.Errorf("it was used %d times", accepted.Load())
	}
	if got, err := h.desk.SignIn(ctx, "anna", password, "1"); got != id || err != nil {
		t.Errorf("%s, %v", got, err)
	}
	if people := must(h.desk.People(ctx))(t); len(people) != 1 || people[0].Name != "Anna B" || !people[0].Password {
		t.Errorf("%+v", people)
	}
	for _, login := range []string{"", " ", "a\nb", "a\u200bb", strings.Repeat("a", 65)} {
		_, _, err := h.desk.Invite(ctx, login, "")
		refused(t, err, desk.Invalid)
	}
}

func TestInvitationExpires(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		_, token, err := h.desk.Invite(t.Context(), "anna", "")
		if err != nil {
			t.Fatal(err)
		}
		h.passes(7*24*time.Hour - time.Second)
		if _, err := h.desk.Invited(t.Context(), token); err != nil {
			t.Error(err)
		}
		h.passes(time.Second)
		_, err = h.desk.Invited(t.Context(), token)
		refused(t, err, desk.Gone)
		_, err = h.desk.Accept(t.Context(), token, "", password)
		refused(t, err, desk.Gone)
	})
}

// A new password ends what was signed in with the old one.
func TestNewPassword(t *testing.T) {
	h := newHouse(t)
	token := must(h.desk.Begin(t.Context(), h.member("anna"), "phone"))(t)
	_, invitation, err := h.desk.Invite(t.Context(), "anna", "")
	if err != nil {
		t.Fatal(err)
	}
	must(h.desk.Accept(t.Context(), invitation, "", "other plain words here"))(t)
	if _, ok, err := h.desk.Seat(t.Context(), token); ok || err != nil {
		t.Errorf("%t, %v", ok, err)
	}
	_, err = h.desk.SignIn(t.Context(), "anna", password, "1")
	refused(t, err, desk.Invalid)
	must(h.desk.SignIn(t.Context(), "anna", "other plain words here", "1"))(t)
}

func TestPasswords(t *testing.T) {
	h := newHouse(t)
	for _, tt := range []struct {
		name, password string
		ok             bool
	}{
		{"of 11 characters", "abcdefghijk", false},
		{"of 12", "abcdefghijkl", true},
		{"of 12 that are long", "åäöåäöåäöåäö", true},
		{"of 11 that are long", "åäöåäöåäöåä", false},
		{"of 1000", strings.Repeat("ab", 500), true},
		{"of 1001", strings.Repeat("ab", 500) + "c", false},
		{"with the login in it", "carolina-4711", false},
		{"in capitals", "CAROLINA-4711", false},
		{"one letter", "aaaaaaaaaaaaaaa", false},
		{"empty", "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, token, err := h.desk.Invite(t.Context(), "carolina", "")
			if err != nil {
				t.Fatal(err)
			}
			if _, err = h.desk.Accept(t.Context(), token, "", tt.password); tt.ok && err != nil {
				t.Error(err)
			} else if !tt.ok {
				refused(t, err, desk.Invalid)
			}
		})
	}
}

// Who does not come in is told the same, whatever the reason.
func TestSignIn(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()
	anna := h.member("Anna@example.com")
	asa := h.member("Åsa")
	h.member("gone")
	if err := h.desk.Disable(ctx, "gone", true); err != nil {
		t.Fatal(err)
	}
	h.desk.Invite(ctx, "invited", "")
	h.seat("elsewhere", desk.Viewer)
	for login, want := range map[string]string{"anna@example.com": anna, " ANNA@example.COM ": anna, "Åsa": asa} {
		if got, err := h.desk.SignIn(ctx, login, password, "right"); got != want || err != nil {
			t.Errorf("%s: %q, %v", login, got, err)
		}
	}
	var said []string
	for login, password := range map[string]string{
		"anna@example.com": "wrong", "nobody": password, "gone": password, "invited": "", "elsewhere": "", "": "",
	} {
		_, err := h.desk.SignIn(ctx, login, password, "at "+login)
		refused(t, err, desk.Invalid)
		said = append(said, err.Error())
	}
	for _, text := range said {
		if diff := cmp.Diff(said[0], text); diff != "" {
			t.Error(diff)
		}
	}
}

// After five wrong passwords each next try waits twice as long, to five minutes, and never for ever.
func TestThrottle(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		anna := h.member("anna")
		h.rest()
		try := func(login, password, address string, want desk.Code) {
			t.Helper()
			if got, err := h.desk.SignIn(t.Context(), login, password, address); want != "" {
				refused(t, err, want)
			} else if got != anna || err != nil {
				t.Errorf("%q, %v", got, err)
			}
		}
		for range 4 {
			try("anna", "wrong", "1", desk.Invalid)
		}
		for _, wait := range []int{1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300} {
			try("anna", "wrong", "1", desk.Invalid)
			time.Sleep(time.Duration(wait)*time.Second - time.Millisecond)
			try(" ANNA", password, "1", desk.TooSoon)
			time.Sleep(time.Millisecond)
		}
		try("anna", "wrong", "1", desk.Invalid)
		try("anna", password, "2", "") // a stranger does not keep her out
		try("anna", password, "1", desk.TooSoon)
		time.Sleep(5 * time.Minute)
		try("anna", password, "1", "")
		for range 5 { // which begins anew
			try("anna", "wrong", "1", desk.Invalid)
		}
		time.Sleep(time.Hour + 2*time.Second)
		for range 4 { // and so does an hour
			try("anna", "wrong", "1", desk.Invalid)
		}
		try("anna", password, "1", "")
	})
}

// Many guesses at once are no more than one after the other.
func TestGuessesAtOnce(t *testing.T) {
	h := newHouse(t)
	h.member("anna")
	var wg sync.WaitGroup
	var tried atomic.Int64
	for range 40 {
		wg.Go(func() {
			_, err := h.desk.SignIn(t.Context(), "anna", "wrong", "1")
			if r := (*desk.Refusal)(nil); errors.As(err, &r) && r.Code == desk.Invalid {
				tried.Add(1)
			}
		})
	}
	if wg.Wait(); tried.Load() > 8 {
		t.Errorf("%d passwords were tried at once", tried.Load())
	}
}
