package desk_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hppsend/internal/campaign"
	"hppsend/internal/desk"
	"hppsend/pipeline"
)

// listing brings a list into the north.
func (h *house) listing(ada *desk.Seat, replaces string, contacts ...string) desk.List {
	h.t.Helper()
	l, err := ada.BringList(h.t.Context(), desk.Listing{Account: north, Name: "optouts.csv", Country: "sweden", Replaces: replaces}, strings.NewReader("contact\n"+strings.Join(contacts, "\n")+"\n"))
	if err != nil {
		h.t.Fatal(err)
	}
	return l
}

// suppressed is how many rows of a sheet are held back by lists, and the reasons that are shown of them.
func suppressed(s *desk.Sheet) (rows int, why []string) {
	for _, g := range s.Others {
		if g.Code == pipeline.CodeSuppressed {
			rows = g.Rows
			for _, p := range g.Places {
				why = append(why, fmt.Sprintf("row %d: %s", p.Place.Row, p.Reason))
			}
		}
	}
	return rows, why
}

// TestLists brings, replaces and removes lists: each holds for all uploads of its account from then on, and no other.
func TestLists(t *testing.T) {
	onBoth(t, func(t *testing.T, newHouse newHouseFunc) {
		h := newHouse(t)
		ctx := t.Context()
		anna, ada := h.seat("anna", desk.Uploader), h.seat("ada", desk.Administrator)
		u, sheet := h.bring(anna, "may.csv", three)
		if sheet.Due != 3 || len(sheet.Lists) != 0 {
			t.Fatalf("%d are due", sheet.Due)
		}
		first := h.listing(ada, "", "B@Example.com", "070-174 06 05")
		sheet = h.sheet(anna, u)
		if rows, why := suppressed(sheet); rows != 1 || sheet.Due != 2 || len(why) != 1 || why[0] != "row 3: the person is on the suppression list optouts.csv, line 2" {
			t.Errorf("%d rows are held back (%q), and %d due", rows, why, sheet.Due)
		}
		if l := sheet.Lists; len(l) != 1 || l[0].Name != "optouts.csv" || l[0].Contacts != 2 || l[0].By != "Ada" || l[0].Since.IsZero() || l[0].SHA256 != first.SHA256 {
			t.Errorf("in force are %+v", l)
		}
		// of the other department nobody is held back
		sven := h.seatIn("sven", map[string][]desk.Role{south: desk.Roles()})
		if _, other := h.bring(sven, "may.csv", three); other.Due != 3 || len(other.Lists) != 0 {
			t.Errorf("in the south %d are due", other.Due)
		}
		refused(t, sven.RemoveList(ctx, first.ID), desk.NotFound)
		if _, _, err := sven.Lists(ctx, north); !refused(t, err, desk.Forbidden) {
			t.Error("the south sees the lists of the north")
		}

		second := h.listing(ada, "", "a@example.com")
		if h.reopen(); true {
			anna, ada = h.seat("anna", desk.Uploader), h.seat("ada", desk.Administrator)
		}
		if sheet = h.sheet(anna, u); sheet.Due != 1 || len(sheet.Lists) != 2 {
			t.Errorf("after a restart %d are due, by %d lists", sheet.Due, len(sheet.Lists))
		}
		third := h.listing(ada, first.ID, "c@example.com")
		if rows, _ := suppressed(h.sheet(anna, u)); rows != 2 {
			t.Errorf("with the list replaced %d are held back", rows)
		}
		brought, configured, err := ada.Lists(ctx, north)
		if err != nil || len(configured) != 0 || len(brought) != 2 || brought[0].ID != second.ID || brought[1].ID != third.ID || brought[1].Name != "optouts.csv" || brought[1].Country != "SE" {
			t.Errorf("there are %+v, %q, %v", brought, configured, err)
		}
		for _, id := range []string{second.ID, third.ID} {
			if err := ada.RemoveList(ctx, id); err != nil {
				t.Fatal(err)
			}
			refused(t, ada.RemoveList(ctx, id), desk.NotFound)
		}
		if sheet = h.sheet(anna, u); sheet.Due != 3 {
			t.Errorf("without lists %d are due", sheet.Due)
		}
		if left, err := filepath.Glob(h.path("page", "files", "*.list")); err != nil || len(left) > 0 {
			t.Errorf("%q are left, %v", left, err)
		}
		var got []string
		for _, e := range must(ada.Trail(ctx, ""))(t) {
			if strings.HasPrefix(e.Action, "list_") {
				got = append(got, fmt.Sprintf("%s %s %s %t", e.By, e.Action, e.Place[strings.Index(e.Place, ", ")+2:], len(e.Digest) == 64))
			}
		}
		want := []string{
			"Ada list_remove 1 contacts true", "Ada list_remove 1 contacts true", "Ada list_replace 1 contacts true",
			"Ada list_add 1 contacts true", "Ada list_add 2 contacts true",
		}
		if !slices.Equal(got, want) {
			t.Errorf("the audit trail has %q", got)
		}
		h.whole()
	})
}

// TestListsAreRefused brings what is no list, and as who may not: nothing of it is kept.
func TestListsAreRefused(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()
	ada := h.seat("ada", desk.Administrator)
	there := h.listing(ada, "", "a@example.com")
	for _, role := range desk.Roles() {
		if role != desk.Administrator {
			s := h.seat("only"+string(role), role)
			_, err := s.BringList(ctx, desk.Listing{Account: north, Name: "x.csv"}, strings.NewReader("a@example.com\n"))
			refused(t, err, desk.Forbidden)
			refused(t, s.RemoveList(ctx, there.ID), desk.Forbidden)
			_, _, err = s.Lists(ctx, north)
			refused(t, err, desk.Forbidden)
		}
	}
	for name, tt := range map[string]struct {
		l    desk.Listing
		text string
		want desk.Code
	}{
		"another account":     {desk.Listing{Account: south}, "b@example.com\n", desk.Forbidden},
		"no account":          {desk.Listing{Account: "west"}, "b@example.com\n", desk.Forbidden},
		"no country":          {desk.Listing{Country: "Atlantis"}, "b@example.com\n", desk.Invalid},
		"less than no lines":  {desk.Listing{Unreadable: -1}, "b@example.com\n", desk.Invalid},
		"empty":               {desk.Listing{}, "", desk.Invalid},
		"too large":           {desk.Listing{}, strings.Repeat("b@example.com\n", 1<<20), desk.TooMuch},
		"the same once more":  {desk.Listing{Country: "SE"}, "contact\na@example.com\n", desk.Conflict},
		"in place of nothing": {desk.Listing{Replaces: "nothing"}, "b@example.com\n", desk.Conflict},
	} {
		if tt.l.Account == "" {
			tt.l.Account = north
		}
		tt.l.Name = "optouts.csv"
		_, err := ada.BringList(ctx, tt.l, strings.NewReader(tt.text))
		if !refused(t, err, tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	bad := "contact\na@example.com\nnobody\n0701740605\n12\n"
	unread := func(err error) (rows []int) {
		joined, ok := err.(interface{ Unwrap() []error })
		if !ok {
			return nil
		}
		for _, one := range joined.Unwrap() {
			if e := (*pipeline.Error)(nil); errors.As(one, &e) && e.Kind == pipeline.BadInput && e.Place.Row > 0 {
				rows = append(rows, e.Place.Row)
			}
		}
		return rows
	}
	for n, want := range map[int][]int{0: {3, 4, 5}, 2: {3, 4, 5}, 4: {3, 4, 5}} {
		_, err := ada.BringList(ctx, desk.Listing{Account: north, Name: "bad.csv", Unreadable: n}, strings.NewReader(bad))
		if rows := unread(err); !slices.Equal(rows, want) {
			t.Errorf("of the lines %v are told: %v", rows, err)
		}
	}
	if brought, _, err := ada.Lists(ctx, north); err != nil || len(brought) != 1 {
		t.Errorf("there are %+v, %v", brought, err)
	}
	files, err := filepath.Glob(h.path("page", "*", "*"))
	if err != nil || len(files) != 1 || !strings.HasSuffix(files[0], there.ID+".list") {
		t.Errorf("there lie %q, %v", files, err)
	}
	l, err := ada.BringList(ctx, desk.Listing{Account: north, Name: "bad.csv", Unreadable: 3}, strings.NewReader(bad))
	if err != nil || l.Contacts != 1 || l.Unreadable != 3 {
		t.Errorf("with the number of its lines it is %+v, %v", l, err)
	}
}

// TestListsAndApproval changes the lists after an approval: what makes less of it leaves it as it is, and what would send
// more voids it.
func TestListsAndApproval(t *testing.T) {
	for name, tt := range map[string]struct {
		meanwhile func(*house, *desk.Seat, desk.List)
		want      desk.State
		sent      []string
	}{
		"nothing has changed": {func(*house, *desk.Seat, desk.List) {}, desk.Done, []string{"b@example.com", "c@example.com"}},
		"a longer list":       {func(h *house, ada *desk.Seat, l desk.List) { h.listing(ada, l.ID, "a@example.com", "b@example.com") }, desk.Done, []string{"c@example.com"}},
		"another list beside": {func(h *house, ada *desk.Seat, _ desk.List) { h.listing(ada, "", "c@example.com") }, desk.Done, []string{"b@example.com"}},
		"a list that has nobody of it": {
			func(h *house, ada *desk.Seat, _ desk.List) { h.listing(ada, "", "x@example.com") }, desk.Done, []string{"b@example.com", "c@example.com"},
		},
		"a shorter list that had nobody of it": {func(h *house, ada *desk.Seat, l desk.List) { h.listing(ada, l.ID, "a@example.com") }, desk.Done, []string{"b@example.com", "c@example.com"}},
		"everybody":                            {func(h *house, ada *desk.Seat, _ desk.List) { h.listing(ada, "", "b@example.com", "c@example.com") }, desk.Done, nil},
		"a shorter list":                       {func(h *house, ada *desk.Seat, l desk.List) { h.listing(ada, l.ID, "x@example.com") }, desk.Draft, nil},
		"no list any more": {func(h *house, ada *desk.Seat, l desk.List) {
			if err := ada.RemoveList(h.t.Context(), l.ID); err != nil {
				h.t.Fatal(err)
			}
		}, desk.Draft, nil},
		"another, with other people": {func(h *house, ada *desk.Seat, l desk.List) { h.listing(ada, l.ID, "b@example.com", "c@example.com") }, desk.Draft, nil},
		"of the configuration, a longer one": {func(h *house, _ *desk.Seat, _ desk.List) {
			h.configured("b@example.com")
		}, desk.Done, []string{"c@example.com"}},
		"it is damaged": {func(h *house, _ *desk.Seat, l desk.List) {
			h.rest()
			path := h.path("page", "files", l.ID+".list")
			b := must(os.ReadFile(path))(h.t)
			h.desk.Close()
			h.desk = must(desk.Open(h.t.Context(), h.cfg))(h.t)
			if err := os.WriteFile(path, flip(b), 0o600); err != nil {
				h.t.Fatal(err)
			}
		}, desk.Stopped, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			h.rest()
			ada := h.seat("ada", desk.Administrator)
			l := h.listing(ada, "", "a@example.com", "nobody@example.com")
			_, u := h.approved(three)
			tt.meanwhile(h, ada, l)
			h.run()
			anna := h.seat("anna", desk.Uploader)
			u = h.until(anna, u.ID, desk.Done, desk.Draft, desk.Stopped)
			if got := h.contacts(); u.State != tt.want || !slices.Equal(got, tt.sent) {
				t.Errorf("it is %s (%s), and sent was %q", u.State, u.Reason, got)
			}
			if u.State != desk.Done {
				return
			}
			o := must(anna.Outcomes(t.Context(), u, pipeline.Skipped, 0))(t)
			if len(o.Rows) != 3-len(tt.sent) {
				t.Errorf("the rows that are left out are %+v", o.Rows)
			}
			for _, row := range o.Rows {
				if row.Code != pipeline.CodeSuppressed || !strings.Contains(row.Reason, "suppression list") {
					t.Errorf("row %d: %s, %s", row.Place.Row, row.Code, row.Reason)
				}
			}
		})
	}
}

// configured makes a list of the configuration, and opens the desk with it.
func (h *house) configured(contacts ...string) {
	h.t.Helper()
	if err := os.WriteFile(h.path("configured.txt"), []byte(strings.Join(contacts, "\n")+"\n"), 0o600); err != nil {
		h.t.Fatal(err)
	}
	if err := h.desk.Close(); err != nil {
		h.t.Fatal(err)
	}
	h.cfg.Accounts[0].Options.Suppress = campaign.Lists{Paths: []string{h.path("configured.txt")}}
	h.desk = must(desk.Open(h.t.Context(), h.cfg))(h.t)
}

// TestListsOfBoth has lists of the configuration and some that were brought: both hold, and a sheet names both.
func TestListsOfBoth(t *testing.T) {
	h := newHouse(t)
	h.rest()
	h.configured("a@example.com")
	anna, ada := h.seat("anna", desk.Uploader), h.seat("ada", desk.Administrator)
	h.listing(ada, "", "b@example.com")
	_, sheet := h.bring(anna, "may.csv", three)
	if l := sheet.Lists; sheet.Due != 1 || len(l) != 2 || l[0].Name != "configured.txt" || !l[0].Since.IsZero() || l[0].By != "" || l[1].Name != "optouts.csv" || l[1].Since.IsZero() {
		t.Errorf("%d are due, by %+v", sheet.Due, l)
	}
	if _, configured, err := ada.Lists(t.Context(), north); err != nil || len(configured) != 1 {
		t.Errorf("of the configuration are %q, %v", configured, err)
	}
}

// TestListsStay tidies up long after a list was brought: it is kept, and what was cut off while it came in is not.
func TestListsStay(t *testing.T) {
	h := newHouse(t)
	ada := h.seat("ada", desk.Administrator)
	l := h.listing(ada, "", "a@example.com")
	long := time.Now().Add(-100 * time.Hour)
	stray := h.path("page", "files", "STRAY.list")
	if err := os.WriteFile(stray, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{stray, h.path("page", "files", l.ID+".list")} {
		if err := os.Chtimes(path, long, long); err != nil {
			t.Fatal(err)
		}
	}
	h.exec("UPDATE suppression SET made = 1")
	h.reopen()
	h.await("the stray file is gone", func() bool { _, err := os.Stat(stray); return os.IsNotExist(err) })
	if _, sheet := h.bring(h.seat("anna", desk.Uploader), "may.csv", three); sheet.Due != 2 {
		t.Errorf("%d are due", sheet.Due)
	}
}

// TestBooksOfBefore opens books of the version before, which know no lists.
func TestBooksOfBefore(t *testing.T) {
	h := newHouse(t)
	u, _ := h.bring(h.seat("anna", desk.Uploader), "may.csv", three)
	h.exec("DROP TABLE suppression")
	h.exec("PRAGMA user_version = 1")
	h.reopen()
	h.listing(h.seat("ada", desk.Administrator), "", "a@example.com")
	if sheet := h.sheet(h.seat("anna", desk.Uploader), u); sheet.Due != 2 {
		t.Errorf("%d are due", sheet.Due)
	}
}

// TestHostsLists brings a list on one host: it holds on the other, where its file is fetched, and when that was lost; and no
// longer once it is removed there.
func TestHostsLists(t *testing.T) {
	t.Parallel()
	hosts := newHosts(t, 2)
	a, b := hosts[0], hosts[1]
	anna, ada := a.seat("anna", desk.Uploader), a.seat("ada", desk.Administrator)
	u, _ := a.bring(anna, "may.csv", three)
	there := b.seat("anna", desk.Uploader)
	if sheet := b.sheet(there, u); sheet.Due != 3 {
		t.Fatalf("%d are due", sheet.Due)
	}
	first := a.listing(ada, "", "a@example.com")
	if sheet := b.sheet(there, u); sheet.Due != 2 || len(sheet.Lists) != 1 {
		t.Errorf("on the other host %d are due, by %+v", sheet.Due, sheet.Lists)
	}
	if err := os.Remove(b.path("page", "files", first.ID+".list")); err != nil {
		t.Errorf("the other host has not fetched it: %v", err)
	}
	b.reopen()
	there = b.seat("anna", desk.Uploader)
	admin := b.seat("ada", desk.Administrator)
	second := b.listing(admin, "", "b@example.com")
	if sheet := b.sheet(there, u); sheet.Due != 1 {
		t.Errorf("with both lists %d are due", sheet.Due)
	}
	if sheet := a.sheet(a.seat("anna", desk.Uploader), u); sheet.Due != 1 {
		t.Errorf("where it was brought %d are due", sheet.Due)
	}
	for _, id := range []string{first.ID, second.ID} {
		if err := admin.RemoveList(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	if sheet := a.sheet(a.seat("anna", desk.Uploader), u); sheet.Due != 3 {
		t.Errorf("without lists %d are due", sheet.Due)
	}
	if dump := a.dump(); strings.Contains(dump, "INSERT INTO hppsend_page.suppression") || strings.Contains(dump, first.ID+".list") {
		t.Error("something of the lists is left in the books")
	}
	a.whole()
}
