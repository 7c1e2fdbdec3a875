package writer

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hppsend/internal/contact"
	"hppsend/pipeline"
)

func lines(t *testing.T, row pipeline.Row, out pipeline.Outcome) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "out.jsonl")
	r := create(t, path, pipeline.JSONL, pipeline.Input{}, false)
	if err := r.Write(row, out); err != nil {
		t.Fatal(err)
	}
	commit(t, r)
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(got)
}

func TestJSONL(t *testing.T) {
	row := texts(17, "x")
	row.File, row.Sheet, row.Fields.Session = "in.xlsx", "May & June", " "+strings.ToUpper(session)
	got := lines(t, row, sample())
	want := `{"type":"row","file":"in.xlsx","sheet":"May & June","row":17,"session":"` + session + `","status":"rejected",` +
		`"code":"NOT_FOUND","reason":"HPP knows no such session","method":"sms","sent_to":"` + contact.Mask("+46701740605") + `",` +
		`"http_status":404,"attempts":2,"correlation_id":"6d3e0f0a","time":"2026-05-04T03:02:01Z"}` + "\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if strings.Contains(got, "701740605") {
		t.Error("the contact is there in clear")
	}
}

func TestJSONLEscapesWhatATerminalObeys(t *testing.T) {
	out := sample()
	out.Reason = "bell\a delete\x7f csi\u009b right-to-left\u202e tag\U000e0041 é"
	got := lines(t, texts(2), out)
	want := `bell\u0007 delete\u007f csi\u009b right-to-left\u202e tag\udb40\udc41 é`
	if !strings.Contains(got, want) {
		t.Errorf("got %q, want %s in it", got, want)
	}
	var l RowLine
	if err := json.Unmarshal([]byte(got), &l); err != nil || l.Reason != out.Reason {
		t.Errorf("read back %q (%v)", l.Reason, err)
	}
}

func TestJSONLSession(t *testing.T) {
	for _, tt := range []struct {
		fields pipeline.Fields
		code   string
		want   string
	}{
		{pipeline.Fields{Session: session}, "", session},
		{pipeline.Fields{URL: "https://api.klarna.com/hpp/v1/sessions/" + session + "/distribution"}, "", session},
		{pipeline.Fields{URL: "https://api.klarna.com/"}, "", ""},
		{pipeline.Fields{}, pipeline.CodeTotalsRow, ""},
		{pipeline.Fields{Session: "jane@example.com"}, pipeline.CodeBadSession, ""},
		{pipeline.Fields{Session: session, URL: "https://example.com"}, pipeline.CodeBadURL, ""},
	} {
		if got := sessionOf(tt.fields, tt.code); got != tt.want {
			t.Errorf("%+v, %q: got %q, want %q", tt.fields, tt.code, got, tt.want)
		}
	}
}

// schema is as much of JSON Schema as schema.json uses.
type schema struct {
	Type             string
	Properties       map[string]schema
	Required         []string
	Enum             []string
	Const, Pattern   string
	Minimum, Maximum *float64
}

// check gives the first fault of a value.
func (s schema) check(v any) error {
	switch v := v.(type) {
	case map[string]any:
		if s.Type != "object" {
			return fmt.Errorf("an object, want %s", s.Type)
		}
		for _, name := range s.Required {
			if _, ok := v[name]; !ok {
				return fmt.Errorf("%s is missing", name)
			}
		}
		for name, p := range s.Properties {
			if err := p.check(v[name]); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	case string:
		switch {
		case s.Type != "string":
			return fmt.Errorf("a string, want %s", s.Type)
		case s.Const != "" && v != s.Const, s.Enum != nil && !slices.Contains(s.Enum, v),
			!regexp.MustCompile(s.Pattern).MatchString(v):
			return fmt.Errorf("%q is not allowed", v)
		}
	case float64:
		if s.Type != "integer" || v != float64(int(v)) || s.Minimum != nil && v < *s.Minimum || s.Maximum != nil && v > *s.Maximum {
			return fmt.Errorf("%v is not allowed", v)
		}
	default:
		return fmt.Errorf("a %T", v)
	}
	return nil
}

func TestJSONLFollowsItsSchema(t *testing.T) {
	text, err := os.ReadFile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var s schema
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	outcomes := []pipeline.Outcome{sample(), {Status: pipeline.Pending}}
	for _, status := range pipeline.Statuses() {
		outcomes = append(outcomes, pipeline.Outcome{Status: status, Method: pipeline.Email})
	}
	for _, out := range outcomes {
		var line map[string]any
		if err := json.Unmarshal([]byte(lines(t, texts(2), out)), &line); err != nil {
			t.Fatal(err)
		}
		if err := s.check(line); err != nil {
			t.Errorf("%+v: %v", out, err)
		}
		for name := range line {
			if _, ok := s.Properties[name]; !ok || !slices.Contains(s.Required, name) {
				t.Errorf("the schema does not describe and require %s", name)
			}
		}
	}
	for name, spoil := range map[string]func(*RowLine){
		"type":   func(l *RowLine) { l.Type = "rows" },
		"status": func(l *RowLine) { l.Status = "sent" },
		"row":    func(l *RowLine) { l.Row = 0 },
		"time":   func(l *RowLine) { l.Time = "2026-05-04 03:02" },
	} {
		l := Line(texts(2), session, sample())
		spoil(&l)
		text, err := json.Marshal(l)
		if err != nil {
			t.Fatal(err)
		}
		var line map[string]any
		if err := json.Unmarshal(text, &line); err != nil {
			t.Fatal(err)
		}
		if err := s.check(line); err == nil || !strings.HasPrefix(err.Error(), name) {
			t.Errorf("a wrong %s passes the schema: %v", name, err)
		}
	}
}
