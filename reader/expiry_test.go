package reader

import (
	"errors"
	"strings"
	"testing"

	"hppsend/pipeline"
)

// TestExpiryColumn finds the column that says when the sessions expire, and takes none for it that may be a voucher's or an
// invoice's.
func TestExpiryColumn(t *testing.T) {
	ours := "session_id;email"
	tests := []struct {
		columns string
		mapped  map[string]string
		want    int // among the columns, from 1
		problem string
	}{
		{"expires_at", nil, 3, ""},
		{"Name;Session Expires", nil, 4, ""},
		{"Läuft ab am", nil, 3, ""},
		{"Utløper", nil, 3, ""},
		{"Date d’expiration", nil, 3, ""},
		{"valid until", nil, 0, ""},
		{"Förfallodatum", nil, 0, ""},
		{"Due date", map[string]string{"expires_at": "Due date"}, 3, ""},
		{"expires_at", map[string]string{"expires_at": ""}, 0, ""},
		{"Expires;expiry", nil, 0, `two columns could say when the sessions expire: "Expires" and "expiry"`},
		{"Expires;expiry", map[string]string{"expires_at": "expiry"}, 4, ""},
		{"Name", map[string]string{"expires_at": "Gone"}, 0, `there is no column "Gone"`},
	}
	for _, test := range tests {
		header := ours + ";" + test.columns
		text := header + "\n00000000-0000-4000-8000-000000000001;anna@example.com" + strings.Repeat(";x", strings.Count(test.columns, ";")+1) + "\n"
		f, err := Open(file(t, "list.csv", text), Options{Map: test.mapped})
		var e *pipeline.Error
		switch {
		case test.problem != "":
			if !errors.As(err, &e) || !errors.Is(err, pipeline.BadInput) || !strings.Contains(e.Problem, test.problem) {
				t.Errorf("%s: %v, want %q", test.columns, err, test.problem)
			}
			continue
		case err != nil:
			t.Errorf("%s: %v", test.columns, err)
			continue
		}
		if got := f.Input().ExpiresAt; got != test.want {
			t.Errorf("%s, mapped as %v: column %d, want %d", test.columns, test.mapped, got, test.want)
		}
		f.Close()
	}
}
