package campaign_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"hppsend/internal/campaign"
	"hppsend/internal/ledger"
	"hppsend/pipeline"
	"hppsend/reader"
)

// ofTerms tells of every option whether it is approved with a plan. What is not says only where the result goes, how
// hard the program tries, or what makes it stop earlier.
var ofTerms = map[string]bool{
	"Reading.Sheet": true, "Reading.HeaderRow": true, "Reading.Map": true, "Reading.Delimiter": true, "Reading.Encoding": true,
	"Reading.Ragged": true, "Reading.Hidden": true, "Reading.Country": true, "Reading.Method": true, "Reading.Prefer": true,
	"Reading.BarePhone": true, "Reading.Unusual": true, "Reading.Each": true, "Reading.Sessions": true, "Reading.Reminder": true,
	"Reading.Label": true, "Reading.Fallback": true, "Reading.Upload": true, "Reading.OptOut": true, "Reading.NoOptOut": true, "Reading.Overrides": true,
	"Target.Name": true, "User": true, "RetryRejected": true, "ResendUncertain": true, "Rate": true, "Headroom": true,
	"Restraints.Preflight.Age": true, "Restraints.Preflight.SendUnclear": true,
	"Program.Version": true, "Send.Canary": true, "Send.Limit": true, "Send.MaxRejected.Rows": true, "Send.MaxRejected.Share": true,

	"Restraints.Hours": true, "Restraints.Holidays": true, "Restraints.Home": true, "Restraints.Margin": true,
	"Restraints.SessionLife": true, "Restraints.SessionFrom": true, "Restraints.SkipLate": true, "Restraints.BySoonest": true,
	"Restraints.Cooldown": true, "Restraints.PerContact": true, "Restraints.Allowances": true, "Restraints.Zone": true,

	"Target.Origin": false, "Target.Environment": false, // the name says both
	"Reading.AnyOptOut": false, // of what is sent it is never said
	// A longer list only takes away; what a shorter one would add was not approved, by its effect.
	"Suppress.Paths": false, "Suppress.Unreadable": false, "Suppress.Country": false, "Suppress.WithoutPlus": false, "Suppress.Kept": false,
	"LeftOut": false, // rejected rows are not sent in any case
	"Sample":  false, "SkipRefused": false, "Archive": false, "Program.Host": false, "Program.PID": false,
	"Send.Concurrency": false, "Send.MaxAttempts": false, "Send.RetryFor": false, "Send.Grace": false, "Send.StopAfterIdentical": false,
	"Send.Until": false, "Send.GoOn": false, "Send.Wait": false, "Outputs": false,
	"Approval":       false, // of the plan itself
	"Workers.Shared": false, "Workers.Priority": false, "Workers.Detach": false,
}

// set gives a field another value than the zero one.
func set(t *testing.T, v reflect.Value, name string) {
	switch v.Kind() {
	case reflect.String:
		v.SetString("x")
	case reflect.Int, reflect.Int64:
		v.SetInt(7)
	case reflect.Float64:
		v.SetFloat(0.5)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Map:
		v.Set(reflect.ValueOf(map[string]string{"phone": "Mobile"}))
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
	case reflect.Pointer:
		if v.Type() == reflect.TypeFor[*pipeline.Holidays]() {
			v.Set(reflect.ValueOf(&pipeline.Holidays{National: true}))
			return
		}
		v.Set(reflect.New(v.Type().Elem()))
	case reflect.Struct, reflect.Func: // of those that are not of the terms, but for hours and times
		switch at := v.Addr().Interface().(type) {
		case *pipeline.Hours:
			if err := at.UnmarshalText([]byte("daily 09:00-20:00")); err != nil {
				t.Fatal(err)
			}
			return
		case *time.Time:
			*at = time.Unix(1, 0)
			return
		}
		if ofTerms[name] {
			t.Errorf("%s cannot be set", name)
		}
	default:
		t.Errorf("%s is a %s", name, v.Kind())
	}
}

// each calls do for every option, by its path.
func each(v reflect.Value, prefix string, do func(path []int, name string), at ...int) {
	for i := range v.NumField() {
		name, f := prefix+v.Type().Field(i).Name, v.Field(i)
		path := append(append([]int{}, at...), i)
		if _, leaf := ofTerms[name]; !leaf && f.Kind() == reflect.Struct {
			each(f, name+".", do, path...)
			continue
		}
		do(path, name)
	}
}

// TestTerms changes every option: the digest of a plan is another one, or the option is known not to matter.
func TestTerms(t *testing.T) {
	h := newHouse(t)
	plan, err := campaign.Check(t.Context(), h.options(), campaign.Ports{Observer: h}, []string{h.write("may.csv", "anna@example.com")})
	if err != nil {
		t.Fatal(err)
	}
	digest := func(o campaign.Options) [32]byte {
		a, err := o.Plan("north", planKey, plan)
		if err != nil {
			t.Fatal(err)
		}
		return a.Digest()
	}
	seen := map[[32]byte]string{digest(campaign.Options{}): "nothing"}
	n := 0
	each(reflect.ValueOf(campaign.Options{}), "", func(path []int, name string) {
		n++
		counts, known := ofTerms[name]
		if !known {
			t.Errorf("%s: is it approved with a plan, or not?", name)
			return
		}
		var o campaign.Options
		set(t, reflect.ValueOf(&o).Elem().FieldByIndex(path), name)
		other, same := seen[digest(o)]
		if counts == same {
			t.Errorf("%s: the digest is that of %s", name, other)
		}
		if counts {
			seen[digest(o)] = name
		}
	})
	if n != len(ofTerms) {
		t.Errorf("%d options of %d are there", n, len(ofTerms))
	}
}

var planKey = []byte("the key of a ledger")

// checked is what a check finds in a list of contacts.
func (h *house) checked(opt campaign.Options, contacts ...string) *pipeline.Plan {
	h.t.Helper()
	plan, err := campaign.Check(h.t.Context(), opt, campaign.Ports{Observer: h}, []string{h.write("may.csv", contacts...)})
	if err != nil {
		h.t.Fatal(err)
	}
	return plan
}

// approved is a plan as it is approved, of a list of contacts.
func (h *house) approved(opt campaign.Options, contacts ...string) campaign.Approved {
	h.t.Helper()
	a, err := opt.Plan("north", planKey, h.checked(opt, contacts...))
	if err != nil {
		h.t.Fatal(err)
	}
	return a
}

// TestHolds compares a plan with what it has become.
func TestHolds(t *testing.T) {
	h := newHouse(t)
	opt := h.options()
	opt.Label = "<May> & \"co\" \u2028 \x7f"
	three := []string{"anna@example.com", "bo@example.com", "cleo@example.com"}
	was, now := h.approved(opt, three...), h.checked(opt, three...)
	if len(was.Effects) != 3 || len(was.Contents) != 1 {
		t.Fatalf("%+v", was)
	}
	others := h.approved(opt, "anna@example.com", "bo@example.com", "other@example.com").Effects
	for name, tt := range map[string]struct {
		was    func(*campaign.Approved)
		opt    func(*campaign.Options)
		says   string // empty: it holds
		kind   pipeline.Kind
		digest bool // it is the same
	}{
		"nothing":            {nil, nil, "", "", true},
		"one less":           {func(a *campaign.Approved) { a.Effects = append(a.Effects, pipeline.Effect{255, 255}) }, nil, "", "", false},
		"one more":           {func(a *campaign.Approved) { a.Effects = a.Effects[1:] }, nil, "1 row would be sent", pipeline.BadInput, false},
		"all":                {func(a *campaign.Approved) { a.Effects = nil }, nil, "may.csv, row 2: 3 rows would be sent that what was approved has not, this one the first, also rows 3, 4;", pipeline.BadInput, false},
		"another":            {func(a *campaign.Approved) { a.Effects = others }, nil, "may.csv, row 4: 1 row would be sent", pipeline.BadInput, false},
		"another account":    {func(a *campaign.Approved) { a.Account = "south" }, nil, "another account", pipeline.Usage, false},
		"another content":    {func(a *campaign.Approved) { a.Contents = [][32]byte{{1}} }, nil, "may.csv: the file, or what was typed into it", pipeline.BadInput, false},
		"no content":         {func(a *campaign.Approved) { a.Contents = nil }, nil, "the file, or what was typed into it", pipeline.BadInput, false},
		"a file is left out": {func(a *campaign.Approved) { a.Contents = append([][32]byte{{1}}, a.Contents...) }, nil, "", "", false},
		"other terms":        {func(a *campaign.Approved) { a.Terms = json.RawMessage(`{}`) }, nil, "how it is read", pipeline.Usage, false},
		"another rate":       {nil, func(o *campaign.Options) { o.Rate = 7 }, `Rate was "10000" and is "7"`, pipeline.Usage, true},
		"another sheet":      {nil, func(o *campaign.Options) { o.Sheet = "May" }, `Reading.sheet was not said and is "May"`, pipeline.Usage, true},
		"no sessions":        {nil, func(o *campaign.Options) { o.Sessions = "" }, `Reading.session_format was "auto" and is not said`, pipeline.Usage, true},
		"another target":     {nil, func(o *campaign.Options) { o.Target.Name = "https://api.klarna.com" }, `Target was "sandbox" and is "https://api.klarna.com"`, pipeline.Usage, true},
		"another user":       {nil, func(o *campaign.Options) { o.User = "PK1234567_a" }, `User was "" and is "PK1234567_a"`, pipeline.Usage, true},
		"another version":    {nil, func(o *campaign.Options) { o.Program.Version = "v2.0.0" }, `Version was "test" and is "v2.0.0"`, pipeline.Usage, true},
		"two options":        {nil, func(o *campaign.Options) { o.Send.Limit, o.Send.Canary = 1, 2 }, `Canary was 0 and is 2, Limit was 0 and is 1;`, pipeline.Usage, true},
		"another place":      {nil, func(o *campaign.Options) { o.Outputs.Report = "r.csv" }, "", "", true},
	} {
		t.Run(name, func(t *testing.T) {
			a, opt := was, opt
			a.Effects = append([]pipeline.Effect{}, was.Effects...)
			if tt.was != nil {
				tt.was(&a)
			}
			if tt.opt != nil {
				tt.opt(&opt)
			}
			err := a.Holds("north", planKey, opt, now)
			if tt.says == "" != (err == nil) || err != nil && (!strings.Contains(err.Error(), tt.says) || !errors.Is(err, tt.kind)) {
				t.Errorf("%v", err)
			}
			if same := a.Digest() == was.Digest(); same != tt.digest {
				t.Errorf("the digest is the same: %t", same)
			}
		})
	}
	if err := was.Holds("north", []byte("another key"), opt, now); err == nil {
		t.Error("it holds by another key")
	}
	text, err := json.Marshal(was) // as it is kept
	var kept campaign.Approved
	if err := errors.Join(err, json.Unmarshal(text, &kept)); err != nil || kept.Digest() != was.Digest() || kept.Holds("north", planKey, opt, now) != nil {
		t.Errorf("what was kept is another: %v", err)
	}
}

// Contacts in the names that people give to things do not get into what is approved; who sends, and where to, does.
func TestTermsAreMasked(t *testing.T) {
	h := newHouse(t)
	opt := h.options()
	opt.Label, opt.Sheet, opt.Map = "for anna@example.com", "+46701740605", map[string]string{"phone": "0701740605"}
	opt.User, opt.Target.Name = "PK4670174060_0701740605", "https://46701740605.example.com"
	a, err := opt.Plan("", planKey, h.checked(h.options(), "anna@example.com"))
	if err != nil {
		t.Fatal(err)
	}
	terms := string(a.Terms)
	for _, hidden := range []string{"anna@", `"+4670`, `"0701740605"`} {
		if strings.Contains(terms, hidden) {
			t.Errorf("%s is in %s", hidden, terms)
		}
	}
	for _, there := range []string{opt.User, opt.Target.Name, "for a•••@e•••.com"} {
		if !strings.Contains(terms, there) {
			t.Errorf("%s is not in %s", there, terms)
		}
	}
}

// A cell that was mended is of the content and of the effects, as if the file had said so; a file with mends is told
// from one without them when it is reported on.
func TestMended(t *testing.T) {
	h := newHouse(t)
	opt := h.options()
	typed := h.approved(opt, "anna@example.com", "bo@example.com")
	list := h.write("may.csv", "anna@example.com", "nobody")
	sum, err := campaign.HashFile(list)
	if err != nil {
		t.Fatal(err)
	}
	opt.Upload = &campaign.Upload{ID: "U1", SHA256: fmt.Sprintf("%x", sum), Mends: []reader.Mend{{Row: 3, Column: 1, Text: "bo@example.com"}}}
	plan, err := campaign.Check(t.Context(), opt, campaign.Ports{Observer: h}, []string{list})
	if err != nil {
		t.Fatal(err)
	}
	mended, err := opt.Plan("north", planKey, plan)
	if err != nil || !reflect.DeepEqual(mended.Effects, typed.Effects) || mended.Contents[0] == typed.Contents[0] || mended.Contents[0] == sum {
		t.Errorf("%+v, %v", mended, err)
	}
	opt.Outputs.None = true
	res, err := h.run(opt, list)
	if err != nil || res.Total.SentNow != 2 {
		t.Fatalf("%+v, %v", res, err)
	}
	l := h.open()
	_, _, err = campaign.Again(t.Context(), l, opt.Target, list, campaign.Outputs{Report: h.path("again.csv")}, h, opt.Program)
	if !errors.Is(err, pipeline.Usage) || !strings.Contains(err.Error(), "was sent from the upload page (run "+res.Files[0].Run+")") {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(h.path("again.csv")); err == nil {
		t.Error("a report was written on cells that were not sent")
	}
	run, _, err := l.FindRun(t.Context(), res.Files[0].Run)
	if err != nil || strings.Contains(string(run.Options), "bo@example.com") || !strings.Contains(string(run.Options), `"id":"U1"`) {
		t.Errorf("the run has the options %s, %v", run.Options, err)
	}
	f, err := campaign.Remade(t.Context(), l, opt.Target, run, list, opt.Upload, campaign.Outputs{Report: h.path("again.csv")}, h, opt.Program)
	if err != nil || f.Tally.Status[pipeline.Delivered] != 2 {
		t.Errorf("%+v, %v", f, err)
	}
	opt.Upload.Mends = nil // other cells than those that were sent
	if _, err := campaign.Remade(t.Context(), l, opt.Target, run, list, opt.Upload, campaign.Outputs{None: true}, h, opt.Program); !errors.Is(err, pipeline.InputChanged) {
		t.Errorf("without its mends: %v", err)
	}
}

// open opens the ledger that the campaigns have made.
func (h *house) open() *ledger.Ledger {
	h.t.Helper()
	l, err := ledger.Open(h.t.Context(), ledger.Options{Path: h.path("ledger.db"), Environment: "sandbox"})
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { l.Close() })
	return l
}
