package pipeline

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// effectsOf checks rows, each list as a file, and gives what would be brought about.
func effectsOf(t *testing.T, cfg CheckConfig, lists ...[]Row) []Effect {
	t.Helper()
	var sources []Source
	for _, rows := range lists {
		sources = append(sources, sheet(rows...))
	}
	plan, err := Check(t.Context(), cfg, sources...)
	if err != nil {
		t.Fatal(err)
	}
	if effects := plan.Effects(effectKey); len(effects) != plan.Due || !slices.IsSortedFunc(effects, func(a, b Effect) int { return slices.Compare(a[:], b[:]) }) {
		t.Errorf("%d effects of %d rows that are due", len(effects), plan.Due)
	}
	return plan.Effects(effectKey)
}

var effectKey = []byte("a key")

// Two rows have one effect when they say the same and are read as the same, wherever they stand.
func TestEffect(t *testing.T) {
	plain := CheckConfig{Rules: Rules{Target: "sandbox"}, Defaults: testDefaults}
	in := func(change func(*Defaults)) CheckConfig {
		cfg := plain
		change(&cfg.Defaults)
		return cfg
	}
	local := Row{Fields: Fields{Session: id(1), Phone: "0701740605", PhoneCountry: "SE"}}
	both := mailRow(bothContacts)
	row := func(base Row, change func(*Row)) Row { change(&base); return base }
	for name, tt := range map[string]struct {
		a, b       Row
		cfgA, cfgB CheckConfig
		same       bool
	}{
		"the same":            {byMail(1), byMail(1), plain, plain, true},
		"another place":       {byMail(1), row(byMail(1), func(r *Row) { r.Place = Place{Sheet: "May", Row: 7} }), plain, plain, true},
		"other cells":         {byMail(1), row(byMail(1), func(r *Row) { r.Cells = []Cell{{Text: "x"}} }), plain, plain, true},
		"another session":     {byMail(1), row(byMail(1), func(r *Row) { r.Fields.Session = id(2) }), plain, plain, false},
		"another address":     {byMail(1), row(byMail(1), otherMail), plain, plain, false},
		"another number":      {byPhone(1), row(byPhone(1), func(r *Row) { r.Fields.Phone = "+46701740699" }), plain, plain, false},
		"another country":     {local, row(local, func(r *Row) { r.Fields.PhoneCountry = "FI" }), plain, plain, false},
		"another channel":     {row(both, func(r *Row) { r.Fields.Method = "sms" }), row(both, func(r *Row) { r.Fields.Method = "email" }), plain, plain, false},
		"preferred otherwise": {both, both, in(func(d *Defaults) { d.Prefer = SMS }), in(func(d *Defaults) { d.Prefer = Email }), false},
		"read for another country": {
			row(local, func(r *Row) { r.Fields.PhoneCountry = "" }), row(local, func(r *Row) { r.Fields.PhoneCountry = "" }),
			in(func(d *Defaults) { d.Country = "SE" }), in(func(d *Defaults) { d.Country = "FI" }), false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := effectsOf(t, tt.cfgA, []Row{tt.a}), effectsOf(t, tt.cfgB, []Row{tt.b})
			if len(a) != 1 || len(b) != 1 {
				t.Fatalf("%d and %d rows are due", len(a), len(b))
			}
			if (a[0] == b[0]) != tt.same {
				t.Errorf("the effects are the same: %t", a[0] == b[0])
			}
		})
	}
}

// Only rows that are to be sent have effects, in whatever order and files they stand.
func TestEffectsOfAPlan(t *testing.T) {
	cfg := CheckConfig{Rules: Rules{Target: "sandbox"}, Defaults: testDefaults}
	want := effectsOf(t, cfg, many(1, 9))
	backwards := many(1, 9)
	slices.Reverse(backwards)
	for name, lists := range map[string][][]Row{
		"backwards":             {backwards},
		"in two files":          {many(1, 4), many(5, 5)},
		"with repeats":          {append(many(1, 9), many(3, 2)...)},
		"with rows that cannot": {append(many(1, 9), mailRow(noSession), Row{Fields: Fields{Session: id(20), Email: "nobody"}})},
	} {
		if diff := cmp.Diff(want, effectsOf(t, cfg, lists...)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	book := canned{}
	book.know(id(1), known(Delivered))
	cfg.Records = book
	less := effectsOf(t, cfg, many(1, 9))
	if len(less) != 8 || len(grown(want, less)) != 0 || len(grown(less, want)) != 1 {
		t.Errorf("%d effects are left; grown by %d, and by %d the other way", len(less), len(grown(want, less)), len(grown(less, want)))
	}
}

func TestGrown(t *testing.T) {
	e := func(all ...byte) (effects []Effect) {
		for _, n := range all {
			effects = append(effects, Effect{n})
		}
		return effects
	}
	for _, tt := range []struct {
		before, now, want []Effect
	}{
		{nil, nil, nil},
		{e(1, 2, 3), e(1, 2, 3), nil},
		{e(1, 2, 3), nil, nil},
		{nil, e(1, 2), e(1, 2)},
		{e(1, 2, 3), e(2), nil},
		{e(1, 2, 3), e(3), nil},
		{e(2), e(1, 2, 3), e(1, 3)},
		{e(1, 3, 5), e(2, 4, 6), e(2, 4, 6)},
		{e(1, 3, 5), e(1, 4, 5), e(4)},
		{e(1, 1), e(1, 1), nil},
		{e(1), e(1, 1), e(1)},
		{e(1, 1, 2), e(1, 2, 2), e(2)},
		{e(1, 2), e(2, 2, 2), e(2, 2)},
	} {
		if got := grown(tt.before, tt.now); !slices.Equal(got, tt.want) {
			t.Errorf("%v after %v has grown by %v, not %v", tt.now, tt.before, got, tt.want)
		}
	}
}

// Without the key nobody can tell which contact an effect is of.
func TestEffectsAreKeyed(t *testing.T) {
	plan, err := Check(t.Context(), CheckConfig{Rules: Rules{Target: "sandbox"}, Defaults: testDefaults}, sheet(byPhone(1)))
	if err != nil {
		t.Fatal(err)
	}
	if a, b := plan.Effects([]byte("a key")), plan.Effects([]byte("another")); len(a) != 1 || len(b) != 1 || a[0] == b[0] {
		t.Errorf("by two keys the effects are %v and %v", a, b)
	}
}

// What goes beyond a plan is counted, with the rows where it stands; a row that another run holds may be sent too.
func TestBeyond(t *testing.T) {
	cfg := CheckConfig{Rules: Rules{Target: "sandbox"}, Defaults: testDefaults}
	placed := func(rows []Row) []Row {
		for i := range rows {
			rows[i].Place.Row = i + 2
		}
		return rows
	}
	for name, tt := range map[string]struct {
		before, now []Row
		flying      int // the session that another run holds by now
		n           int
		at          []int
	}{
		"nothing more":              {many(1, 9), many(1, 9), 0, 0, nil},
		"less":                      {many(1, 9), many(3, 2), 0, 0, nil},
		"the last":                  {many(1, 8), many(1, 9), 0, 1, []int{10}},
		"all":                       {nil, many(1, 9), 0, 9, []int{2, 3, 4}},
		"two between":               {append(many(1, 2), many(5, 5)...), many(1, 9), 0, 2, []int{4, 5}},
		"held, and was planned":     {many(1, 9), many(1, 9), 4, 0, nil},
		"held, and was not":         {append(many(1, 3), many(5, 5)...), many(1, 9), 4, 1, []int{5}},
		"held and another, neither": {many(1, 3), many(1, 5), 4, 2, []int{5, 6}},
	} {
		t.Run(name, func(t *testing.T) {
			var before []Effect
			if tt.before != nil {
				before = effectsOf(t, cfg, tt.before)
			}
			book := canned{}
			if tt.flying > 0 {
				book.know(id(tt.flying), known("", underWay))
			}
			now := cfg
			now.Records = book
			plan, err := Check(t.Context(), now, sheet(placed(tt.now)...))
			if err != nil {
				t.Fatal(err)
			}
			n, places := plan.Beyond(effectKey, before, 3)
			var at []int
			for _, p := range places {
				at = append(at, p.Row)
			}
			if n != tt.n || !slices.Equal(at, tt.at) {
				t.Errorf("%d rows are beyond it, at %v; want %d at %v", n, at, tt.n, tt.at)
			}
		})
	}
}

// A row that is judged alone is judged as where nothing else is known.
func TestAlone(t *testing.T) {
	cfg := CheckConfig{Rules: Rules{Target: "sandbox"}, Defaults: testDefaults}
	for name, row := range map[string]Row{
		"an address":           byMail(1),
		"a number":             byPhone(1),
		"two contacts":         mailRow(bothContacts),
		"no session":           mailRow(noSession),
		"no address":           mailRow(unreadable),
		"two things are wrong": {Fields: Fields{Session: "x y", Email: "nobody", Method: "fax"}},
		"hidden":               mailRow(hiddenRow),
		"faulty":               mailRow(faulty),
		"nothing":              {},
	} {
		t.Run(name, func(t *testing.T) {
			src := sheet(row)
			src.mapped = []Mapping{{FieldEmail, "E-mail"}, {FieldSession, "Session"}}
			cfg := cfg
			cfg.Rules.Hidden = SkipHidden
			_, report := judged(t, cfg.Rules, nil, src)
			alone := cfg.Alone(src.Input(), row)
			said := func(o Outcome) Outcome {
				if o.Status == Pending { // the report says why it was not reached
					o.Code, o.Reason = "", ""
				}
				return Outcome{Session: o.Session, Status: o.Status, Code: o.Code, Reason: o.Reason, Findings: o.Findings, Note: o.Note, Method: o.Method}
			}
			if diff := cmp.Diff(said(report[0]), said(alone)); diff != "" {
				t.Errorf("(-with others +alone):\n%s", diff)
			}
		})
	}
}
