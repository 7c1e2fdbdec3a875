package desk_test

import (
	"context"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hppsend/internal/desk"
	"hppsend/pipeline"
)

// byID are the methods of a seat that take an upload by its id, and the roles that they are for.
var byID = map[string]struct {
	roles []desk.Role
	call  func(context.Context, *desk.Seat, string) error
}{
	"Upload": {desk.Roles(), func(ctx context.Context, s *desk.Seat, id string) error { _, err := s.Upload(ctx, id); return err }},
	"Trail":  {desk.Roles(), func(ctx context.Context, s *desk.Seat, id string) error { _, err := s.Trail(ctx, id); return err }},
	"Read": {[]desk.Role{desk.Uploader}, func(ctx context.Context, s *desk.Seat, id string) error {
		_, err := s.Read(ctx, id, desk.Reading{})
		return err
	}},
	"Mend": {[]desk.Role{desk.Uploader}, func(ctx context.Context, s *desk.Seat, id string) error {
		var table string
		if u, err := s.Upload(ctx, id); err == nil {
			sheet, err := s.Sheet(ctx, u, false)
			if err != nil {
				return err
			}
			table = sheet.Table()
		}
		_, _, err := s.Mend(ctx, id, table, []desk.Edit{{at(3), "bo@example.com", 0}})
		return err
	}},
	"Undo":    {[]desk.Role{desk.Uploader}, func(ctx context.Context, s *desk.Seat, id string) error { _, _, err := s.Undo(ctx, id, 0); return err }},
	"Restore": {[]desk.Role{desk.Uploader}, func(ctx context.Context, s *desk.Seat, id string) error { _, _, err := s.Restore(ctx, id); return err }},
	"Ask": {[]desk.Role{desk.Uploader}, func(ctx context.Context, s *desk.Seat, id string) error {
		_, err := s.Ask(ctx, id, desk.Wish{})
		return err
	}},
	"Withdraw": {[]desk.Role{desk.Uploader}, func(ctx context.Context, s *desk.Seat, id string) error { _, err := s.Withdraw(ctx, id); return err }},
	"Reopen":   {[]desk.Role{desk.Uploader}, func(ctx context.Context, s *desk.Seat, id string) error { _, err := s.Reopen(ctx, id); return err }},
	"Approve": {[]desk.Role{desk.Approver}, func(ctx context.Context, s *desk.Seat, id string) error {
		_, err := s.Approve(ctx, id, "00")
		return err
	}},
	"SendBack": {[]desk.Role{desk.Approver}, func(ctx context.Context, s *desk.Seat, id string) error {
		_, err := s.SendBack(ctx, id, "no")
		return err
	}},
	"Stop": {[]desk.Role{desk.Uploader, desk.Approver}, func(ctx context.Context, s *desk.Seat, id string) error {
		_, err := s.Stop(ctx, id)
		return err
	}},
	"GoOn":   {[]desk.Role{desk.Uploader, desk.Approver}, func(ctx context.Context, s *desk.Seat, id string) error { return s.GoOn(ctx, id) }},
	"Answer": {[]desk.Role{desk.Uploader, desk.Approver}, func(ctx context.Context, s *desk.Seat, id string) error { return s.Answer(ctx, id, true) }},
	"Settle": {[]desk.Role{desk.Settler}, func(ctx context.Context, s *desk.Seat, id string) error {
		_, err := s.Settle(ctx, id, []pipeline.Ticket{1}, true, "they say so")
		return err
	}},
	"Delete": {[]desk.Role{desk.Uploader, desk.Administrator}, func(ctx context.Context, s *desk.Seat, id string) error { return s.Delete(ctx, id) }},
}

// TestMethods sees that the table has every method: another takes no upload, or one that was given by Upload.
func TestMethods(t *testing.T) {
	others := []string{
		"Account", "AccountsAs", "Bring", "BringList", "Clear", "Disable", "EndSession", "GiveRoles", "Invite", "Keep", "Limits", "Lists", "May",
		"MayAnywhere", "People", "Reinvite", "RemoveList", "Sessions", "Uploads",
	}
	seat, upload := reflect.TypeFor[*desk.Seat](), reflect.TypeFor[*desk.Upload]()
	left := slices.Concat(others, slices.Collect(maps.Keys(byID)))
	for i := range seat.NumMethod() {
		m := seat.Method(i)
		takes := false
		for j := range m.Type.NumIn() {
			takes = takes || m.Type.In(j) == upload
		}
		if known := slices.Contains(left, m.Name); known == takes {
			t.Errorf("%s: is it in one of the lists: %t; does it take an upload itself: %t", m.Name, known, takes)
		}
		left = slices.DeleteFunc(left, func(name string) bool { return name == m.Name })
	}
	if len(left) > 0 {
		t.Errorf("there are no such methods: %q", left)
	}
}

// Nothing of another department is there, whatever a person may do in the own one.
func TestDepartments(t *testing.T) {
	h := newHouse(t)
	u, _ := h.bring(h.seat("anna", desk.Uploader), "north.csv", bad)
	before := must(h.desk.Events(t.Context(), u.ID))(t)
	seats := map[string]*desk.Seat{
		"of the other": h.seatIn("sven", map[string][]desk.Role{south: desk.Roles()}),
		"of none":      h.seatIn("nils", nil),
	}
	for name, m := range byID {
		for who, s := range seats {
			for what, id := range map[string]string{"another's": u.ID, "nobody's": "XXXXXXXXXXXXXXXXXXXXXXXXXX", "none": ""} {
				if name == "Trail" && id == "" {
					continue // of all that the person administers
				}
				if !refused(t, m.call(t.Context(), s, id), desk.NotFound) {
					t.Errorf("%s of %s by somebody %s", name, what, who)
				}
			}
		}
	}
	for who, s := range seats {
		if all, _, err := s.Uploads(t.Context(), desk.Filter{}); err != nil || len(all) > 0 || len(s.AccountsAs()) > 1 {
			t.Errorf("somebody %s sees %+v, %v", who, all, err)
		}
		_, _, err := s.Account(north)
		refused(t, err, desk.NotFound)
		_, _, err = s.Bring(t.Context(), north, "x.csv", strings.NewReader(bad))
		refused(t, err, desk.Forbidden)
	}
	if diff := cmp.Diff(before, must(h.desk.Events(t.Context(), u.ID))(t)); diff != "" || h.load(h.seat("anna", desk.Uploader), u.ID).State != desk.Draft {
		t.Errorf("something was done (-before +after):\n%s", diff)
	}
	sven := seats["of the other"]
	if _, known, err := sven.Bring(t.Context(), south, "x.csv", strings.NewReader(bad)); err != nil || known != (desk.Known{}) {
		t.Errorf("of the same content the other department is told %+v, %v", known, err)
	}
}

// TestRoles tries each role on each of the methods.
func TestRoles(t *testing.T) {
	h := newHouse(t)
	anna := h.seat("anna", desk.Uploader)
	for _, role := range desk.Roles() {
		s := h.seat("p"+string(role), role)
		for name, m := range byID {
			u, _ := h.bring(anna, "may.csv", bad)
			err := m.call(t.Context(), s, u.ID)
			var r *desk.Refusal
			if may := !errors.As(err, &r) || r.Code != desk.Forbidden; may != slices.Contains(m.roles, role) {
				t.Errorf("%s by a %s: %v", name, role, err)
			}
		}
		if s.Clear(north) != slices.Contains([]desk.Role{desk.Uploader, desk.Approver, desk.Settler}, role) || s.Clear(south) {
			t.Errorf("a %s sees contacts in clear: %t", role, s.Clear(north))
		}
	}
	_, err := h.seat("erik", desk.Settler).Trail(t.Context(), "")
	refused(t, err, desk.Forbidden)
}

// Who may only look sees no contact, in whatever is given.
func TestViewerSeesNoContact(t *testing.T) {
	h := newHouse(t)
	anna, viewer := h.seat("anna", desk.Uploader), h.seat("vera", desk.Viewer)
	text := "session_id,method,phone,phone_country,email\n" + session(1) + ",,,,anna@example.com\n" + session(2) + ",sms,+46701740605,SE,\n" +
		session(3) + ",,,,cleo@example\n" + session(4) + ",sms,+4670174060699,SE,\n"
	u, _ := h.bring(anna, "may.csv", text)
	h.approve(h.seat("bo", desk.Approver), h.ask(anna, u))
	u = h.until(anna, u.ID, desk.Stopped, desk.Done)
	o := must(viewer.Outcomes(t.Context(), u, "", 0))(t)
	if len(o.Rows) != 4 {
		t.Fatalf("%d rows", len(o.Rows))
	}
	for _, row := range o.Rows {
		if said := flat(row); strings.Contains(said, "anna@") || strings.Contains(said, "cleo@") || strings.Contains(said, "70174060") {
			t.Errorf("somebody who may only look sees %s", said)
		}
	}
}
