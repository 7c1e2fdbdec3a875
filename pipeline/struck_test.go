package pipeline

import (
	"context"
	"errors"
	"testing"
)

// Rows that are struck out are hidden rows, and the message says which they are.
func TestStruckOutRowsAreHiddenRows(t *testing.T) {
	struck := func(n int) Row { r := byMail(n); r.Hidden, r.Struck = true, true; return r }
	hidden := func(n int) Row { r := byMail(n); r.Hidden = true; return r }
	bad := struck(9)
	bad.Fields.Email = "nobody"
	for _, c := range []struct {
		rows []Row
		want string
	}{
		{[]Row{byMail(1), hidden(2)}, "1 hidden rows would be sent, this one the first"},
		{[]Row{byMail(1), struck(2), struck(3)}, "2 rows that are struck out would be sent, this one the first"},
		{[]Row{hidden(1), struck(2), hidden(3)}, "2 rows that are hidden and 1 that are struck out would be sent, this one the first"},
		{[]Row{byMail(1), bad}, ""}, // it would not be sent
	} {
		check := func(rule HiddenRule) (*Plan, error) {
			return Check(context.Background(), CheckConfig{Defaults: testDefaults, Rules: Rules{Hidden: rule}}, sheet(c.rows...))
		}
		_, err := check(RefuseHidden)
		var refused *Error
		if got := ""; errors.As(err, &refused) {
			if got = refused.Problem; got != c.want || refused.Todo == "" {
				t.Errorf("got %q, want %q", got, c.want)
			}
		} else if err != nil || c.want != "" {
			t.Errorf("got %v, want %q", err, c.want)
		}
		plan, err := check(SkipHidden)
		if err != nil || plan.Total.Status[Skipped] == 0 && c.want != "" {
			t.Errorf("skipped: %v, %v", plan.Total.Status, err)
		}
		if plan, err = check(SendHidden); err != nil || c.want != "" && plan.Due != len(c.rows) {
			t.Errorf("sent: %v", err)
		}
	}
}
