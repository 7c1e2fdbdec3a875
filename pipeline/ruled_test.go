package pipeline

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// listed is a suppression list.
type listed []string

func (l listed) Find(contacts ...string) (string, int, bool) {
	for _, c := range contacts {
		if i := slices.Index(l, CanonicalContact(c)); i >= 0 {
			return "out.csv", i + 1, true
		}
	}
	return "", 0, false
}

// besides gives a row a contact in a column that is not sent to.
func besides(field, text string) func(*Row) {
	return func(r *Row) { r.Also = append(r.Also, Contact{field, text}) }
}

func optedOut(r *Row) { r.OptedOut = "Unsubscribed" }

// Which of several rules that hit a row is told of, and what comes before any rule and after all of them.
func TestOrderOfRules(t *testing.T) {
	yes := func(r *Rules) {}
	suppress := func(r *Rules) { r.Suppressed = listed{mail(1), "+46701740605"} }
	cool := func(r *Rules) { r.Cooldown = 24 * time.Hour }
	first := func(r *Rules) { r.PerContact = FirstSession }
	all := func(r *Rules) { suppress(r); cool(r); first(r) }
	recently := func(c *campaign) { // mail(1) was sent something by another campaign
		c.book.take("other", id(90), mail(1))(Conclusion{Status: Delivered, Called: true, Time: time.Now()})
		time.Sleep(time.Minute)
	}
	knows := func(s Status, binding bool) func(*campaign) {
		return func(c *campaign) {
			c.book.take("earlier", id(1), mail(1))(Conclusion{Status: s, Called: true, Binding: binding, Code: "BAD_VALUE", Time: time.Now()})
		}
	}
	for _, tt := range []struct {
		name   string
		rules  func(*Rules)
		before []func(*campaign)
		row    Row
		want   string
	}{
		{"nothing", yes, nil, mailRow(), "pending/not_reached"},
		{"a column", yes, nil, mailRow(optedOut), "skipped/opted_out"},
		{"a list", suppress, nil, mailRow(), "skipped/suppressed"},
		{"a list, by the other contact", func(r *Rules) { r.Suppressed = listed{"+46701740605"} }, nil, mailRow(bothContacts), "skipped/suppressed"},
		{"a list, in another case", suppress, nil, mailRow(func(r *Row) { r.Fields.Email = "Person1@Example.COM" }), "skipped/suppressed"},
		{"the cool-down", cool, []func(*campaign){recently}, mailRow(), "skipped/cooling_down"},
		{"the cool-down, in another case", cool, []func(*campaign){recently}, mailRow(func(r *Row) { r.Fields.Email = "PERSON1@example.com" }), "skipped/cooling_down"},
		{"the cool-down, by the other contact", cool, []func(*campaign){recently}, mailRow(bothContacts, func(r *Row) { r.Fields.Method = "sms" }), "skipped/cooling_down"},
		{"a cool-down that is over", func(r *Rules) { r.Cooldown = 30 * time.Second }, []func(*campaign){recently}, mailRow(), "pending/not_reached"},
		{"a second session", first, nil, Row{Fields: Fields{Session: id(2), Email: "Person3@example.com"}}, "skipped/same_contact"},
		{"a column before a list", all, []func(*campaign){recently}, mailRow(optedOut), "skipped/opted_out"},
		{"a list before the cool-down", all, []func(*campaign){recently}, mailRow(), "skipped/suppressed"},
		{"a list before a refusal", suppress, []func(*campaign){knows(Rejected, true)}, mailRow(), "skipped/suppressed"},
		{"a refusal after all", first, []func(*campaign){knows(Rejected, true)}, mailRow(), "rejected/BAD_VALUE"},
		{"a delivery before all", all, []func(*campaign){knows(Delivered, false), recently}, mailRow(optedOut), "delivered/already_delivered"},
		{"a doubt before all", all, []func(*campaign){knows(Uncertain, false), recently}, mailRow(optedOut), "uncertain/BAD_VALUE"},
		{"a doubt that may be sent again stays one", func(r *Rules) { suppress(r); r.ResendUncertain = true }, []func(*campaign){knows(Uncertain, false)}, mailRow(), "uncertain/BAD_VALUE"},
		{"a doubt of the opted-out too", func(r *Rules) { r.ResendUncertain = true }, []func(*campaign){knows(Uncertain, false)}, mailRow(optedOut), "uncertain/BAD_VALUE"},
		{"our own check before all", all, nil, mailRow(unreadable, optedOut), "rejected/invalid_email"},
		{"a hidden row before all", func(r *Rules) { all(r); r.Hidden = SkipHidden }, nil, mailRow(hiddenRow, optedOut), "skipped/hidden_row"},
		{"another run before all", all, []func(*campaign){func(c *campaign) { c.book.take("living", id(1), mail(1)) }}, mailRow(optedOut), "pending/in_other_run"},
		{"a repeat before all", all, nil, func() Row { r := byMail(3); optedOut(&r); return r }(), "skipped/duplicate_session"},
		{"elsewhere before all", all, nil, mailRow(optedOut, saysPrior(Delivered, "", "")), "skipped/delivered_elsewhere"},
		{"who asked to be forgotten", yes, []func(*campaign){func(c *campaign) {
			if err := c.book.ledger.NeverAgain(mail(1)); err != nil {
				t.Fatal(err)
			}
		}}, mailRow(), "skipped/suppressed"},
		{"who asked to be forgotten, by a contact that is not sent to", yes, []func(*campaign){func(c *campaign) {
			if err := c.book.ledger.NeverAgain("+46701740605"); err != nil {
				t.Fatal(err)
			}
		}}, mailRow(besides(FieldPhone, "+46 70 174 06 05")), "skipped/suppressed"},
		{"the cool-down, by a contact that is not sent to", cool, []func(*campaign){recently}, Row{
			Fields: Fields{Session: id(2), Email: mail(2)}, Also: []Contact{{FieldEmail, "Person1@example.com"}},
		}, "skipped/cooling_down"},
		{"somebody else's contact that is not sent to", cool, []func(*campaign){recently}, Row{
			Fields: Fields{Session: id(2), Email: mail(2)}, Also: []Contact{{FieldEmail, "person4@example.com"}},
		}, "pending/not_reached"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCampaign(t, always(ok200))
				tt.rules(&c.rules)
				for _, f := range tt.before {
					f(c)
				}
				list := sheet(byMail(3), tt.row)
				list.report = strings.Contains(tt.name, "elsewhere")
				plan, err := Check(t.Context(), CheckConfig{
					Rules: withoutRun(c.rules), Defaults: testDefaults, Records: c.book.run(""), Contacts: c.book.ledger.View().(Contacts),
				}, list)
				if err != nil {
					t.Fatal(err)
				}
				want := strings.Replace(tt.want, "invalid_email", CodeBadEmail, 1)
				status, code, _ := strings.Cut(want, "/")
				if g := plan.Total.Groups[len(plan.Total.Groups)-1]; string(g.Status) != status || g.Code != code && g.Code != "" || len(g.Places) == 0 || g.Places[0].Reason == "" && g.Status == Skipped {
					t.Errorf("the check says %s/%s for %v, want %s", g.Status, g.Code, g.Places, want)
				}
				c.cfg.RetryFor = time.Minute
				c.rules.Run = "run-1 of x"
				list.bytes = "x"
				res := c.runAndReport(t, list)
				sent := want == "pending/not_reached"
				if got := res.statuses()[1]; got != want && !(sent && got == "delivered") {
					t.Errorf("the report says %s, want %s", got, want)
				}
				if c.server.total() > 1 != sent {
					t.Errorf("%d calls", c.server.total())
				}
				if diff := cmp.Diff(res.statuses(), shorts(c.later(t, list))); diff != "" {
					t.Errorf("a report made later differs (-at once +later):\n%s", diff)
				}
			})
		})
	}
}

func shorts(all []Outcome) (out []string) {
	for _, o := range all {
		out = append(out, short(o))
	}
	return out
}

// later makes the report of a run anew, out of the ledger, as hppsend report does: by none of the rules.
func (c *campaign) later(t *testing.T, file *table) []Outcome {
	t.Helper()
	held, err := c.book.ledger.Held(c.rules.Run, false)
	if err != nil {
		t.Fatal(err)
	}
	rules := Rules{Target: c.rules.Target, Reminder: c.rules.Reminder, EachContact: c.rules.EachContact, Fallback: c.rules.Fallback, Hidden: c.rules.Hidden}
	if rules.Hidden == RefuseHidden {
		rules.Hidden = SendHidden
	}
	plan, err := Check(t.Context(), CheckConfig{Rules: rules, Defaults: testDefaults, Records: c.book.run(c.rules.Run), Held: held, Over: true}, file)
	if err != nil {
		t.Fatal(err)
	}
	plan.Files[0].Run = c.rules.Run
	var sink collected
	if _, err := Report(context.Background(), plan, 0, file, Finding{}, &sink); err != nil {
		t.Fatal(err)
	}
	return sink.outcomes
}

// What is held back once its turn has come is kept for the report, at once and later.
func TestHeldAtTheClaim(t *testing.T) {
	for _, tt := range []struct {
		name string
		rule func(*Rules)
		then func(*campaign)
		want string
	}{
		{"sent something by another campaign", func(r *Rules) { r.Cooldown = time.Hour }, func(c *campaign) {
			c.book.take("other", id(90), mail(2))(Conclusion{Status: Uncertain, Called: true, Time: time.Now()})
		}, "skipped/cooling_down"},
		{"forgotten", func(*Rules) {}, func(c *campaign) { c.book.ledger.NeverAgain(mail(2)) }, "skipped/suppressed"},
		{"sent another session by the campaign itself", func(r *Rules) { r.PerContact = FirstSession }, func(c *campaign) {
			c.book.take("beside of x", id(90), mail(2))(Conclusion{Status: Delivered, Called: true, Time: time.Now()})
			c.book.end("beside of x")
		}, "skipped/same_contact"},
		{"delivered there, which counts first", func(r *Rules) { r.Cooldown = time.Hour }, func(c *campaign) {
			c.book.take("other", id(2), mail(2))(Conclusion{Status: Delivered, Called: true, Time: time.Now()})
		}, "delivered/already_delivered"},
		{"a call for the person that comes to nothing", func(r *Rules) { r.Cooldown = time.Hour }, func(c *campaign) {
			conclude := c.book.take("other", id(90), mail(2))
			time.AfterFunc(20*time.Second, func() { conclude(Conclusion{Status: Rejected, Called: true, Time: time.Now()}) })
		}, "delivered"},
		{"a call for the person that is accepted", func(r *Rules) { r.Cooldown = time.Hour }, func(c *campaign) {
			conclude := c.book.take("other", id(90), mail(2))
			time.AfterFunc(20*time.Second, func() { conclude(Conclusion{Status: Delivered, Called: true, Time: time.Now()}) })
		}, "skipped/cooling_down"},
		{"a call for the person that nobody ends", func(r *Rules) { r.Cooldown = time.Hour }, func(c *campaign) {
			c.book.take("other", id(90), mail(2))
		}, "skipped/cooling_down"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCampaign(t, always(ok200))
				tt.rule(&c.rules)
				c.rules.Run = "run-1 of x"
				c.checked = func() {
					time.Sleep(time.Second)
					if strings.HasPrefix(tt.want, "skipped/same") {
						return
					}
					tt.then(c)
				}
				if strings.HasPrefix(tt.want, "skipped/same") { // of the same content there is one run at a time
					tt.then(c)
				}
				list := sheet(many(1, 4)...)
				list.bytes = "x"
				res := c.runAndReport(t, list)
				if got := res.statuses(); got[1] != tt.want || got[0] != "delivered" || got[3] != "delivered" {
					t.Errorf("the rows are %q, want the second %s", got, tt.want)
				}
				if diff := cmp.Diff(res.statuses(), shorts(c.later(t, list))); diff != "" {
					t.Errorf("a report made later differs (-at once +later):\n%s", diff)
				}
				if res.ending.Code != "" {
					t.Errorf("the run ended with %v", res.ending)
				}
			})
		})
	}
}

// One person with several sessions.
func TestPerContact(t *testing.T) {
	row := func(n, person int) Row { r := byMail(n); r.Fields.Email = mail(person); return r }
	bad := row(1, 7)
	bad.Fields.Session = "no session"
	for _, tt := range []struct {
		name  string
		known map[int]Status // of sessions, sent to mail(7)
		rows  []Row
		calls []string
	}{
		{"the first", nil, []Row{row(1, 7), row(2, 8), row(3, 7), row(4, 7)}, []string{id(1), id(2)}},
		{"the first was delivered", map[int]Status{1: Delivered}, []Row{row(1, 7), row(2, 8), row(3, 7)}, []string{id(2)}},
		{"the first may have been", map[int]Status{1: Uncertain}, []Row{row(1, 7), row(3, 7)}, nil},
		{"the first was refused", map[int]Status{1: Rejected}, []Row{row(1, 7), row(3, 7), row(4, 7)}, []string{id(3)}},
		{"the last was delivered", map[int]Status{4: Delivered}, []Row{row(1, 7), row(3, 7), row(4, 7)}, nil},
		{"the last is in doubt", map[int]Status{4: Uncertain}, []Row{row(1, 7), row(3, 7), row(4, 7)}, nil},
		{"the first was delivered elsewhere", nil, []Row{func() Row { r := row(1, 7); saysPrior(Delivered, "", "")(&r); return r }(), row(3, 7)}, nil},
		{"the first opted out", nil, []Row{func() Row { r := row(1, 7); optedOut(&r); return r }(), row(3, 7), row(4, 7)}, []string{id(3)}},
		{"repeats of a session", nil, []Row{row(1, 7), row(1, 7), row(2, 8)}, []string{id(1), id(2)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				for split := 1; split <= len(tt.rows); split++ { // over one file, or two
					c := newCampaign(t, always(ok200))
					for n, s := range tt.known {
						c.book.take("old", id(n), mail(7))(Conclusion{Status: s, Called: true, Binding: s == Rejected, Code: "BAD_VALUE", Time: time.Now()})
					}
					c.rules.PerContact = FirstSession
					files := []*table{{name: "a.csv", rows: tt.rows[:split], report: true}, {name: "b.csv", rows: tt.rows[split:], report: true}}
					if split == len(tt.rows) {
						files = files[:1]
					}
					res := c.runAndReport(t, files...)
					c.wantCalls(t, tt.calls...)
					for i, f := range files {
						for k, o := range res.reports[i] {
							if o.Code == CodeSameContact && !strings.Contains(o.Reason, ".csv") {
								t.Errorf("%s, row %d: %q names no place", f.name, k, o.Reason)
							}
						}
					}
					twice := false
					for i, k := range res.plan.Files {
						twice = twice || k.Due != len(slices.DeleteFunc(slices.Clone(res.reports[i]), func(o Outcome) bool { return !o.SentNow }))
					}
					if twice {
						t.Error("the check has counted others as due than were sent")
					}
				}
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		c := newCampaign(t, always(ok200))
		c.rules.PerContact = OneSession
		_, err := Check(t.Context(), CheckConfig{Rules: withoutRun(c.rules), Defaults: testDefaults, Records: c.book.run("")}, sheet(row(1, 7), row(2, 8), row(3, 7), row(4, 7), row(5, 8)))
		if err == nil || !strings.Contains(err.Error(), "2 people would get more than one message") {
			t.Errorf("it is not refused: %v", err)
		}
	})
}

// sends has sent so many messages by e-mail since whenever.
type sends int

func (n sends) SentSince(_ context.Context, _ time.Time, m Method) (int, error) {
	if m == SMS {
		return 0, nil
	}
	return int(n), nil
}

// When the last row goes is told by what was sent in the period already, of the method that counts.
func TestForecastCountsWhatWasSent(t *testing.T) {
	start := time.Date(2026, 5, 4, 9, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name string
		by   Method
		used sends
		days int
	}{
		{"nothing was", "", 0, 0},
		{"there is just room", "", 7, 0},
		{"one more, and the last waits for tomorrow", "", 8, 1},
		{"all of today's were", Email, 10, 1},
		{"more than may be, as by an earlier rule", Email, 25, 1},
		{"by the other method", SMS, 25, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rules := Rules{Target: "sandbox", Zone: "UTC", Allowances: []Allowance{{Messages: 10, Per: Day, Method: tt.by}}}
			plan, err := Check(t.Context(), CheckConfig{
				Rules: rules, Defaults: testDefaults, Records: canned{}, Going: Going{Start: start, Rate: 1, Sends: tt.used},
			}, sheet(byMail(1), byMail(2), byMail(3)))
			if err != nil {
				t.Fatal(err)
			}
			if last := plan.Outlook.Last; last.YearDay() != start.YearDay()+tt.days {
				t.Errorf("the last would go on %s, want %d days later than %s", last, tt.days, start)
			}
		})
	}
}
