package writer

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

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
	out := sample()
	out.Session = session
	got := lines(t, row, out)
	want := `{"type":"row","file":"in.xlsx","sheet":"May & June","row":17,"session":"` + session + `","status":"rejected",` +
		`"code":"NOT_FOUND","reason":"HPP knows no such session","method":"sms","sent_to":"` + contact.Mask("+46701740605") + `",` +
		`"http_status":404,"attempts":2,"correlation_id":"6d3e0f0a","time":"2026-05-04T03:02:01Z","note":"odd"}` + "\n"
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

// What is no session id may be anything, a contact too, and is left out.
func TestJSONLSession(t *testing.T) {
	for _, tt := range []struct {
		fields pipeline.Fields
		found  string // by the check
	}{
		{pipeline.Fields{Session: "{" + session + "}"}, session},
		{pipeline.Fields{URL: "https://api.klarna.com/hpp/v1/sessions/" + session + "/distribution"}, session},
		{pipeline.Fields{}, ""},
		{pipeline.Fields{Session: "jane@example.com"}, ""},
		{pipeline.Fields{Session: session, URL: "https://example.com"}, ""},
	} {
		var b bytes.Buffer
		if err := newJSONL(&b).write(pipeline.Row{Fields: tt.fields}, pipeline.Outcome{Session: tt.found}); err != nil {
			t.Fatal(err)
		}
		var l RowLine
		if err := json.Unmarshal(b.Bytes(), &l); err != nil || l.Session != tt.found || strings.Contains(b.String(), "jane") {
			t.Errorf("%+v is written as %s (%v)", tt.fields, b.Bytes(), err)
		}
	}
}

func TestJSONLFollowsItsSchema(t *testing.T) {
	schema, err := jsonschema.NewCompiler().Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	check := func(text string) error {
		t.Helper()
		line, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		return schema.Validate(line)
	}
	outcomes := []pipeline.Outcome{sample(), {Status: pipeline.Pending}}
	for _, status := range pipeline.Statuses() {
		outcomes = append(outcomes, pipeline.Outcome{Status: status, Method: pipeline.Email})
	}
	for _, out := range outcomes {
		if err := check(lines(t, texts(2), out)); err != nil {
			t.Errorf("%+v: %v", out, err)
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
		if err := check(string(text)); err == nil {
			t.Errorf("a wrong %s passes the schema", name)
		}
	}
}
