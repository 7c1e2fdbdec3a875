package pipeline

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Records as a ledger may hold them, of the session id(1) by e-mail to mail(1).
var sent = time.Date(2026, 5, 4, 3, 2, 0, 0, time.UTC)

func known(s Status, change ...func(*Record)) Record {
	rec := Record{Method: Email, Contact: digestOf(mail(1)), Status: s, Run: "old", Time: sent, Attempts: 1}
	if s == Rejected {
		rec.Code, rec.Binding = "BAD_VALUE", true
	}
	for _, f := range change {
		f(&rec)
	}
	return rec
}

func to(contact string) func(*Record) {
	return func(r *Record) { r.Contact = digestOf(contact) }
}

func withOther(contact string) func(*Record) {
	return func(r *Record) { r.Other = digestOf(contact) }
}

func inRound(name string) func(*Record) { return func(r *Record) { r.Reminder = name } }
func underWay(r *Record)                { r.Intent, r.Run = ForeignIntent, "other" }
func notBinding(r *Record)              { r.Binding = false }
func ofNobody(r *Record)                { r.Contact = Digest{ForgottenVersion, 7} }

// mailRow is a row of session id(1), changed.
func mailRow(change ...func(*Row)) Row {
	r := byMail(1)
	for _, f := range change {
		f(&r)
	}
	return r
}

func noSession(r *Row)  { r.Fields.Session = "" }
func unreadable(r *Row) { r.Fields.Email = "nobody" }
func hiddenRow(r *Row)  { r.Hidden = true }
func faulty(r *Row) {
	r.Faults = []Finding{{Code: "ragged_row", Reason: "the row has more cells than the header"}}
}
func otherMail(r *Row) { r.Fields.Email = mail(2) }
func labelled(label string) func(*Row) {
	return func(r *Row) { r.Fields, r.Last = Fields{Session: label}, true }
}

func emptyLast(r *Row)    { r.Fields, r.Last = Fields{}, true }
func bothContacts(r *Row) { r.Fields.Phone, r.Fields.PhoneCountry = "+46701740605", "SE" }

func saysPrior(s Status, code, target string) func(*Row) {
	return func(r *Row) { r.Prior = Prior{Status: s, Code: code, Target: target, Run: "far", Time: sent} }
}

// judged checks the rows against what the ledger knows of id(1), makes their report, and gives both.
func judged(t *testing.T, rules Rules, records []Record, files ...*table) (check *Plan, report []Outcome) {
	t.Helper()
	b := canned{}
	for _, rec := range records {
		b.know(id(1), rec)
	}
	rules.Target = "sandbox"
	var sources []Source
	for _, f := range files {
		sources = append(sources, f)
	}
	plan, err := Check(context.Background(), CheckConfig{Rules: rules, Defaults: testDefaults, Records: b}, sources...)
	if err != nil {
		t.Fatal(err)
	}
	var sink collected
	var total Tally
	for i, f := range files {
		plan.Files[i].Run = "run-1"
		tally, err := Report(context.Background(), plan, i, f, Finding{}, &sink)
		if err != nil {
			t.Fatal(err)
		}
		total.Add(tally)
	}
	if plan.Total.Rows != total.Rows || total.Rows != len(sink.outcomes) {
		t.Errorf("%d rows checked, %d reported, %d outcomes", plan.Total.Rows, total.Rows, len(sink.outcomes))
	}
	counted := 0
	for _, n := range total.Status {
		counted += n
	}
	if counted != total.Rows {
		t.Errorf("the counts add up to %d of %d rows", counted, total.Rows)
	}
	if !rules.ResendUncertain { // a doubt is to be sent again, and stays one until then
		if diff := cmp.Diff(plan.Total.Status, total.Status); diff != "" {
			t.Errorf("the check and a report without a call between differ: %s", diff)
		}
	}
	return plan, sink.outcomes
}

func TestJudgementOfARow(t *testing.T) {
	skip := Rules{Hidden: SkipHidden}
	reminder := Rules{Reminder: "second"}
	each := Rules{EachContact: true}
	retry, resend := Rules{RetryRejected: true}, Rules{ResendUncertain: true}
	delivered, doubt, refusal := known(Delivered), known(Uncertain), known(Rejected)
	flight := known("", underWay)
	elsewhere := saysPrior(Delivered, "", "")
	tests := []struct {
		name    string
		rules   Rules
		row     Row
		records []Record
		want    string
	}{
		{"nothing is known", Rules{}, mailRow(), nil, "pending/not_reached"},

		{"no session beats all", skip, mailRow(noSession, unreadable, hiddenRow, elsewhere), nil, "rejected/missing_session"},
		{"delivered beats doubt", Rules{}, mailRow(), []Record{known(Uncertain, to(mail(2))), delivered}, "delivered/already_delivered"},
		{"delivered beats a live intent", Rules{}, mailRow(), []Record{flight, delivered}, "delivered/already_delivered"},
		{"delivered beats a report", Rules{}, mailRow(saysPrior(Uncertain, "", "")), []Record{delivered}, "delivered/already_delivered"},
		{"delivered beats a hidden row", skip, mailRow(hiddenRow), []Record{delivered}, "delivered/already_delivered"},
		{"delivered beats our own check", Rules{}, mailRow(unreadable), []Record{delivered}, "delivered/already_delivered"},
		{"delivered beats a fault of the reader", Rules{}, mailRow(faulty), []Record{delivered}, "delivered/already_delivered"},
		{"delivered beats a refusal", Rules{}, mailRow(), []Record{known(Rejected, to(mail(2))), delivered}, "delivered/already_delivered"},
		{"doubt beats a live intent", Rules{}, mailRow(), []Record{flight, known(Uncertain, to(mail(2)))}, "uncertain"},
		{"doubt beats a hidden row", skip, mailRow(hiddenRow), []Record{doubt}, "uncertain"},
		{"doubt beats our own check", Rules{}, mailRow(unreadable), []Record{doubt}, "uncertain"},
		{"doubt beats a refusal", Rules{}, mailRow(), []Record{refusal, known(Uncertain, to(mail(2)))}, "uncertain"},
		{"a live intent beats a hidden row", skip, mailRow(hiddenRow), []Record{flight}, "pending/in_other_run"},
		{"a live intent beats our own check", Rules{}, mailRow(unreadable), []Record{flight}, "pending/in_other_run"},
		{"a live intent beats a refusal", Rules{}, mailRow(), []Record{refusal, known("", underWay, to(mail(2)))}, "pending/in_other_run"},
		{"a report beats a hidden row", skip, mailRow(hiddenRow, elsewhere), nil, "skipped/delivered_elsewhere"},
		{"a report beats a round", reminder, mailRow(elsewhere), nil, "skipped/delivered_elsewhere"},
		{"a report beats our own check", Rules{}, mailRow(unreadable, elsewhere), nil, "skipped/delivered_elsewhere"},
		{"a hidden row beats a round", Rules{Hidden: SkipHidden, Reminder: "second"}, mailRow(hiddenRow), nil, "skipped/hidden_row"},
		{"a hidden row beats our own check", skip, mailRow(hiddenRow, unreadable), nil, "skipped/hidden_row"},
		{"a hidden row beats a refusal", skip, mailRow(hiddenRow), []Record{refusal}, "skipped/hidden_row"},
		{"a round beats our own check", reminder, mailRow(unreadable), nil, "skipped/not_delivered_before"},
		{"our own check beats a refusal", Rules{}, mailRow(faulty), []Record{refusal}, "rejected/ragged_row"},
		{"a refusal beats sending", Rules{}, mailRow(), []Record{refusal}, "rejected/BAD_VALUE"},

		{"the last row with a label in the first column", Rules{}, mailRow(labelled("Total: ")), nil, "skipped/totals_row"},
		{"the last row with a label and a number", Rules{}, mailRow(labelled("Summe 195")), nil, "skipped/totals_row"},
		{"the last row with a session and no contact", Rules{}, mailRow(labelled(id(9))), nil, "rejected/missing_contact"},
		{"the last row with what may be a session and no contact", Rules{}, mailRow(labelled("a9")), nil, "rejected/missing_contact"},
		{"the last row with a label and a contact", Rules{}, mailRow(func(r *Row) { r.Fields.Session, r.Last = "Total", true }), nil, "rejected/bad_session"},
		{"the last row with nothing of ours", Rules{}, mailRow(emptyLast), nil, "skipped/totals_row"},
		{"an empty row before it", Rules{}, Row{}, nil, "rejected/missing_session"},
		{"a hidden row that is to be sent", Rules{Hidden: SendHidden}, mailRow(hiddenRow), nil, "pending/not_reached"},

		{"delivered to another contact", Rules{}, mailRow(otherMail), []Record{delivered}, "skipped/session_already_delivered"},
		{"delivered to the row's other contact", Rules{}, mailRow(bothContacts), []Record{known(Delivered, to("+46701740605"))}, "delivered/already_delivered"},
		{"the delivered row had this one as its other contact", Rules{}, mailRow(), []Record{known(Delivered, to("+46701740605"), withOther(mail(1)))}, "delivered/already_delivered"},
		{"delivered, and now without a readable contact", Rules{}, mailRow(unreadable), []Record{known(Delivered, to(mail(2)))}, "delivered/already_delivered"},
		{"each contact: delivered to another", each, mailRow(otherMail), []Record{delivered}, "pending/not_reached"},
		{"each contact: delivered to this one", each, mailRow(), []Record{delivered}, "delivered/already_delivered"},
		{"each contact: doubt is of the session", each, mailRow(otherMail), []Record{doubt}, "uncertain"},

		{"delivered to somebody who was forgotten, maybe this one", Rules{}, mailRow(), []Record{known(Delivered, ofNobody)}, "delivered/already_delivered"},
		{"delivered to somebody who was forgotten, whoever this is", Rules{}, mailRow(otherMail), []Record{known(Delivered, ofNobody)}, "delivered/already_delivered"},
		{"delivered to another, and to somebody who was forgotten", Rules{}, mailRow(), []Record{known(Delivered, ofNobody), known(Delivered, to(mail(2)))}, "delivered/already_delivered"},
		{"each contact: delivered to somebody who was forgotten", each, mailRow(), []Record{known(Delivered, ofNobody)}, "skipped/session_already_delivered"},
		{"each contact: delivered to this one, and to somebody who was forgotten", each, mailRow(), []Record{known(Delivered, ofNobody), delivered}, "delivered/already_delivered"},
		{"in doubt with somebody who was forgotten", Rules{}, mailRow(otherMail), []Record{known(Uncertain, ofNobody)}, "uncertain"},
		{"each contact: in doubt with somebody who was forgotten", each, mailRow(otherMail), []Record{known(Uncertain, ofNobody)}, "uncertain"},
		{"refused to somebody who was forgotten", Rules{}, mailRow(), []Record{known(Rejected, ofNobody)}, "pending/not_reached"},
		{"a round: delivered before to somebody who was forgotten", reminder, mailRow(otherMail), []Record{known(Delivered, ofNobody)}, "pending/not_reached"},
		{"a round: delivered in it to somebody who was forgotten", reminder, mailRow(), []Record{known(Delivered, ofNobody, inRound("second"))}, "delivered/already_delivered"},

		{"first round: delivered in a later one", Rules{}, mailRow(), []Record{known(Delivered, inRound("second"))}, "delivered/already_delivered"},
		{"a round: delivered before", reminder, mailRow(), []Record{delivered}, "pending/not_reached"},
		{"a round: delivered before and in it", reminder, mailRow(), []Record{delivered, known(Delivered, inRound("second"))}, "delivered/already_delivered"},
		{"a round: never delivered", reminder, mailRow(), []Record{known(Failed)}, "skipped/not_delivered_before"},
		{"a round: doubt of another", reminder, mailRow(), []Record{delivered, known(Uncertain, inRound("first"))}, "uncertain"},

		{"a refusal of another contact", Rules{}, mailRow(otherMail), []Record{refusal}, "pending/not_reached"},
		{"a refusal that does not bind", Rules{}, mailRow(), []Record{known(Rejected, notBinding)}, "pending/not_reached"},
		{"a refusal that is to be tried again", retry, mailRow(), []Record{refusal}, "pending/not_reached"},
		{"failed before", Rules{}, mailRow(), []Record{known(Failed)}, "pending/not_reached"},
		{"a doubt that is to be sent again, and was not reached", resend, mailRow(), []Record{doubt}, "uncertain"},
		{"a doubt under another contact, likewise", resend, mailRow(otherMail), []Record{doubt}, "uncertain"},
		{"a doubt, and our own check", resend, mailRow(unreadable), []Record{doubt}, "uncertain"},
		{"a doubt, and a refusal of the contact", resend, mailRow(otherMail), []Record{doubt, known(Rejected, to(mail(2)))}, "uncertain"},
		{"a doubt, and a delivery", resend, mailRow(otherMail), []Record{doubt, known(Delivered, to(mail(2)))}, "delivered/already_delivered"},

		{"a report says pending", Rules{}, mailRow(saysPrior(Pending, "not_reached", "")), nil, "pending/not_reached"},
		{"a report says rejected", Rules{}, mailRow(saysPrior(Rejected, "BAD_VALUE", "")), nil, "pending/not_reached"},
		{"a report says skipped as hidden", Rules{}, mailRow(saysPrior(Skipped, "hidden_row", "")), nil, "pending/not_reached"},
		{"a report says served by another contact", Rules{}, mailRow(saysPrior(Skipped, "session_already_delivered", "sandbox")), nil, "skipped/delivered_elsewhere"},
		{"a report carries on what one said", Rules{}, mailRow(saysPrior(Skipped, "delivered_elsewhere", "sandbox")), nil, "skipped/delivered_elsewhere"},
		{"a report says in doubt", Rules{}, mailRow(saysPrior(Uncertain, "", "sandbox")), nil, "skipped/uncertain_elsewhere"},
		{"a report made during a call", Rules{}, mailRow(saysPrior(Pending, "in_flight", "sandbox")), nil, "skipped/uncertain_elsewhere"},
		{"a report made while another run sent", Rules{}, mailRow(saysPrior(Pending, "in_other_run", "")), nil, "skipped/uncertain_elsewhere"},
		{"a report made during a call, and hidden", skip, mailRow(hiddenRow, saysPrior(Pending, "in_flight", "")), nil, "skipped/uncertain_elsewhere"},
		{"a report of another target made during a call", Rules{}, mailRow(saysPrior(Pending, "in_flight", "https://api.example.com")), nil, "pending/not_reached"},
		{"a report made during a call, where the ledger knows better", Rules{}, mailRow(saysPrior(Pending, "in_flight", "")), []Record{known(Failed)}, "pending/not_reached"},
		{"a report carries on a doubt", Rules{}, mailRow(saysPrior(Skipped, "uncertain_elsewhere", "")), nil, "skipped/uncertain_elsewhere"},
		{"a report of another target", Rules{}, mailRow(saysPrior(Delivered, "", "https://api.example.com")), nil, "pending/not_reached"},
		{"a report, where the ledger knows better", Rules{}, mailRow(elsewhere), []Record{known(Failed)}, "pending/not_reached"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			list := sheet(test.row)
			list.report = true
			_, report := judged(t, test.rules, test.records, list)
			if got := short(report[0]); got != test.want {
				t.Errorf("%s, want %s", got, test.want)
			}
		})
	}
}

func TestRowsOfOneSession(t *testing.T) {
	one, two := mailRow(), mailRow(otherMail)
	dup := "skipped/duplicate_session"
	tests := []struct {
		name    string
		rules   Rules
		rows    []Row
		records []Record
		want    []string
	}{
		{"the first is to be sent", Rules{}, []Row{one, two, one}, nil, []string{"pending/not_reached", dup, dup}},
		{"the first that passes our own check", Rules{}, []Row{mailRow(unreadable), two, one}, nil, []string{"rejected/bad_email", "pending/not_reached", dup}},
		{"the first that is not left out", Rules{Hidden: SkipHidden}, []Row{mailRow(hiddenRow), two}, nil, []string{"skipped/hidden_row", "pending/not_reached"}},
		{"the one with the ledger's contact, delivered", Rules{}, []Row{two, one, one}, []Record{known(Delivered)}, []string{dup, "delivered/already_delivered", dup}},
		{"the one with the ledger's contact, in doubt", Rules{}, []Row{two, one}, []Record{known(Uncertain)}, []string{dup, "uncertain"}},
		{"the one with the ledger's contact, refused", Rules{}, []Row{two, one}, []Record{known(Rejected)}, []string{dup, "rejected/BAD_VALUE"}},
		{"the one with the ledger's contact, failed", Rules{}, []Row{two, one}, []Record{known(Failed)}, []string{dup, "pending/not_reached"}},
		{"a delivery before a refusal", Rules{}, []Row{two, one}, []Record{known(Rejected, to(mail(2))), known(Delivered)}, []string{dup, "delivered/already_delivered"}},
		{"none has the ledger's contact", Rules{}, []Row{two, two}, []Record{known(Delivered)}, []string{"skipped/session_already_delivered", dup}},
		{"a repeat that fails our own check says so", Rules{}, []Row{one, mailRow(unreadable)}, nil, []string{"pending/not_reached", "rejected/bad_email"}},
		{"each contact", Rules{EachContact: true}, []Row{one, two, one}, []Record{known(Delivered)}, []string{"delivered/already_delivered", "pending/not_reached", dup}},
		{"ids in capitals", Rules{}, []Row{
			{Fields: Fields{Session: "ABCDEF00-0000-4000-8000-000000000001", Email: mail(1)}},
			{Fields: Fields{Session: "abcdef00-0000-4000-8000-000000000001", Email: mail(1)}},
		}, nil, []string{"pending/not_reached", dup}},
		{"a report serves all rows of a session, earlier ones too", Rules{}, []Row{two, mailRow(saysPrior(Delivered, "", "")), one}, nil, []string{"skipped/delivered_elsewhere", dup, dup}},
		{"a report that knows beats one in doubt", Rules{}, []Row{mailRow(saysPrior(Uncertain, "", "")), mailRow(saysPrior(Delivered, "", ""))}, nil, []string{"skipped/delivered_elsewhere", dup}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			list := sheet(test.rows...)
			list.report = true
			_, report := judged(t, test.rules, test.records, list)
			var got []string
			for _, out := range report {
				got = append(got, short(out))
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRepeatNamesTheRowThatCarries(t *testing.T) {
	first := &table{name: "first.csv", rows: []Row{byMail(7), mailRow()}}
	second := &table{name: "second.csv", rows: []Row{byMail(8), byMail(9), mailRow(otherMail)}}
	_, report := judged(t, Rules{}, nil, first, second)
	if got := report[4].Reason; !strings.HasSuffix(got, "first.csv, row 3") {
		t.Errorf("the repeat says %q", got)
	}
	_, report = judged(t, Rules{}, []Record{known(Delivered, to(mail(2)))}, first, second)
	if got := report[1].Reason; short(report[1]) != "skipped/duplicate_session" || !strings.HasSuffix(got, "second.csv, row 4") {
		t.Errorf("the earlier row is %s and says %q", short(report[1]), got)
	}
}

// What an attempt's own record has become binds the next attempt, unless the same run has left it so.
func TestJudgementOfTheNextAttempt(t *testing.T) {
	rules := Rules{Run: "run-1"}
	it := item{Distribution: Distribution{Session: id(1), Method: Email, Contact: mail(1)}, session: id(1), contact: digestOf(mail(1))}
	mine := func(r *Record) { r.Run = "run-1" }
	tests := []struct {
		name   string
		rules  Rules
		record Record
		want   stage
	}{
		{"as we left it", rules, known(Pending, mine), stageSend},
		{"taken by another run", rules, known(Pending, underWay), stageInFlight},
		{"in doubt by another run", rules, known(Uncertain), stageUncertain},
		{"in doubt by us, which is never tried again", rules, known(Uncertain, mine), stageUncertain},
		{"refused to another run", rules, known(Rejected), stageRefused},
		{"a doubt that we resend, tried once", Rules{Run: "run-1", ResendUncertain: true}, known(Uncertain, mine), stageSend},
		{"a refusal that we retry, tried once", Rules{Run: "run-1", RetryRejected: true}, known(Rejected), stageSend},
		{"delivered", rules, known(Delivered), stageDelivered},
	}
	for _, test := range tests {
		test.record.ID = 7
		if got := test.rules.judge(it, []Record{test.record}, 7).stage; got != test.want {
			t.Errorf("%s: stage %d, want %d", test.name, got, test.want)
		}
	}
}

// The report of a run says what came of its rows, also of one whose contact was forgotten since; it names nobody.
func TestReportOfWhoWasForgotten(t *testing.T) {
	rules := Rules{Run: "run-1"}
	it := item{Distribution: Distribution{Session: id(1), Method: Email, Contact: mail(1)}, session: id(1), contact: digestOf(mail(1))}
	for _, s := range []Status{Delivered, Rejected, Failed, Uncertain} {
		records := []Record{known(s, ofNobody, func(r *Record) { r.Run = "run-1" })}
		out := rules.judge(it, records, 0).outcome
		if out.Status == Pending {
			out = rules.afterwards(it, records, Finding{})
		}
		if out.Status != s || out.SentTo != "" || out.Run != "run-1" {
			t.Errorf("what was %s is %+v", s, out)
		}
	}
	if out := rules.judge(it, []Record{known(Rejected, ofNobody)}, 0).outcome; out.Status != Pending {
		t.Errorf("what another run was refused, for nobody knows whom, is %+v", out)
	}
}

func TestDeliveryTellsWhenAndWhere(t *testing.T) {
	_, report := judged(t, Rules{}, []Record{known(Delivered, func(r *Record) {
		r.CorrelationID, r.HTTPStatus, r.Attempts = "c-1", 204, 3
	})}, sheet(mailRow()))
	want := Outcome{
		Session: id(1), Status: Delivered, Code: CodeAlreadyDelivered, Reason: "delivered on 2026-05-04 03:02 UTC by run old; not sent again",
		Method: Email, SentTo: mail(1), HTTPStatus: 204, Attempts: 3, CorrelationID: "c-1", Time: sent, Target: "sandbox", Run: "old",
	}
	if diff := cmp.Diff(want, report[0]); diff != "" {
		t.Error(diff)
	}
	_, report = judged(t, Rules{}, []Record{known(Delivered)}, sheet(mailRow(otherMail)))
	if report[0].SentTo != "" {
		t.Errorf("a contact that is not the row's is shown: %q", report[0].SentTo)
	}
	_, report = judged(t, Rules{}, []Record{known(Delivered, func(r *Record) { r.Run = "run-1" })}, sheet(mailRow()))
	if !report[0].SentNow || report[0].Code != "" {
		t.Errorf("a delivery of the run itself is %+v", report[0])
	}
	settled := func(run string) Record {
		return known(Delivered, func(r *Record) { r.Run, r.Code, r.Reason = run, CodeSettledDelivered, "settled by Ann" })
	}
	_, report = judged(t, Rules{}, []Record{settled("run-1")}, sheet(mailRow()))
	if out := report[0]; out.SentNow || out.Code != CodeSettledDelivered || out.Reason != "settled by Ann" {
		t.Errorf("settled as delivered by the run itself it is %+v", out)
	}
	_, report = judged(t, Rules{}, []Record{settled("old")}, sheet(mailRow()))
	if out := report[0]; out.Code != CodeAlreadyDelivered || out.Reason != "settled by Ann; not sent again" {
		t.Errorf("settled as delivered by another run it is %+v", out)
	}
}

func TestHiddenRowsRefuseAFile(t *testing.T) {
	refuse := CheckConfig{Rules: Rules{Hidden: RefuseHidden}, Defaults: testDefaults}
	_, err := Check(context.Background(), refuse, sheet(byMail(2), mailRow(hiddenRow)))
	var refused *Error
	if !errors.As(err, &refused) || refused.Place.Row != 3 || refused.Hint() == "" {
		t.Errorf("got %v", err)
	}
	for name, row := range map[string]Row{
		"without a session": mailRow(hiddenRow, noSession), "that cannot be sent": mailRow(hiddenRow, unreadable),
	} {
		if _, err := Check(context.Background(), refuse, sheet(row)); err != nil {
			t.Errorf("a hidden row %s refused the file: %v", name, err)
		}
	}
}

func TestStatusesAreClosed(t *testing.T) {
	for _, s := range Statuses() {
		prior := Prior{Status: s}
		want := s == Delivered || s == Uncertain
		if got := (Rules{}).servedElsewhere(prior); got != want {
			t.Errorf("a report that says %s prevents a send: %v", s, got)
		}
	}
}
