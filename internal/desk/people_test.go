package desk_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hppsend/internal/desk"
)

// staff are administrators and those whom they have to do with.
type staff struct {
	*house
	north, south, both *desk.Seat // administrators
	anna, sven, bea    string     // people of the north, of the south, and of both, with passwords
}

func newStaff(t *testing.T) *staff {
	s := &staff{house: newHouse(t)}
	admin := []desk.Role{desk.Administrator}
	s.north = s.seatIn("nora", map[string][]desk.Role{north: admin})
	s.south = s.seatIn("sara", map[string][]desk.Role{south: admin})
	s.both = s.seatIn("beth", map[string][]desk.Role{north: admin, south: admin})
	s.anna, s.sven, s.bea = s.member("anna"), s.member("sven"), s.member("bea")
	for login, accounts := range map[string][]string{"anna": {north}, "sven": {south}, "bea": {north, south}} {
		for _, account := range accounts {
			if err := s.desk.SetRoles(t.Context(), login, account, []desk.Role{desk.Uploader}); err != nil {
				t.Fatal(err)
			}
		}
	}
	return s
}

func (s *staff) person(id string) desk.Person {
	s.t.Helper()
	all := must(s.desk.People(s.t.Context()))(s.t)
	return all[slices.IndexFunc(all, func(p desk.Person) bool { return p.ID == id })]
}

func logins(all []desk.Person) (names []string) {
	for _, p := range all {
		names = append(names, p.Login)
	}
	return names
}

// An administrator sees and touches people of the own accounts, and nothing of others.
func TestAdministrators(t *testing.T) {
	s := newStaff(t)
	ctx := t.Context()
	s.member("new")
	for _, tt := range []struct {
		seat *desk.Seat
		want []string
	}{
		{s.north, []string{"anna", "bea", "beth", "new", "nora"}},
		{s.south, []string{"bea", "beth", "new", "sara", "sven"}},
		{s.both, []string{"anna", "bea", "beth", "new", "nora", "sara", "sven"}},
	} {
		if diff := cmp.Diff(tt.want, logins(must(tt.seat.People(ctx))(t))); diff != "" {
			t.Errorf("%s sees (-want +got):\n%s", tt.seat.Login, diff)
		}
	}
	for _, id := range []string{s.sven, s.bea, s.south.ID, s.both.ID} {
		_, err := s.north.Reinvite(ctx, id)
		refused(t, err, desk.Forbidden)
		refused(t, s.north.Disable(ctx, id, true), desk.Forbidden)
		refused(t, s.north.GiveRoles(ctx, id, south, nil), desk.Forbidden)
	}
	if err := s.north.GiveRoles(ctx, s.sven, north, []desk.Role{desk.Viewer}); err != nil { // that gives no power over the person
		t.Error(err)
	}
	_, err := s.north.Reinvite(ctx, s.sven)
	refused(t, err, desk.Forbidden)
	if got := s.person(s.sven).Roles; !slices.Equal(got[south], []desk.Role{desk.Uploader}) || !slices.Equal(got[north], []desk.Role{desk.Viewer}) {
		t.Errorf("%v", got)
	}
	for _, id := range []string{"nobody", "local", ""} {
		_, err := s.both.Reinvite(ctx, id)
		refused(t, err, desk.NotFound)
		refused(t, s.both.Disable(ctx, id, true), desk.NotFound)
	}
	token := must(s.both.Reinvite(ctx, s.bea))(t)
	if p, err := s.desk.Invited(ctx, token); err != nil || p.ID != s.bea {
		t.Errorf("%+v, %v", p, err)
	}
	_, err = s.both.Reinvite(ctx, s.north.ID) // who signs in elsewhere has no password here
	refused(t, err, desk.Invalid)
}

// An administrator cannot be left without, and does not keep the own self out.
func TestOwnRoles(t *testing.T) {
	s := newStaff(t)
	ctx := t.Context()
	refused(t, s.north.GiveRoles(ctx, s.north.ID, north, []desk.Role{desk.Viewer}), desk.Invalid)
	refused(t, s.north.Disable(ctx, s.north.ID, true), desk.Invalid)
	refused(t, s.north.GiveRoles(ctx, s.anna, north, []desk.Role{"king"}), desk.Invalid)
	if got := s.person(s.anna).Roles[north]; !slices.Equal(got, []desk.Role{desk.Uploader}) {
		t.Errorf("%v", got)
	}
	anna := s.seatOf(s.anna)
	_, err := anna.People(ctx)
	refused(t, err, desk.Forbidden)
	_, err = anna.Invite(ctx, "x", "", north, nil)
	refused(t, err, desk.Forbidden)
	_, err = anna.Reinvite(ctx, s.anna)
	refused(t, err, desk.Forbidden)
	refused(t, anna.Disable(ctx, s.bea, true), desk.Forbidden)
	refused(t, anna.GiveRoles(ctx, s.anna, north, []desk.Role{desk.Approver}), desk.Forbidden)
}

// Whoever is invited is new: an invitation of somebody who is here would be a password of somebody else's.
func TestInviteKnown(t *testing.T) {
	s := newStaff(t)
	ctx := t.Context()
	token := must(s.north.Invite(ctx, "new", "New", north, []desk.Role{desk.Viewer}))(t)
	if p, err := s.desk.Invited(ctx, token); err != nil || p.Login != "new" || !slices.Equal(p.Roles[north], []desk.Role{desk.Viewer}) {
		t.Errorf("%+v, %v", p, err)
	}
	_, err := s.north.Invite(ctx, "other", "", south, []desk.Role{desk.Viewer})
	refused(t, err, desk.Forbidden)
	_, err = s.north.Invite(ctx, "other", "", north, []desk.Role{"king"})
	refused(t, err, desk.Invalid)
	for _, login := range []string{"sven", "SVEN", " sven", "sven ", "\tsven\n", "\u00a0sven"} {
		token, err := s.north.Invite(ctx, login, "Mine", north, []desk.Role{desk.Viewer})
		if !refused(t, err, desk.Conflict) || token != "" {
			t.Errorf("%q was invited", login)
		}
	}
	if p := s.person(s.sven); p.Name != "sven" || !slices.Equal(p.Roles[south], []desk.Role{desk.Uploader}) || len(p.Roles[north]) > 0 {
		t.Errorf("%+v", p)
	}
	must(s.desk.SignIn(ctx, "sven", password, "1"))(t)
}

// An invitation that another department has made gives nobody the roles that this one gives.
func TestInvitationOfAnother(t *testing.T) {
	s := newStaff(t)
	ctx := t.Context()
	token := must(s.south.Invite(ctx, "new", "", south, []desk.Role{desk.Viewer}))(t)
	id := must(s.desk.Invited(ctx, token))(t).ID
	if err := s.north.GiveRoles(ctx, id, north, []desk.Role{desk.Approver}); err != nil {
		t.Fatal(err)
	}
	_, err := s.desk.Invited(ctx, token)
	refused(t, err, desk.Gone)
	third := must(s.south.Invite(ctx, "third", "", south, []desk.Role{desk.Viewer}))(t)
	id = must(s.desk.Invited(ctx, third))(t).ID
	for _, err := range []error{s.south.GiveRoles(ctx, id, south, nil), s.north.GiveRoles(ctx, id, north, []desk.Role{desk.Approver})} { // also when it has taken its own back
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err = s.desk.Invited(ctx, third)
	refused(t, err, desk.Gone)
	own := must(s.north.Invite(ctx, "other", "", north, []desk.Role{desk.Viewer}))(t)
	id = must(s.desk.Invited(ctx, own))(t).ID
	if err := s.north.GiveRoles(ctx, id, north, []desk.Role{desk.Approver}); err != nil {
		t.Fatal(err)
	}
	if p := must(s.desk.Invited(ctx, own))(t); !slices.Equal(p.Roles[north], []desk.Role{desk.Approver}) { // the own one holds
		t.Errorf("%+v", p)
	}
	for _, id := range []string{"anna", "local", "nobody", ""} { // logins are not ids
		refused(t, s.north.GiveRoles(ctx, id, north, []desk.Role{desk.Approver}), desk.NotFound)
	}
}

// The trail says who has done what to whom, and an administrator reads it of the own people only.
func TestTrailOfPeople(t *testing.T) {
	s := newStaff(t)
	ctx := t.Context()
	must(s.north.Invite(ctx, "new", "", north, []desk.Role{desk.Viewer}))(t)
	id := must(s.north.People(ctx))(t)[slices.Index(logins(must(s.north.People(ctx))(t)), "new")].ID
	must(s.north.Reinvite(ctx, s.anna))(t)
	for _, err := range []error{s.north.GiveRoles(ctx, s.anna, north, []desk.Role{desk.Approver}), s.north.Disable(ctx, s.anna, true)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	s.seatOf(s.sven)
	s.desk.SignIn(ctx, "sven", "wrong", "1")
	var own []string
	for _, e := range must(s.north.Trail(ctx, ""))(t) {
		if strings.Contains(e.Place, s.sven) || e.Person == s.sven || e.Person == s.south.ID || e.Account == south {
			t.Errorf("of the other department is told %+v", e)
		}
		if e.Person == s.north.ID && e.Action != "sign_in" {
			own = append(own, e.By+" "+e.Action+" "+strings.NewReplacer(id, "new", s.anna, "anna").Replace(e.Place))
		}
	}
	want := []string{
		"Nora disable person anna", `Nora roles person anna: ["approver"]`, "Nora invite person anna", `Nora roles person new: ["viewer"]`,
		"Nora invite person new",
	}
	if diff := cmp.Diff(want, own); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Who signs in elsewhere is known by issuer and subject; the provider says the roles, or nothing about them.
func TestKnown(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()
	known := func(issuer, subject, login string, roles map[string][]desk.Role) desk.Person {
		t.Helper()
		id := must(h.desk.Known(ctx, issuer, subject, login, "", roles))(t)
		all := must(h.desk.People(ctx))(t)
		return all[slices.IndexFunc(all, func(p desk.Person) bool { return p.ID == id })]
	}
	h.member("anna")
	first := known("https://a.example.com", "1", "anna", map[string][]desk.Role{north: {desk.Uploader}, south: {desk.Viewer}})
	if first.Elsewhere != "https://a.example.com" || first.Login == "anna" || !strings.HasPrefix(first.Login, "anna ") {
		t.Errorf("%+v", first)
	}
	if again := known("https://a.example.com", "1", "anders", nil); again.ID != first.ID || len(again.Roles) != 2 || again.Name != "anders" {
		t.Errorf("renamed: %+v", again)
	}
	if again := known("https://a.example.com", "1", "anna", map[string][]desk.Role{north: {desk.Approver}}); again.ID != first.ID || len(again.Roles) != 1 || again.Roles[north][0] != desk.Approver {
		t.Errorf("with other roles: %+v", again)
	}
	for _, other := range []desk.Person{known("https://b.example.com", "1", "anna", nil), known("https://a.example.com", "2", "anna", nil), known("https://a.example.com", "3", "", nil)} {
		if other.ID == first.ID || len(other.Roles) > 0 || other.Login == "" {
			t.Errorf("another: %+v", other)
		}
	}
	_, err := h.desk.SignIn(ctx, first.Login, "", "1")
	refused(t, err, desk.Invalid)
}

// TestUploads lists what was brought, by all that it can be looked for.
func TestUploads(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		h.rest()
		anna, bo := h.seat("anna", desk.Uploader), h.seat("bo", desk.Uploader)
		began := time.Now()
		for i := range 60 {
			time.Sleep(time.Minute)
			h.bring([]*desk.Seat{anna, bo}[i%2], []string{"May.csv", "june.csv", "July.csv"}[i%3], three)
		}
		u, _ := h.bring(anna, "label.csv", three)
		r := u.Reading
		r.Label = "Winter"
		must(anna.Read(t.Context(), u.ID, r))(t)
		h.ask(anna, u)
		for name, tt := range map[string]struct {
			filter desk.Filter
			want   int
			more   bool
		}{
			"all":             {desk.Filter{}, 50, true},
			"the next":        {desk.Filter{After: 50}, 11, false},
			"by file":         {desk.Filter{Words: "JUNE"}, 20, false},
			"by label":        {desk.Filter{Words: "winter"}, 1, false},
			"by person":       {desk.Filter{By: "BO"}, 30, false},
			"by state":        {desk.Filter{State: desk.Waiting}, 1, false},
			"from a time":     {desk.Filter{From: began.Add(51 * time.Minute)}, 11, false},
			"to a time":       {desk.Filter{To: began.Add(10 * time.Minute)}, 9, false},
			"nothing is like": {desk.Filter{Words: "%"}, 0, false},
		} {
			if got, more, err := bo.Uploads(t.Context(), tt.filter); len(got) != tt.want || more != tt.more || err != nil {
				t.Errorf("%s: %d, %t, %v", name, len(got), more, err)
			}
		}
	})
}
