package pipeline

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func checked(t *testing.T, files ...Source) *Plan {
	t.Helper()
	plan, err := Check(context.Background(), CheckConfig{Defaults: testDefaults}, files...)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

func TestCheckCounts(t *testing.T) {
	again := byMail(9)
	again.Fields.Email = mail(1) // one person, two sessions
	plan := checked(t, sheet(append(many(1, 3), again, byPhone(10), byPhone(11), byMail(1), mailRow(noSession))...))
	if plan.Due != 6 || plan.Files[0].Due != 6 || plan.Repeated != 1 {
		t.Errorf("due %d, people with more than one message %d", plan.Due, plan.Repeated)
	}
	if diff := cmp.Diff(map[Channel]int{{Email, ""}: 4, {SMS, "SE"}: 2}, plan.Messages); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[Status]int{Pending: 6, Skipped: 1, Rejected: 1}, plan.Total.Status); diff != "" {
		t.Error(diff)
	}
}

// TestOneContactWhateverItsCapitals: what the ledger takes for one contact is one in the check too, in
// every form in which the address can stand in a row.
func TestOneContactWhateverItsCapitals(t *testing.T) {
	addresses := []string{
		"anna@example.com", "Anna@example.com", "ANNA@EXAMPLE.COM", "anna@Example.com", "mailto:ANNA@example.com", " 'aNNa@example.com",
	}
	var one, people []Row
	for i, a := range addresses {
		row := byMail(1)
		row.Fields.Email = a
		one = append(one, row)
		row = byMail(10 + i)
		row.Fields.Email = a
		people = append(people, row)
	}
	other := byMail(1)
	other.Fields.Email = "bo@example.com"
	cfg := CheckConfig{Defaults: testDefaults, Rules: Rules{EachContact: true}}
	plan, err := Check(context.Background(), cfg, sheet(append(one, other)...))
	if err != nil {
		t.Fatal(err)
	}
	if plan.Due != 2 || plan.Total.Status[Skipped] != len(one)-1 {
		t.Errorf("%d contacts are to get the session, and %d rows repeat one", plan.Due, plan.Total.Status[Skipped])
	}
	if plan := checked(t, sheet(people...)); plan.Due != len(people) || plan.Repeated != 1 {
		t.Errorf("%d rows of one person are to be sent, and %d people get more than one message", plan.Due, plan.Repeated)
	}
}

func TestCheckShowsTheFirstPlacesOfEachFile(t *testing.T) {
	bad := func(n int) (rows []Row) {
		for i := range n {
			r := byMail(i)
			r.Fields.Email = "nobody"
			rows = append(rows, r)
		}
		return rows
	}
	plan := checked(t, sheet(bad(9)...), &table{name: "second.csv", rows: bad(2)})
	for i, want := range []int{3, 2} {
		places := plan.Files[i].Tally.Groups[0].Places
		if len(places) != want {
			t.Errorf("file %d shows %d places", i, len(places))
		}
		for _, e := range places {
			if e.Reason == "" || e.Place.File != plan.Files[i].Input.Path {
				t.Errorf("file %d shows %v without its reason", i, e.Place)
			}
		}
	}
	if n := len(plan.Total.Groups[0].Places); n != 3 || plan.Total.Groups[0].Rows != 11 {
		t.Errorf("%d places of %d rows in all", n, plan.Total.Groups[0].Rows)
	}
}

func TestCheckOfMoreThanOneBatch(t *testing.T) {
	const n = 3*512 + 17
	plan := checked(t, sheet(append(many(1, n), many(1, n)...)...))
	if plan.Due != n || plan.Total.Status[Skipped] != n {
		t.Errorf("%d due, %v", plan.Due, plan.Total.Status)
	}
}

func TestCheckOfAnInputThatCannotBeRead(t *testing.T) {
	list := sheet(many(1, 4)...)
	list.broken = &Error{Kind: BadInput, Place: Place{File: "list.csv", Row: 6}, Problem: "the file ends inside quotes", Todo: "close the quotes"}
	_, err := Check(context.Background(), CheckConfig{Defaults: testDefaults}, list)
	var refused *Error
	if !errors.As(err, &refused) {
		t.Errorf("got %v", err)
	}
}

func TestCheckStops(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Check(ctx, CheckConfig{Defaults: testDefaults}, sheet(byMail(1))); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestTalliesAddUp(t *testing.T) {
	var a, b, sum Tally
	for i := range 5 {
		a.add(Place{Row: i}, Outcome{Status: Delivered, SentNow: i > 2})
		b.add(Place{Row: 10 + i}, Outcome{Status: Rejected, Code: "BAD_VALUE"})
	}
	b.add(Place{Row: 20}, Outcome{Status: Delivered})
	sum.Add(a)
	sum.Add(b)
	sum.Add(Tally{})
	if sum.Rows != 11 || sum.SentNow != 2 {
		t.Errorf("%d rows, %d sent now", sum.Rows, sum.SentNow)
	}
	if diff := cmp.Diff(map[Status]int{Delivered: 6, Rejected: 5}, sum.Status); diff != "" {
		t.Error(diff)
	}
	if g := sum.Groups[0]; g.Rows != 6 || len(g.Places) != 3 || len(a.Groups[0].Places) != 3 {
		t.Errorf("%+v", g)
	}
}

func TestPlaces(t *testing.T) {
	for want, p := range map[string]Place{
		"list.csv": {File: "list.csv"},
		`contacts.xlsx, sheet "May", row 17, column "Mobile"`: {File: "contacts.xlsx", Sheet: "May", Row: 17, Column: "Mobile"},
		"list.csv, row 17, line 21":                           {File: "list.csv", Row: 17, Line: 21},
		"list.csv, row 17":                                    {File: "list.csv", Row: 17, Line: 17},
	} {
		if got := p.String(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// That a row is sent all the same is said of no row that is not sent.
func TestNoticesAreOfRowsThatAreSent(t *testing.T) {
	odd := func(n int) Row {
		r := byMail(n)
		r.Fields.Session = fmt.Sprintf("order-0815x%d", n)
		return r
	}
	broken, hidden, delivered, refused := odd(2), odd(3), odd(4), odd(5)
	broken.Fields.Email = "nobody"
	hidden.Hidden = true
	b := canned{}
	b.know(delivered.Fields.Session, known(Delivered, to(mail(4))))
	b.know(refused.Fields.Session, known(Rejected, to(mail(5))))
	list := sheet(broken, hidden, delivered, refused, odd(1), odd(1))
	plan, err := Check(context.Background(), CheckConfig{Rules: Rules{Hidden: SkipHidden}, Defaults: testDefaults, Records: b}, list)
	if err != nil {
		t.Fatal(err)
	}
	if plan.Due != 1 || len(plan.Notices) != 1 || plan.Notices[0].Rows != 1 || plan.Notices[0].Places[0].Place.Row != 6 {
		t.Errorf("%d due, notices %+v", plan.Due, plan.Notices)
	}
}
