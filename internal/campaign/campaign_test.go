package campaign_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hppsend/internal/campaign"
	"hppsend/internal/hpp"
	"hppsend/internal/ledger"
	"hppsend/internal/sandbox"
	"hppsend/pipeline"
	"hppsend/reader"
)

// house is a campaign's surroundings, and its observer: it notes what it is told.
type house struct {
	t     *testing.T
	dir   string
	box   *sandbox.Server
	url   string
	stop  chan struct{}
	told  []string
	asked []int // rows to be sent, each time somebody was asked
	no    error // the answer
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{t: t, dir: t.TempDir(), box: sandbox.New(sandbox.Config{}), stop: make(chan struct{})}
	url, err := h.box.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.box.Close() })
	h.url = url
	return h
}

func (h *house) Progress(pipeline.Progress) {}
func (h *house) Notice(n pipeline.Notice)   { h.told = append(h.told, n.Code) }
func (h *house) Tell(e campaign.Event) {
	h.told = append(h.told, strings.TrimPrefix(fmt.Sprintf("%T", e), "campaign."))
}
func (h *house) path(name string) string { return filepath.Join(h.dir, name) }
func (h *house) dial() (campaign.Caller, error) {
	return hpp.New(hpp.Config{
		Endpoint: h.url, Concurrency: 4, Timeout: time.Minute,
		Credentials: hpp.Credentials{Username: sandbox.DefaultUsername, Password: sandbox.DefaultPassword},
	})
}

// write writes a list of rows, one for each contact.
func (h *house) write(name string, contacts ...string) string {
	h.t.Helper()
	text := "session_id,email\n"
	for i, c := range contacts {
		text += fmt.Sprintf("f0000000-0000-4000-8000-%012d,%s\n", i, c)
	}
	if err := os.WriteFile(h.path(name), []byte(text), 0o600); err != nil {
		h.t.Fatal(err)
	}
	return h.path(name)
}

// run is a campaign on a ledger that is opened for it, as each invocation does.
func (h *house) run(opt campaign.Options, paths ...string) (campaign.Result, error) {
	h.t.Helper()
	l, err := ledger.Open(h.t.Context(), ledger.Options{Path: h.path("ledger.db"), Environment: "sandbox", Create: true})
	if err != nil {
		h.t.Fatal(err)
	}
	defer l.Close()
	h.told = nil
	return campaign.Run(h.t.Context(), opt, campaign.Ports{
		Ledger: l, Dial: h.dial, Observer: h, Stop: h.stop,
		Confirm: func(_ context.Context, p *pipeline.Plan) error { h.asked = append(h.asked, p.Due); return h.no },
		Record:  func(f campaign.FileResult) json.RawMessage { return fmt.Appendf(nil, `{"rows":%d}`, f.Tally.Rows) },
	}, paths)
}

// options are those of a plain campaign.
func (h *house) options() campaign.Options {
	return campaign.Options{
		Reading: campaign.Reading{Hidden: "refuse", Method: "auto", Prefer: "email", Sessions: "auto"},
		Target:  hpp.Target{Origin: h.url, Environment: hpp.Sandbox, Name: "sandbox"},
		Rate:    10_000,
		Send:    pipeline.SendConfig{Concurrency: 4, MaxAttempts: 3, RetryFor: time.Minute, Grace: time.Second},
		Outputs: campaign.Outputs{Stdout: io.Discard, Lost: func() (string, error) { return h.dir, nil }},
		Program: campaign.Program{Version: "test", Host: "here", PID: os.Getpid()},
	}
}

// statuses reads the statuses of a report, in the order of its rows.
func (h *house) statuses(path string) (all []string) {
	h.t.Helper()
	f, err := reader.OpenContext(h.t.Context(), path, reader.Options{})
	if err != nil {
		h.t.Fatal(err)
	}
	defer f.Close()
	for row, err := range pipeline.Rows(f) {
		if err != nil {
			h.t.Fatal(err)
		}
		all = append(all, string(row.Prior.Status)+" "+row.Prior.Code)
	}
	return all
}

// TestCampaign takes a list through everything, twice, without a command line.
func TestCampaign(t *testing.T) {
	h := newHouse(t)
	list := h.write("may.csv", "anna@example.com", "nobody", "bo@example.com")
	res, err := h.run(h.options(), list)
	if err != nil || res.Err != nil || len(res.Files) != 1 {
		t.Fatalf("%+v, %v", res, err)
	}
	f := res.Files[0]
	if f.Report != h.path("may.report.csv") || f.Run == "" || f.Tally.SentNow != 2 || res.Total.Rows != 3 || f.Ended.Before(f.Started) {
		t.Errorf("the result is %+v", f)
	}
	if diff := cmp.Diff([]string{"delivered ", "rejected bad_email", "delivered "}, h.statuses(f.Report)); diff != "" {
		t.Errorf("the report (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"Checked", "Sending", "Sent", "Reported"}, h.told); diff != "" {
		t.Errorf("told was (-want +got):\n%s", diff)
	}
	if res, err = h.run(h.options(), list); err != nil || res.Total.Status[pipeline.Delivered] != 2 || res.Total.SentNow != 0 {
		t.Errorf("a second time: %+v, %v", res, err)
	}
	if diff := cmp.Diff([]int{2, 0}, h.asked); diff != "" || h.box.Stats().Calls != 2 {
		t.Errorf("%d calls; asked was (-want +got):\n%s", h.box.Stats().Calls, diff)
	}
}

// TestNothingIsSent where the answer is no, where it is to stop before, and where a brake holds.
func TestNothingIsSent(t *testing.T) {
	no, stopped := errors.New("no"), make(chan struct{})
	close(stopped)
	for name, test := range map[string]struct {
		set  func(*house, *campaign.Options)
		want error
	}{
		"the answer is no": {func(h *house, _ *campaign.Options) { h.no = no }, no},
		"a stop before":    {func(h *house, _ *campaign.Options) { h.stop = stopped }, context.Canceled},
		"a brake":          {func(_ *house, o *campaign.Options) { o.Send.MaxRejected.Rows = 1 }, pipeline.Braked},
		"a header alone":   {func(h *house, _ *campaign.Options) { h.write("may.csv") }, pipeline.BadInput},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			list, opt := h.write("may.csv", "anna@example.com", "nobody", "no one"), h.options()
			test.set(h, &opt)
			if res, err := h.run(opt, list); !errors.Is(err, test.want) || len(res.Files) != 0 {
				t.Errorf("%+v, %v; want %v", res, err, test.want)
			}
			if left, _ := filepath.Glob(h.path("*.report*")); h.box.Stats().Calls != 0 || left != nil {
				t.Errorf("%d calls, and %q were written", h.box.Stats().Calls, left)
			}
		})
	}
}

// TestOtherFilesAreSent where one is refused and that is allowed.
func TestOtherFilesAreSent(t *testing.T) {
	h := newHouse(t)
	good, bad, opt := h.write("good.csv", "anna@example.com"), h.write("bad.csv"), h.options()
	if _, err := h.run(opt, bad, good); !errors.Is(err, pipeline.BadInput) || h.box.Stats().Calls != 0 {
		t.Errorf("%v after %d calls", err, h.box.Stats().Calls)
	}
	opt.SkipRefused = true
	res, err := h.run(opt, bad, good)
	if err != nil || len(res.Refused) != 1 || len(res.Files) != 1 || res.Files[0].Path != good || h.box.Stats().Calls != 1 {
		t.Errorf("%+v, %v after %d calls", res, err, h.box.Stats().Calls)
	}
	if diff := cmp.Diff([]string{"Refused", "Checked", "Sending", "Sent", "Reported"}, h.told); diff != "" {
		t.Errorf("told was (-want +got):\n%s", diff)
	}
}

// TestCheckSendsNothing and needs no ledger; it writes what it has found where that is wanted.
func TestCheckSendsNothing(t *testing.T) {
	h := newHouse(t)
	list, opt := h.write("may.csv", "anna@example.com", "nobody"), h.options()
	opt.Outputs.Report = h.path("found.csv")
	plan, err := campaign.Check(t.Context(), opt, campaign.Ports{Observer: h}, []string{list})
	if err != nil || plan.Due != 1 || h.box.Stats().Calls != 0 {
		t.Fatalf("%+v, %v after %d calls", plan, err, h.box.Stats().Calls)
	}
	if diff := cmp.Diff([]string{"pending not_reached", "rejected bad_email"}, h.statuses(h.path("found.csv"))); diff != "" {
		t.Errorf("found was (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"Checked", "Reported"}, h.told); diff != "" {
		t.Errorf("told was (-want +got):\n%s", diff)
	}
}

// TestAgain makes a report again, as the run judged the rows, and of no other bytes.
func TestAgain(t *testing.T) {
	h := newHouse(t)
	list, opt := h.write("may.csv", "anna@example.com", "nobody"), h.options()
	opt.Prefer = "sms"
	res, err := h.run(opt, list)
	if err != nil {
		t.Fatal(err)
	}
	l, err := ledger.Open(t.Context(), ledger.Options{Path: h.path("ledger.db"), Environment: "sandbox"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	again := func() (campaign.FileResult, error) {
		f, _, err := campaign.Again(t.Context(), l, opt.Target, list, campaign.Outputs{Report: h.path("again.csv")}, h, opt.Program)
		return f, err
	}
	f, err := again()
	if err != nil || f.Err != nil || f.Run != res.Files[0].Run {
		t.Fatalf("%+v, %v", f, err)
	}
	if diff := cmp.Diff(h.statuses(res.Files[0].Report), h.statuses(f.Report)); diff != "" {
		t.Errorf("the two reports differ:\n%s", diff)
	}
	h.write("may.csv", "anna@example.com", "cleo@example.com")
	if _, err := again(); !errors.Is(err, pipeline.Usage) || !strings.Contains(err.Error(), "no run on these bytes") {
		t.Errorf("of other bytes: %v", err)
	}
}
