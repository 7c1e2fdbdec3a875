package pipeline

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestAfterwards(t *testing.T) {
	byUs := func(r *Record) { r.Run = "run-1" }
	unavailable := func(r *Record) { r.Code, r.Reason = CodeUnavailable, "connection refused" }
	tests := []struct {
		name    string
		rules   Rules
		records []Record
		why     Finding
		want    string
	}{
		{"never tried", Rules{}, nil, Finding{}, "pending/not_reached"},
		{"never tried, the run was stopped", Rules{}, nil, Finding{Code: StopSignal, Reason: "stopped"}, "pending/stopped"},
		{"tried, and not to an end", Rules{}, []Record{known(Pending, byUs)}, Finding{Code: StopLimit}, "pending/limit_reached"},
		{"failed in this run", Rules{}, []Record{known(Failed, byUs, unavailable)}, Finding{}, "failed/unavailable"},
		{"failed in an earlier run", Rules{}, []Record{known(Failed, unavailable)}, Finding{}, "pending/not_reached"},
		{"refused by something else in this run", Rules{}, []Record{known(Rejected, byUs, notBinding)}, Finding{}, "rejected/BAD_VALUE"},
		{"the same in an earlier run", Rules{}, []Record{known(Rejected, notBinding)}, Finding{}, "pending/not_reached"},
		{"refused again", Rules{RetryRejected: true}, []Record{known(Rejected, byUs)}, Finding{}, "rejected/BAD_VALUE"},
		{"refused before, and not reached", Rules{RetryRejected: true}, []Record{known(Rejected)}, Finding{}, "pending/not_reached"},
		{"in doubt, and not reached", Rules{ResendUncertain: true}, []Record{known(Uncertain)}, Finding{}, "uncertain"},
		{"in doubt again", Rules{ResendUncertain: true}, []Record{known(Uncertain, byUs)}, Finding{}, "uncertain"},
		{"in doubt, the resend to another contact failed", Rules{ResendUncertain: true}, []Record{known(Failed, byUs), known(Uncertain, to(mail(2)))}, Finding{}, "uncertain"},
		{"another contact of the session failed in this run", Rules{}, []Record{known(Failed, byUs, to(mail(2)))}, Finding{}, "pending/not_reached"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := canned{}
			for _, rec := range test.records {
				b.know(id(1), rec)
			}
			list := sheet(mailRow())
			plan, err := Check(context.Background(), CheckConfig{Rules: test.rules, Defaults: testDefaults, Records: b}, list)
			if err != nil {
				t.Fatal(err)
			}
			plan.Files[0].Run = "run-1"
			var sink collected
			if _, err := Report(context.Background(), plan, 0, list, test.why, &sink); err != nil {
				t.Fatal(err)
			}
			if got := short(sink.outcomes[0]); got != test.want {
				t.Errorf("%s, want %s", got, test.want)
			}
		})
	}
}

func TestResend(t *testing.T) {
	tests := []struct {
		name string
		row  Row
		then []Reply
		want Status // after the resend, and in a later run that does not resend
	}{
		{"accepted", byMail(1), []Reply{ok200}, Delivered},
		{"throttled, then accepted", byMail(1), []Reply{tooMany, down, ok200}, Delivered},
		{"refused", byMail(1), []Reply{badValue}, Uncertain},
		{"refused under another contact", mailRow(otherMail), []Reply{badValue}, Uncertain},
		{"accepted under another contact", mailRow(otherMail), []Reply{ok200}, Delivered},
		{"unavailable to the end", byMail(1), []Reply{down}, Uncertain},
		{"unclear again", byMail(1), []Reply{noAnswer}, Uncertain},
		{"denied", byMail(1), []Reply{unauthorised}, Uncertain},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCampaign(t, bySession(map[string][]Reply{id(1): test.then}))
				c.book.take("old", id(1), mail(1))(Conclusion{Called: true, Status: Uncertain, Time: sent})
				c.rules.ResendUncertain = true
				res := c.runAndReport(t, sheet(test.row))
				if got := res.reports[0][0]; got.Status != test.want {
					t.Errorf("after the resend %s, want %s", short(got), test.want)
				}
				calls := c.server.total()
				if calls != len(test.then) && test.then[0].Verdict != Unavailable {
					t.Errorf("%d calls, want %d", calls, len(test.then))
				}
				next := c.again("run-2")
				next.rules.ResendUncertain = false
				out := next.runAndReport(t, sheet(test.row)).reports[0][0]
				if out.Status != test.want || c.server.total() != calls {
					t.Errorf("the next run: %s after %d more calls, want %s after none", short(out), c.server.total()-calls, test.want)
				}
			})
		})
	}
}

func TestReportDuringARun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCampaign(t, func(ctx context.Context, _ Distribution, _ int) Reply { return slowly(ctx, 10*time.Second, ok200) })
		c.cfg.Concurrency = 2
		list := sheet(many(1, 4)...)
		during := make(chan []string, 1)
		time.AfterFunc(15*time.Second, func() {
			plan, err := Check(context.Background(), CheckConfig{Rules: withoutRun(c.rules), Defaults: testDefaults, Records: c.book.run("")}, list)
			if err != nil {
				t.Error(err)
			}
			plan.Files[0].Run = "run-1"
			var sink collected
			if _, err := Report(context.Background(), plan, 0, list, Finding{}, &sink); err != nil {
				t.Error(err)
			}
			var got []string
			for _, out := range sink.outcomes {
				got = append(got, short(out))
			}
			during <- got
		})
		c.run(t, list)
		if diff := cmp.Diff([]string{"delivered", "delivered", "pending/in_flight", "pending/in_flight"}, <-during); diff != "" {
			t.Error(diff)
		}
	})
}

func TestReportKeepsTheRows(t *testing.T) {
	row := byMail(1)
	row.Cells = []Cell{{Text: "Ω, kept"}, {Text: "17", Kind: CellNumber}}
	list := sheet(row, byMail(2))
	plan, err := Check(context.Background(), CheckConfig{Defaults: testDefaults}, list)
	if err != nil {
		t.Fatal(err)
	}
	var sink collected
	if _, err := Report(context.Background(), plan, 0, list, Finding{}, &sink); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(row.Cells, sink.rows[0].Cells); diff != "" {
		t.Error(diff)
	}
}

type fullDisk struct{}

func (fullDisk) Write(Row, Outcome) error { return errDisk }

func TestReportThatCannotBeWritten(t *testing.T) {
	list := sheet(byMail(1))
	plan, err := Check(context.Background(), CheckConfig{Defaults: testDefaults}, list)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Report(context.Background(), plan, 0, list, Finding{}, fullDisk{}); !errors.Is(err, errDisk) {
		t.Errorf("got %v", err)
	}
}
