package campaign_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"hppsend/internal/campaign"
	"hppsend/internal/ledger"
	"hppsend/pipeline"
)

// newLedger makes a ledger.
func newLedger(t *testing.T) *ledger.Ledger {
	t.Helper()
	l, err := ledger.Open(t.Context(), ledger.Options{Path: filepath.Join(t.TempDir(), "ledger.db"), Environment: "sandbox", Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

var anna = campaign.Submitter{Said: "anna@example.net", User: "root on host"}

// written is the file of a plan.
func (h *house) written(l *ledger.Ledger, opt campaign.Options, plan *pipeline.Plan) []byte {
	h.t.Helper()
	text, err := opt.WritePlan(l, plan, anna, time.Now())
	if err != nil {
		h.t.Fatal(err)
	}
	return text
}

// readPlan reads a file of a plan that has these bytes.
func (h *house) readPlan(l *ledger.Ledger, text []byte) (*campaign.PlanFile, error) {
	h.t.Helper()
	if err := os.WriteFile(h.path("plan.json"), text, 0o600); err != nil {
		h.t.Fatal(err)
	}
	return campaign.ReadPlan(h.path("plan.json"), l)
}

// TestPlanFile reads what was written, by the same ledger: it holds, and its digest is that of its bytes.
func TestPlanFile(t *testing.T) {
	h, l := newHouse(t), newLedger(t)
	opt := h.options()
	opt.Label, opt.User = "<May> & \"co\" \u2028 \x7f", "PK1234567_abc"
	now := h.checked(opt, "anna@example.com", "nobody", "bo@example.com", "cleo@example.com", "dora@example.com")
	text := h.written(l, opt, now)
	p, err := h.readPlan(l, text)
	if err != nil {
		t.Fatal(err)
	}
	if p.Digest != sha256.Sum256(text) || string(p.Bytes) != string(text) || p.SubmittedBy != anna.Said || p.WrittenBy != anna.User || len(p.Effects) != 4 ||
		len(p.Contents) != 1 || time.Since(p.Made) > time.Minute || p.Path != h.path("plan.json") {
		t.Errorf("%+v", p)
	}
	if err := p.Holds("", campaign.PlanKey(l), opt, now); err != nil {
		t.Error(err)
	}
	for _, part := range []string{`"to_be_sent": 4`, `"rejected": 1`, `"bad_email": 1`, `"method": "email"`, `"count": 4`, `"User": "PK1234567_abc"`, `"name": "may.csv"`} {
		if !strings.Contains(string(text), part) {
			t.Errorf("%s is not in\n%s", part, text)
		}
	}
	if again := h.written(l, opt, now); string(again) == string(text) {
		t.Error("two plans are one")
	}
	if _, err := h.readPlan(newLedger(t), text); !errors.Is(err, pipeline.Usage) || !strings.Contains(err.Error(), "was written by another ledger") {
		t.Errorf("by another ledger: %v", err)
	}
}

// TestPlanFileIsAsWritten changes every byte of a plan, takes each away, and puts it in another form with the same
// meaning: all are refused, though nobody has signed it.
func TestPlanFileIsAsWritten(t *testing.T) {
	h, l := newHouse(t), newLedger(t)
	opt := h.options()
	text := h.written(l, opt, h.checked(opt, "anna@example.com", "bo@example.com", "cleo@example.com", "dora@example.com"))
	refused := func(what string, other []byte) {
		t.Helper()
		if _, err := h.readPlan(l, other); !errors.Is(err, pipeline.Usage) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for i := range text {
		for _, bit := range []byte{1, 1 << 5} { // another character, and another case
			other := append([]byte{}, text...)
			other[i] ^= bit
			refused(fmt.Sprintf("byte %d of %q", i, text[max(0, i-10):min(len(text), i+10)]), other)
		}
		refused(fmt.Sprintf("without byte %d", i), append(append([]byte{}, text[:i]...), text[i+1:]...))
	}
	for what, other := range map[string]string{
		"nothing": "", "a list": "session_id,email\n", "cut off": string(text[:len(text)/2]), "a line feed more": string(text) + "\n", "twice": string(text) + string(text),
		"without spaces": strings.ReplaceAll(string(text), "\n", ""), "a field more": strings.Replace(string(text), "{", `{"x": 1,`, 1),
		"a field twice": strings.Replace(string(text), `"format": 1,`, `"format": 1,`+"\n"+`  "format": 1,`, 1), "null": "null", "of another form": strings.Replace(string(text), `"format": 1`, `"format": 2`, 1),
		"a later time":     strings.Replace(string(text), `"made": "20`, `"made": "21`, 1),
		"another who asks": strings.Replace(string(text), "anna@example.net", "carl@example.net", 1),
	} {
		refused(what, []byte(other))
	}
	if _, err := h.readPlan(l, text); err != nil { // that the test could fail
		t.Error(err)
	}
	if err := os.Remove(h.path("plan.json")); err != nil {
		t.Fatal(err)
	}
	if _, err := campaign.ReadPlan(h.path("plan.json"), l); !errors.Is(err, pipeline.Usage) || !strings.Contains(err.Error(), "there is no such file") {
		t.Errorf("none: %v", err)
	}
}

// TestPlanFileTellsNoContact names things after contacts, and has a file with one row, whose hash could be found by
// trying all numbers: neither is in the plan. Of a longer file the hash is there, for sha256sum.
func TestPlanFileTellsNoContact(t *testing.T) {
	h, l := newHouse(t), newLedger(t)
	opt := h.options()
	opt.Label = "for anna@example.com and +46701740605"
	name := h.path("bo@example.com.csv")
	for rows, plain := range map[int]bool{1: false, 9: false, 10: true, 30: true} {
		list := "session_id,phone\n"
		for i := range rows {
			list += fmt.Sprintf("f0000000-0000-4000-8000-%012d,+4670174%04d\n", i, 605+i)
		}
		if err := os.WriteFile(name, []byte(list), 0o600); err != nil {
			t.Fatal(err)
		}
		plan, err := campaign.Check(t.Context(), opt, campaign.Ports{Observer: h, Ledger: l}, []string{name})
		if err != nil {
			t.Fatal(err)
		}
		text := string(h.written(l, opt, plan))
		for _, secret := range []string{"anna@example.com", "bo@example.com", "46701740605", "0701740605", "f0000000-0000"} {
			if strings.Contains(text, secret) {
				t.Errorf("%s is in\n%s", secret, text)
			}
		}
		if strings.Contains(text, fmt.Sprintf("%x", sha256.Sum256([]byte(list)))) != plain {
			t.Errorf("of %d rows the plain hash is there: %t", rows, !plain)
		}
		other, err := opt.Plan("", []byte("no key"), plan)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(text, fmt.Sprintf("%x", other.Contents[0])) {
			t.Error("the content is not keyed")
		}
	}
}

func TestPlanInTime(t *testing.T) {
	now := time.Now()
	for name, tt := range map[string]struct {
		made, last time.Duration // from now
		says       string
	}{
		"just now":                       {0, -time.Hour, ""},
		"by a clock that is a bit ahead": {4 * time.Minute, 0, ""},
		"by one that is far ahead":       {6 * time.Minute, 0, "still to come"},
		"yesterday":                      {-24 * time.Hour, -time.Hour, ""},
		"nearly three days":              {-72*time.Hour + time.Minute, 0, ""},
		"three days":                     {-72*time.Hour - time.Minute, 0, "more than 72 hours ago"},
		"a clock that was set back":      {-time.Hour, 6 * time.Minute, "how old the plan"},
		"a run beside, a bit ahead":      {-time.Hour, 4 * time.Minute, ""},
	} {
		p := campaign.PlanFile{Path: "plan.json", Made: now.Add(tt.made)}
		err := p.InTime(now, now.Add(tt.last))
		if tt.says == "" != (err == nil) || err != nil && (!strings.Contains(err.Error(), tt.says) || !errors.Is(err, pipeline.Usage)) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := (&campaign.PlanFile{Made: now}).InTime(now, time.Time{}); err != nil {
		t.Errorf("on a new ledger: %v", err)
	}
}

// TestPlacePlan writes a plan where nothing is lost by it.
func TestPlacePlan(t *testing.T) {
	h, l := newHouse(t), newLedger(t)
	opt := h.options()
	plan := h.checked(opt, "anna@example.com")
	first, second := h.written(l, opt, plan), h.written(l, opt, plan)
	at := h.path("plan.json")
	read := func(path string) string {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	for _, text := range [][]byte{first, second} {
		if err := campaign.PlacePlan(at, text); err != nil || read(at) != string(text) {
			t.Fatal(err)
		}
		if info, err := os.Stat(at); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
			t.Errorf("others can read it: %v, %v", info.Mode(), err)
		}
	}
	if err := os.Symlink(at, h.path("link.json")); err != nil {
		t.Fatal(err)
	}
	list := h.write("june.csv", "anna@example.com")
	for name, says := range map[string]string{"link.json": "is no file", "june.csv": "is no plan", ".": "is no file"} {
		if err := campaign.PlacePlan(h.path(name), first); !errors.Is(err, pipeline.Usage) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if read(at) != string(second) || !strings.HasPrefix(read(list), "session_id") {
		t.Error("something was written over")
	}
	if err := os.WriteFile(at+".sig", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := campaign.PlacePlan(at, first); !errors.Is(err, pipeline.Usage) || !strings.Contains(err.Error(), "was signed") || read(at) != string(second) {
		t.Errorf("over one that is signed: %v", err)
	}
	if err := campaign.PlacePlan(h.path("nowhere/plan.json"), first); !errors.Is(err, pipeline.Unwritten) {
		t.Errorf("in no folder: %v", err)
	}
	if left, _ := filepath.Glob(h.path(".hppsend-*")); left != nil {
		t.Errorf("left: %q", left)
	}
}
